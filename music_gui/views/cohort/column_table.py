"""A table of columns for Qt: what the cohort panel lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

_Index = QModelIndex | QPersistentModelIndex

#: Under this role a cell gives its value, to sort by.
SORT_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class Column:
    """How a column is shown.

    Parameters
    ----------
    key : str
        Its name in the data.
    title : str
        On the header.
    text : callable
        Writes a value.
    right : bool
        Numbers stand on the right.
    icon : callable, optional
        Gives the icon for a value.
    """

    key: str
    title: str
    text: Callable[[Any], str] = str
    right: bool = False
    icon: Callable[[Any], QIcon] | None = None


class ColumnTable(QAbstractTableModel):
    """Rows by number, columns as described.

    Parameters
    ----------
    columns : sequence of Column
        In order.
    """

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        super().__init__()
        self._columns = list(columns)
        self._data: dict[str, list[Any]] = {column.key: [] for column in columns}

    def show(self, columns: Sequence[Column], data: dict[str, list[Any]]) -> None:
        """Show other columns and rows.

        Parameters
        ----------
        columns : sequence of Column
            In order.
        data : dict of str to list
            Values of all columns by key, all of one length.
        """
        self.beginResetModel()
        self._columns = list(columns)
        self._data = data
        self.endResetModel()

    def put_rows(self, rows: dict[int, dict[str, Any]]) -> None:
        """Replace or add single rows, by number."""
        n_now = self.rowCount()
        n_then = max(n_now, *(number + 1 for number in rows)) if rows else n_now
        if n_then > n_now:
            self.beginInsertRows(QModelIndex(), n_now, n_then - 1)
            for values in self._data.values():
                values.extend([None] * (n_then - n_now))
            self._put(rows)
            self.endInsertRows()
        else:
            self._put(rows)
        for number in rows:
            self.dataChanged.emit(self.index(number, 0), self.index(number, len(self._columns) - 1))

    def _put(self, rows: dict[int, dict[str, Any]]) -> None:
        for number, row in rows.items():
            for key, values in self._data.items():
                values[number] = row.get(key)

    def column(self, key: str) -> list[Any]:
        """Return the values of a column."""
        return self._data.get(key, [])

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of rows."""
        if parent.isValid() or not self._columns:
            return 0
        return len(self._data[self._columns[0].key])

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, icon, alignment, tooltip or value."""
        column = self._columns[index.column()]
        value = self._data[column.key][index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole:
                return _written(column, value)
            case Qt.ItemDataRole.TextAlignmentRole if column.right:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.DecorationRole if column.icon is not None:
                return column.icon(value)
            case role if role == SORT_ROLE:
                return value if isinstance(value, (int, float)) else _written(column, value)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title or a row's number."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if orientation == Qt.Orientation.Horizontal:
            return self._columns[section].title
        return section + 1


def _written(column: Column, value: Any) -> str:
    missing = value is None or value != value  # NaN differs from itself
    return "" if missing else column.text(value)
