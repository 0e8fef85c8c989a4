"""The figures of the fits that are shown, side by side."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from music_gui.state.fit_run import FitRun
from music_gui.state.run_comparison import compare_runs
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_ROW_HEIGHT = 21


class ComparisonTable(QTableWidget):
    """A column for each fit; what differs stands out; Ctrl+C copies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Figures of the fits")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self._runs: list[FitRun] = []
        self._letters: list[str] = []
        follow(self, palette.theme_changed, lambda _: self.show_runs(self._runs, self._letters))

    def show_runs(self, runs: list[FitRun], letters: list[str]) -> None:
        """Show the figures of one fit or two.

        Parameters
        ----------
        runs : list of FitRun
        letters : list of str
            Under which they stand in the plots.
        """
        self._runs, self._letters = runs, letters
        figures = compare_runs(runs) if runs else []
        if (self.rowCount(), self.columnCount()) != (len(figures), len(runs) + 1):
            self.setRowCount(len(figures))
            self.setColumnCount(len(runs) + 1)
            header = self.horizontalHeader()
            for column in range(self.columnCount()):
                header.setSectionResizeMode(
                    column,
                    QHeaderView.ResizeMode.Stretch
                    if column
                    else QHeaderView.ResizeMode.ResizeToContents,
                )
        self.setHorizontalHeaderLabels(["", *letters])
        for row, figure in enumerate(figures):
            for column, text in enumerate((figure.name, *figure.values)):
                self._write(row, column, text)
            self._dress_row(row, figure.differs)

    def _write(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
            item.setToolTip(text)

    def _dress_row(self, row: int, differs: bool) -> None:
        theme = palette.current()
        for column in range(self.columnCount()):
            if (item := self.item(row, column)) is not None:
                item.setForeground(QColor(theme.text if column else theme.muted))
                font = QFont(self.font())
                font.setBold(column > 0 and differs)
                item.setFont(font)
