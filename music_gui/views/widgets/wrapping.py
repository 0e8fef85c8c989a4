"""Text that takes the width it is given, however narrow, and breaks its lines to fit."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QSizePolicy


def wrap_to_width(label: QLabel) -> None:
    """Let a label grow in height rather than ask for width.

    A label that breaks its lines still asks for a width of its own, and what stands in a scroll
    area without a horizontal bar is cut off there.
    """
    label.setWordWrap(True)
    policy = label.sizePolicy()  # keeps that its height depends on its width
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
