"""Whether a model may be applied to a person: each question with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from music_gui.views.widgets.icon_label import IconLabel
from music_gui.views.widgets.wrapping import wrap_to_width

_ICONS = {
    True: ("mdi6.check-circle", "good", "passed"),
    False: ("mdi6.alert-circle", "bad", "failed"),
    None: ("mdi6.information", "muted", "for information"),
}


class CheckList(QWidget):
    """A row a check: icon and answer in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 6, 0, 6)
        self._grid.setColumnStretch(1, 1)

    def show_checks(self, checks: Sequence[dict[str, Any]]) -> None:
        """Show the checks of a score, the failed ones first."""
        while (item := self._grid.takeAt(0)) is not None:
            item.widget().deleteLater()
        for row, check in enumerate(sorted(checks, key=lambda each: each["passed"] is not False)):
            icon, color, word = _ICONS[check["passed"]]
            text = QLabel(textFormat=Qt.TextFormat.PlainText)
            wrap_to_width(text)
            text.setText(f"{check['name'].capitalize()}: {check['text']}")
            text.setAccessibleName(f"{check['name']} {word}: {check['text']}")
            self._grid.addWidget(IconLabel(icon, color, 16), row, 0)
            self._grid.addWidget(text, row, 1)
