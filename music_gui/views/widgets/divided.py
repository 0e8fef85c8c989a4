"""Panels in two parts that stay as the user has divided them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QWidget


class Divided(QSplitter):
    """A splitter that a panel divides until the user has.

    Parameters
    ----------
    orientation : Qt.Orientation
        At first.
    parts : QWidget
        From left to right or from top to bottom; none can be closed up.
    """

    def __init__(self, orientation: Qt.Orientation, *parts: QWidget) -> None:
        super().__init__(orientation, childrenCollapsible=False)
        self._is_of_user = False
        for part in parts:
            self.addWidget(part)
        self.splitterMoved.connect(self._keep)

    def propose(self, sizes: Sequence[int]) -> None:
        """Divide so, in pixels, unless the user has divided otherwise."""
        if not self._is_of_user:
            self.setSizes(list(sizes))

    def _keep(self) -> None:
        self._is_of_user = True
