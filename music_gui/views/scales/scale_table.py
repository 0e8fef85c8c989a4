"""The figures of compared scales as a table: sorted by any column, copied as text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from music_gui.state.scale_curves import ScaleCurve, ScalePoint, Spread
from music_gui.views.cohort.column_table import SORT_ROLE, Column, ColumnTable

#: Under these names the deviations of the figures stand in the data.
_DEVIATION = "_deviation"


#: Name, title, digits, and whether the deviation is listed.
_SPREADS = (
    ("ri", "RI", 3, True),
    ("ri_median", "RI median", 3, False),
    ("ari", "ARI", 3, True),
    ("held_out_loss", "Error, held out", 5, True),
    ("own_loss", "Error, own", 5, False),
)


class ScaleTable(QTableView):
    """A row for each scale, algorithm and split.

    Signals
    -------
    current_changed(scale)
        The user has gone to a row.
    chosen(scale)
        A row was chosen with Enter or a double click.
    """

    current_changed = Signal(int)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Figures of the scales")
        self._table = ColumnTable()
        self._columns: list[Column] = []
        proxy = QSortFilterProxyModel(self)
        proxy.setSourceModel(self._table)
        proxy.setSortRole(SORT_ROLE)
        self.setModel(proxy)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAlternatingRowColors(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)
        self.activated.connect(lambda index: self.chosen.emit(self._scale_of(index)))
        self.selectionModel().currentRowChanged.connect(self._on_current)
        copy = QAction("Copy rows", self)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(lambda: self.copy())
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def show_curves(self, curves: Sequence[ScaleCurve]) -> None:
        """Show the figures of curves in place of those before; order and place stay."""
        rows = [(curve, point) for curve in curves for point in curve.points]
        data: dict[str, list[Any]] = {
            "curve": [curve.title for curve, _ in rows],
            "scale": [point.scale for _, point in rows],
            "n": [point.n_repeats or None for _, point in rows],
        }
        for name, *_ in _SPREADS:
            spreads: list[Spread] = [getattr(point, name) for _, point in rows]
            data[name] = [spread.mean for spread in spreads]
            data[name + _DEVIATION] = [spread.deviation for spread in spreads]
        for name in ("loss", "sparsity", "n_vanished"):
            data[f"whole_{name}"] = [_whole(point, name) for _, point in rows]
        columns = self._make_columns()
        is_new = not self._columns
        scrolled, chosen = self.verticalScrollBar().value(), self._chosen_rows()
        self._columns = columns
        self._table.show(columns, data)
        if is_new:
            self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.resizeColumnsToContents()
        for row in chosen:
            if row < self.model().rowCount():
                self.selectRow(row)
        self.verticalScrollBar().setValue(scrolled)

    def _make_columns(self) -> list[Column]:
        spreads = []
        for name, title, digits, with_deviation in _SPREADS:
            text = partial(_fixed, digits=digits)
            spreads.append(Column(name, title, text, right=True))
            if with_deviation:
                spreads.append(Column(name + _DEVIATION, "±", text, right=True))
        return [
            Column("scale", "C", right=True),
            Column("curve", "Algorithm, split"),
            Column("n", "Splits", right=True),
            *spreads,
            Column("whole_loss", "Error, all maps", partial(_fixed, digits=5), right=True),
            Column("whole_sparsity", "Sparsity", partial(_fixed, digits=3), right=True),
            Column("whole_n_vanished", "Vanished", right=True),
        ]

    def copy(self) -> None:
        """Put the chosen rows, or all if none is chosen, on the clipboard, with the titles."""
        QGuiApplication.clipboard().setText(self.as_text(self._chosen_rows()))

    def as_text(self, rows: Sequence[int] = ()) -> str:
        """Return rows as they stand, or all, as tab-separated text under the titles."""
        model = self.model()
        columns = range(model.columnCount())
        lines = ["\t".join(column.title for column in self._columns)]
        for row in rows or range(model.rowCount()):
            lines.append("\t".join(str(model.index(row, column).data()) for column in columns))
        return "\n".join(lines) + "\n"

    def _chosen_rows(self) -> list[int]:
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def _scale_of(self, index: QModelIndex) -> int:
        return int(index.siblingAtColumn(0).data(SORT_ROLE))

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self.current_changed.emit(self._scale_of(current))


def _whole(point: ScalePoint, name: str) -> Any:
    return None if point.whole is None else getattr(point.whole, name)


def _fixed(value: float, *, digits: int) -> str:
    return f"{value:.{digits}f}"
