"""The figures of the fits that are shown, side by side."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QGuiApplication, QKeyEvent, QKeySequence, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from music_gui.state.fit_run import FitRun
from music_gui.state.run_comparison import ComparedFigure, compare_runs
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_ROW_HEIGHT = 21


class ComparisonTable(QTableWidget):
    """A column for each fit; what differs stands out; Ctrl+C copies all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Figures of the fits")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setToolTip("Ctrl+C copies the table")
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self._letters: list[str] = []
        self._figures: list[ComparedFigure] = []
        follow(self, palette.theme_changed, lambda _: self._fill(self._figures))

    def show_runs(self, runs: list[FitRun], letters: list[str]) -> None:
        """Show the figures of one fit or two.

        Parameters
        ----------
        runs : list of FitRun
        letters : list of str
            Under which they stand in the plots.
        """
        figures = compare_runs(runs) if runs else []
        if letters != self._letters or len(figures) != self.rowCount():
            self._letters = letters
            self._set_size(len(figures), 1 + len(letters))
            self._fill(figures)
        elif figures != self._figures:
            self._fill(figures, before=self._figures)
        self._figures = figures

    def _set_size(self, n_rows: int, n_columns: int) -> None:
        self.setRowCount(n_rows)
        self.setColumnCount(n_columns)
        self.setHorizontalHeaderLabels(["", *self._letters])
        modes = QHeaderView.ResizeMode
        for column in range(n_columns):
            self.horizontalHeader().setSectionResizeMode(
                column, modes.Stretch if column else modes.ResizeToContents
            )

    def _fill(
        self, figures: list[ComparedFigure], *, before: list[ComparedFigure] | None = None
    ) -> None:
        """Write the rows that have changed: each write makes the table look at its columns."""
        for row, figure in enumerate(figures):
            if before is None or figure != before[row]:
                for column, text in enumerate((figure.name, *figure.values)):
                    self.setItem(row, column, _item(text, column, figure.differs))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the table as text."""
        if event.matches(QKeySequence.StandardKey.Copy):
            lines = ["\t".join(("", *self._letters))]
            lines += ["\t".join((each.name, *each.values)) for each in self._figures]
            QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
        else:
            super().keyPressEvent(event)


def _item(text: str, column: int, differs: bool) -> QTableWidgetItem:
    theme = palette.current()
    item = QTableWidgetItem(text)
    item.setToolTip(text)
    item.setForeground(QColor(theme.text if column else theme.muted))
    if column and differs:
        font = QFont()
        font.setBold(True)
        item.setFont(font)
    return item
