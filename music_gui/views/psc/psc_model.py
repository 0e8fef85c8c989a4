"""The PSCs of a scale as a table: one row a PSC, sorted and filtered without Qt's proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QPixmap

from music_gui.core.atlas import AtlasScale
from music_gui.state.psc_column import PscColumn
from music_gui.views.brain.psc_text import format_value
from music_gui.views.psc.text_columns import ANATOMY, ANATOMY_FIGURES, TextColumn, text_columns

if TYPE_CHECKING:
    from music_gui.state.anatomy import Anatomy

EYE, NAME = 0, 1

Index = QModelIndex | QPersistentModelIndex

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class PscModel(QAbstractTableModel):
    """Visibility, name with colour, region if the atlas has them, anatomy, one column a value.

    Rows are those that pass the filter, in the order of the sorted column; vanished components
    come last and can't be selected.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scale: AtlasScale | None = None
        self._columns: list[PscColumn] = []
        self._values = np.zeros((0, 0))
        self._colors = np.zeros((1, 4), dtype=np.uint8)
        self._vanished = np.zeros(0, dtype=bool)
        self._texts: list[TextColumn] = []
        self._anatomy: Anatomy | None = None
        self._haystack: list[str] = []
        self._rows: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._row_of: dict[str, int] = {}
        self._words: list[str] = []
        self._sorted_by: tuple[int, Qt.SortOrder] = (NAME, Qt.SortOrder.AscendingOrder)
        self._eyes: tuple[QPixmap, QPixmap] = (QPixmap(), QPixmap())
        self._grey = QColor()

    # -- what it shows ---------------------------------------------------------------------

    def show_scale(
        self,
        scale: AtlasScale | None,
        columns: list[PscColumn],
        anatomy: Anatomy | None = None,
    ) -> None:
        """Show the PSCs of a scale with these values, and what they cover of the anatomy."""
        self.beginResetModel()
        self._scale, self._columns, self._anatomy = scale, columns, anatomy
        self._texts = text_columns(scale, anatomy)
        names = scale.names if scale is not None else ()
        self._values = np.array(
            [[column.values.get(name, np.nan) for column in columns] for name in names]
        ).reshape(len(names), len(columns))
        self._vanished = scale.voxel_counts == 0 if scale is not None else np.zeros(0, dtype=bool)
        self._haystack = [
            " ".join(
                ("", name, name.partition("_")[2], *(text.words[place] for text in self._texts))
            ).lower()
            for place, name in enumerate(names)
        ]
        if self._sorted_by[0] >= self.columnCount():
            self._sorted_by = (NAME, Qt.SortOrder.AscendingOrder)
        self._arrange()
        self.endResetModel()

    def show_colors(self, colors: NDArray[np.uint8]) -> None:
        """Take the colours of the labels, shape (C + 1, 4); alpha 0 is hidden."""
        if np.array_equal(colors, self._colors):
            return
        self._colors = colors
        if self.rowCount():
            self.dataChanged.emit(self.index(0, EYE), self.index(self.rowCount() - 1, NAME))

    def use_icons(self, shown: QPixmap, hidden: QPixmap, grey: QColor) -> None:
        """Take the eye, the crossed eye, and the colour of what has vanished."""
        self._eyes, self._grey = (shown, hidden), grey

    def filter(self, text: str) -> None:
        """Show only rows in whose name, number or region words begin with all these."""
        words = [f" {word}" for word in text.lower().split()]
        if words != self._words:
            self.beginResetModel()
            self._words = words
            self._arrange()
            self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; PSCs without a value and vanished ones stay last."""
        if not 0 <= column < self.columnCount():
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        names = [self.name(index.row()) for index in before]
        self._sorted_by = (column, order)
        self._arrange()
        after = [
            self.index(self._row_of[name], index.column())
            for name, index in zip(names, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def name(self, row: int) -> str:
        """Return the name of the PSC in a row."""
        return self._scale.names[self._rows[row]] if self._scale is not None else ""

    def row(self, name: str) -> int | None:
        """Return the row of a PSC, or None if it is filtered out."""
        return self._row_of.get(name)

    def is_hidden(self, row: int) -> bool:
        """Tell whether the PSC in a row is hidden."""
        label = int(self._rows[row]) + 1
        return label < len(self._colors) and self._colors[label, 3] == 0

    def as_text(self, rows: list[int]) -> str:
        """Return rows with a header as tab-separated text."""
        columns = range(NAME, self.columnCount())
        header = [str(self.headerData(c, Qt.Orientation.Horizontal)) for c in columns]
        lines = [[*header, *(ANATOMY_FIGURES if self._anatomy is not None else ())]]
        for row in rows:
            place = self._rows[row]
            values = [f"{value:.10g}" for value in self._values[place]]
            words = [self._text(place, c) for c in range(NAME, self._first_value)]
            lines.append([*words, *values, *self._anatomy_figures(int(place))])
        return "\n".join("\t".join(line) for line in lines)

    def _arrange(self) -> None:
        """Put the rows that pass the filter in order."""
        column, order = self._sorted_by
        passes = [all(word in text for word in self._words) for text in self._haystack]
        rows = np.flatnonzero(np.array(passes, dtype=bool))
        keys = self._sort_keys(column)[rows]
        if order == Qt.SortOrder.DescendingOrder:
            keys = -keys
        last = np.isnan(keys) | self._vanished[rows]
        self._rows = rows[np.lexsort((rows, np.nan_to_num(keys), last))]
        names = self._scale.names if self._scale is not None else ()
        self._row_of = {names[place]: row for row, place in enumerate(self._rows)}

    def _sort_keys(self, column: int) -> NDArray[np.float64]:
        n = len(self._haystack)
        if column == EYE:
            hidden = self._colors[1:, 3] == 0 if len(self._colors) == n + 1 else np.zeros(n)
            return hidden.astype(np.float64)
        if column >= self._first_value:
            return self._values[:, column - self._first_value]
        if column == NAME:
            return np.arange(n, dtype=np.float64)
        return self._texts[column - NAME - 1].sort_keys

    # -- Qt's questions --------------------------------------------------------------------

    @property
    def _first_value(self) -> int:
        return NAME + 1 + len(self._texts)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of rows that pass the filter."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else self._first_value + len(self._columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let vanished components not be chosen."""
        if index.isValid() and self._vanished[self._rows[index.row()]]:
            return Qt.ItemFlag.ItemNeverHasChildren
        return super().flags(index)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title, with its unit."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        is_value = section >= self._first_value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_RIGHT if is_value else _LEFT) | int(Qt.TextFlag.TextWordWrap)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._header_tip(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._title(section)
        return None

    def _title(self, section: int) -> str:
        if section < self._first_value:
            return ("", "PSC")[section] if section <= NAME else self._texts[section - 2].title
        column = self._columns[section - self._first_value]
        return f"{column.title} ({column.unit})" if column.unit else column.title

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is shown in a cell."""
        place, column = int(self._rows[index.row()]), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(place, column)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(index.row(), place, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(_RIGHT if column >= self._first_value else _LEFT)
        if role == Qt.ItemDataRole.ForegroundRole:
            is_grey = self._vanished[place] or self.is_hidden(index.row())
            return self._grey if is_grey else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(place, column)
        if role == Qt.ItemDataRole.AccessibleTextRole and column == EYE:
            return "hidden" if self.is_hidden(index.row()) else "shown"
        return None

    def _text(self, place: int, column: int) -> str:
        if column == EYE or self._scale is None:
            return ""
        if column == NAME:
            return self._scale.names[place]
        if self._vanished[place] and column == NAME + 1:
            return "vanished"
        if column < self._first_value:
            return self._texts[column - NAME - 1].texts[place]
        value = float(self._values[place, column - self._first_value])
        return "" if self._vanished[place] else format_value(value)

    def _header_tip(self, section: int) -> str:
        if section == EYE:
            return "Shown or hidden"
        title = self._title(section)
        if title == ANATOMY and self._anatomy is not None:
            return f"Regions that hold most of the PSC. {self._anatomy.origin}"
        return title

    def _tip(self, place: int, column: int) -> str | None:
        if self._vanished[place]:
            return "Vanished: this component won no voxel when the atlas was made"
        is_text = NAME <= column < self._first_value
        if is_text and self._anatomy is not None and self._scale is not None:
            return self._anatomy.details(self._scale.names[place])
        return None

    def _anatomy_figures(self, place: int) -> list[str]:
        """Return share on the left and centre in MNI mm for copied rows."""
        if self._anatomy is None or self._scale is None:
            return []
        found = self._anatomy.row(self._scale.names[place])
        if found is None:
            return [""] * len(ANATOMY_FIGURES)
        overlap, row = found
        figures = (overlap.left_shares[row], *overlap.inner_centres[row])
        return ["" if np.isnan(value) else f"{value:.4g}" for value in figures]

    def _picture(self, row: int, place: int, column: int) -> Any:
        if self._vanished[place]:
            return None
        if column == EYE:
            return self._eyes[int(self.is_hidden(row))]
        if column == NAME and place + 1 < len(self._colors):
            red, green, blue, _ = (int(value) for value in self._colors[place + 1])
            return QColor(red, green, blue)
        return None
