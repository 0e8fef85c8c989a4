"""What a search has found as the rows of a list: headings, results, recent searches, a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from music_gui.state.search import SearchResult
from music_gui.state.search.search import ResultGroup

Index = QModelIndex | QPersistentModelIndex

#: A heading is a string, a recent search a tuple with its text.
Row = str | tuple[str] | SearchResult

#: What stands in a row, for the delegate.
ROW_ROLE = int(Qt.ItemDataRole.UserRole)


class ResultModel(QAbstractListModel):
    """Rows in the order in which they are shown; headings can't be chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    def show_groups(self, groups: Sequence[ResultGroup]) -> None:
        """Show results under the headings of their sources."""
        self._set([row for group in groups for row in (group.title, *group.results)])

    def show_recent(self, texts: Sequence[str]) -> None:
        """Show what was searched for before."""
        self._set(["Recent searches", *((text,) for text in texts)] if texts else [])

    def _set(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row(self, index: Index) -> Row | None:
        """Return what stands in a row."""
        return self._rows[index.row()] if index.isValid() else None

    def next_choice(self, row: int, step: int) -> int:
        """Return the next row in a direction that can be chosen, or the row itself."""
        place = row + step
        while 0 <= place < len(self._rows) and isinstance(self._rows[place], str):
            place += step
        return place if 0 <= place < len(self._rows) else row

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let headings not be chosen."""
        if isinstance(self.row(index), str):
            return Qt.ItemFlag.ItemNeverHasChildren
        return super().flags(index)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a row for the delegate, and its text for screen readers."""
        row = self.row(index)
        if role == ROW_ROLE:
            return row
        if isinstance(row, SearchResult):
            if role == Qt.ItemDataRole.DisplayRole:
                return row.title
            if role == Qt.ItemDataRole.AccessibleTextRole:
                return ", ".join(part for part in (row.title, row.detail, row.reason) if part)
            if role == Qt.ItemDataRole.ToolTipRole:
                return "\n".join(part for part in (row.title, row.detail, row.reason) if part)
        elif role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row[0] if isinstance(row, tuple) else row
        return None
