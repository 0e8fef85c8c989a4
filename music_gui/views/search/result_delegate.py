"""Draws the rows of the search box."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from music_gui.state.search import SearchResult
from music_gui.views.search.result_model import ROW_ROLE
from music_gui.views.widgets import palette
from music_gui.views.widgets.icons import pixmap

_ICON = 18
_LEFT, _GAP = 12, 10
_HEADING_HEIGHT, _LINE_PADDING = 28, 7


class ResultDelegate(QStyledItemDelegate):
    """A result has two lines: what it is and more about it; why it matches."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return two lines for a result, one for everything else."""
        row, line = index.data(ROW_ROLE), option.fontMetrics.height()
        if isinstance(row, SearchResult):
            return QSize(200, 2 * line + 2 * _LINE_PADDING)
        return QSize(200, _HEADING_HEIGHT if isinstance(row, str) else line + 2 * _LINE_PADDING)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a row."""
        theme, row, area = palette.current(), index.data(ROW_ROLE), option.rect
        painter.save()
        painter.setFont(option.font)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(theme.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver and not isinstance(row, str):
            painter.fillRect(area, QColor(theme.hover))
        if isinstance(row, SearchResult):
            self._paint_result(painter, option, row, theme)
        elif isinstance(row, str):
            font = QFont(option.font)
            font.setBold(True)
            font.setPointSizeF(font.pointSizeF() * 0.9)
            painter.setFont(font)
            painter.setPen(QColor(theme.muted))
            room = area.adjusted(_LEFT, 6, -_LEFT, 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, row)
        elif row is not None:
            self._paint_icon(painter, area, "mdi6.history", theme.muted)
            painter.setPen(QColor(theme.text))
            room = area.adjusted(_LEFT + _ICON + _GAP, 0, -_LEFT, 0)
            _draw(painter, room, row[0], option.fontMetrics)
        painter.restore()

    def _paint_result(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        result: SearchResult,
        theme: palette.Theme,
    ) -> None:
        area, line = option.rect, option.fontMetrics.height()
        self._paint_icon(painter, area, result.icon or "mdi6.magnify", theme.accent)
        top = area.adjusted(_LEFT + _ICON + _GAP, _LINE_PADDING, -_LEFT, 0)
        top.setHeight(line)
        bold = QFont(option.font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(QColor(theme.text))
        used = _draw(painter, top, result.title, QFontMetrics(bold))
        painter.setFont(option.font)
        if result.detail:
            _draw(painter, top.adjusted(used + _GAP, 0, 0, 0), result.detail, option.fontMetrics)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QColor(theme.text if is_chosen else theme.muted))
        _draw(painter, top.translated(0, line), result.reason, option.fontMetrics)

    def _paint_icon(self, painter: QPainter, area: QRect, name: str, color: str) -> None:
        place = QRect(area.left() + _LEFT, area.center().y() - _ICON // 2, _ICON, _ICON)
        painter.drawPixmap(place, pixmap(name, color, 2 * _ICON))


def _draw(painter: QPainter, room: QRect, text: str, metrics: QFontMetrics) -> int:
    """Draw one line that ends in dots where it is too long; return the width it took."""
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room.width(), 0))
    painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
    return metrics.horizontalAdvance(shown)
