"""What each PSC adds to a score, the largest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

_HEADERS = ("PSC", "Adds", "ml")
_TIPS = ("", "What it adds to the score", "Its volume in millilitres")
_MOST_ROWS = 100


class ContributionTable(QTableWidget):
    """The PSCs that move the score most.

    Signals
    -------
    chosen(str)
        The user chose a PSC.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADERS), parent)
        self.setHorizontalHeaderLabels(_HEADERS)
        for column, tip in enumerate(_TIPS):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName("Contributions of the PSCs")
        self.currentCellChanged.connect(self._on_current)
        self.activated.connect(self._on_activated)

    def show_contributions(self, contributions: Sequence[dict[str, Any]]) -> None:
        """Show the largest contributions, as in ``score.json``."""
        largest = sorted(contributions, key=lambda each: -abs(each["contribution"]))[:_MOST_ROWS]
        self.blockSignals(True)
        self.setRowCount(len(largest))
        for row, each in enumerate(largest):
            texts = (
                each["psc"],
                f"{each['contribution']:+.3f}",
                f"{each['volume_mm3'] / 1000:.2f}",
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.setItem(row, column, item)
        self.blockSignals(False)

    def _on_current(self, row: int) -> None:
        if (item := self.item(row, 0)) is not None:
            self.chosen.emit(item.text())

    def _on_activated(self, index: QModelIndex) -> None:
        self._on_current(index.row())
