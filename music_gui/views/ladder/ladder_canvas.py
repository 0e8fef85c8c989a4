"""Draws a PSC at all scales: a picture of each, and how they flow into one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.core.atlas import parse_psc_name
from music_gui.state.brain_scene import BrainScene
from music_gui.state.scale_ladder import Lineage, Rung
from music_gui.views.brain.psc_colors import scale_colors
from music_gui.views.ladder.ladder_text import node_text, rung_lines
from music_gui.views.ladder.sankey_layout import OTHERS, Link, Node, Sankey, lay_out
from music_gui.views.ladder.thumbnails import ThumbnailSources, draw_thumbnail
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_COLUMN_MIN = 118
_MARGIN = 8
_PICTURE = QSize(104, 84)
_SANKEY_MIN = 96

#: How clearly links are drawn, 0 to 255: related to what is under the mouse, usual, unrelated.
_CLEAR, _USUAL, _FAINT = 190, 95, 35


Colors = dict[int, NDArray[np.uint8]]


class LadderCanvas(QWidget):
    """A column for each scale.

    Click a part to go to it, a picture to go to its scale. Arrows move between parts, Enter goes
    there, Page Up and Page Down (or ``[`` and ``]``) step the scale.

    Parameters
    ----------
    scene : BrainScene
        Its colours, crosshair and sides are shown.

    Signals
    -------
    psc_chosen(name)
        The user wants to go to a PSC.
    scale_chosen(scale)
        The user wants to go to a scale.
    stepped(steps)
        The user wants a coarser (-1) or finer (+1) scale.
    pointed_at(text)
        What is under the mouse or the keyboard's mark; empty for nothing.
    """

    psc_chosen = Signal(str)
    scale_chosen = Signal(int)
    stepped = Signal(int)
    pointed_at = Signal(str)

    def __init__(self, scene: BrainScene, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = scene
        self._lineage: Lineage | None = None
        self._sources: ThumbnailSources | None = None
        self._axis = 2
        self._sankey = Sankey((), ())
        self._pointed: Node | Link | None = None
        self._mark: tuple[int, str] | None = None
        self._pictures: dict[int, tuple[tuple[object, ...], QPixmap]] = {}
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        follow(self, palette.theme_changed, lambda _: self.update())

    # -- what is shown ---------------------------------------------------------------------

    def show_lineage(self, lineage: Lineage | None) -> None:
        """Show another PSC and its relatives."""
        self._lineage = lineage
        self._pointed = None
        if not self.hasFocus():
            self._mark = None
        self._lay_out()
        self.setAccessibleName(
            "" if lineage is None else f"{lineage.name} at {len(lineage.rungs)} scales"
        )

    def show_sources(self, sources: ThumbnailSources | None) -> None:
        """Take what the pictures are cut from."""
        self._sources = sources
        self._pictures.clear()
        self.update()

    def show_axis(self, axis: int) -> None:
        """Cut the pictures across another axis."""
        self._axis = axis
        self.update()

    @property
    def lineage(self) -> Lineage | None:
        """What is shown."""
        return self._lineage

    @property
    def sankey(self) -> Sankey:
        """What is drawn below the pictures."""
        return self._sankey

    def picture_rect(self, column: int) -> QRectF:
        """Return where the picture of a scale is drawn."""
        return QRectF(column * self._column_width + _MARGIN, self._line + 6, *_PICTURE.toTuple())

    def minimumSizeHint(self) -> QSize:
        """Return room for all scales side by side."""
        n = len(self._lineage.rungs) if self._lineage is not None else 1
        return QSize(n * _COLUMN_MIN, int(self._sankey_top) + _SANKEY_MIN + _MARGIN)

    def sizeHint(self) -> QSize:
        """Return a little more than the least room."""
        return self.minimumSizeHint() + QSize(0, 90)

    @property
    def _line(self) -> int:
        return self.fontMetrics().height()

    @property
    def _column_width(self) -> float:
        n = len(self._lineage.rungs) if self._lineage is not None else 1
        return self.width() / n

    @property
    def _sankey_top(self) -> float:
        return self._line + 6 + _PICTURE.height() + 3 * self._line + 14

    def _lay_out(self) -> None:
        if self._lineage is None:
            self._sankey = Sankey((), ())
        else:
            top = self._sankey_top
            area = QRectF(0, top, self.width(), self.height() - top - _MARGIN)
            self._sankey = lay_out(self._lineage, area, self._column_width, _MARGIN)
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place everything anew."""
        super().resizeEvent(event)
        self._lay_out()

    # -- drawing ---------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw links, bars, labels and the head of each column."""
        if self._lineage is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = {rung.scale: scale_colors(self._scene, rung.scale) for rung in self._lineage.rungs}
        self._draw_present_scale(painter)
        for link in self._sankey.links:
            color = self._color(link.fine if link.fine.is_psc else link.coarse, colors)
            color.setAlpha(self._clearness(link))
            painter.fillPath(link.path, color)
        for column, nodes in enumerate(self._sankey.columns):
            for node in nodes:
                self._draw_node(painter, node, self._color(node, colors))
            self._draw_labels(painter, nodes)
            self._draw_head(painter, column, self._lineage.rungs[column], colors)

    def _draw_present_scale(self, painter: QPainter) -> None:
        """Shade the column of the scale that the brain shows."""
        for column, rung in enumerate(self._lineage.rungs if self._lineage is not None else ()):
            if rung.scale == self._scene.scale:
                width = self._column_width
                room = QRectF(column * width + 2, 1, width - 4, self.height() - 2)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(palette.current().raised))
                painter.drawRoundedRect(room, 6, 6)

    def _draw_head(self, painter: QPainter, column: int, rung: Rung, colors: Colors) -> None:
        theme, picture = palette.current(), self.picture_rect(column)
        room = QRectF(picture.left(), 3, self._column_width - 2 * _MARGIN, self._line)
        painter.setPen(QColor(theme.muted))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, f"C = {rung.scale}")
        painter.drawPixmap(picture.topLeft(), self._picture(rung, colors))
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(picture, 3, 3)
        top = picture.bottom() + 3
        for number, text in enumerate(rung_lines(self._scene, rung)):
            painter.setFont(self._bold() if number == 0 else self.font())
            painter.setPen(QColor(theme.text if number == 0 else theme.muted))
            elided = painter.fontMetrics().elidedText(
                text, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(QRectF(room.left(), top, room.width(), self._line),
                             Qt.AlignmentFlag.AlignLeft, elided)  # fmt: skip
            top += self._line
        painter.setFont(self.font())

    def _picture(self, rung: Rung, colors: Colors) -> QPixmap:
        """Return the picture of a scale, drawn anew only if it would differ."""
        if self._sources is None:
            return QPixmap()
        label = parse_psc_name(rung.here)[1] if rung.here else 0
        color = QColor(*colors[rung.scale][label, :3].tolist()) if label else QColor()
        scene, theme = self._scene, palette.current()
        key = (
            label, self._axis, scene.crosshair, scene.radiological, color.rgb(), theme.name,
            self.devicePixelRatioF(),
        )  # fmt: skip
        known = self._pictures.get(rung.scale)
        if known is None or known[0] != key:
            picture = draw_thumbnail(
                self._sources,
                scale=rung.scale,
                label=label,
                axis=self._axis,
                crosshair=scene.crosshair,
                radiological=scene.radiological,
                color=color,
                size=_PICTURE,
                ratio=self.devicePixelRatioF(),
            )
            known = self._pictures[rung.scale] = (key, picture)
        return known[1]

    def _draw_node(self, painter: QPainter, node: Node, color: QColor) -> None:
        theme = palette.current()
        painter.fillRect(node.bar, color)
        if self._is_here(node):
            painter.setPen(QPen(QColor(theme.text), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(node.bar.adjusted(-1, -1, 1, 1))
        if self._mark == (node.column, node.name) and self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(node.bar.adjusted(-3, -2, 3, 2))

    def _draw_labels(self, painter: QPainter, nodes: tuple[Node, ...]) -> None:
        """Write names where there is place: first those at the crosshair, then the large parts."""
        taken: list[float] = []
        for node in sorted(nodes, key=lambda node: (not self._is_here(node), -node.share)):
            y = node.bar.center().y() - self._line / 2
            is_tall = self._is_here(node) or node.bar.height() >= self._line * 0.55
            if is_tall and all(abs(y - other) >= self._line for other in taken):
                taken.append(y)
                self._write(painter, node, y, covers=False)
        if isinstance(self._pointed, Node) and self._pointed in nodes:
            y = self._pointed.bar.center().y() - self._line / 2
            self._write(painter, self._pointed, y, covers=True)

    def _write(self, painter: QPainter, node: Node, y: float, *, covers: bool) -> None:
        theme = palette.current()
        name = f"{len(node.members)} others" if node.name == OTHERS else node.name or "no PSC"
        painter.setFont(self._bold() if self._is_here(node) else self.font())
        room = QRectF(node.bar.right() + 5, y, self._column_width - _MARGIN - 22, self._line)
        text = painter.fontMetrics().elidedText(
            f"{name}  {node.share:.0%}".replace("%", " %"), Qt.TextElideMode.ElideRight,
            int(room.width()),
        )  # fmt: skip
        if covers:
            back = room.adjusted(-2, 0, 0, 0)
            back.setWidth(painter.fontMetrics().horizontalAdvance(text) + 4)
            painter.fillRect(back, QColor(theme.panel))
        painter.setPen(QColor(theme.text if node.is_psc else theme.muted))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, text)
        painter.setFont(self.font())

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font

    def _color(self, node: Node, colors: Colors) -> QColor:
        if not node.is_psc:
            return QColor(palette.current().no_value)
        scale, label = parse_psc_name(node.name)
        return QColor(*colors[scale][label, :3].tolist())

    def _clearness(self, link: Link) -> int:
        pointed = self._pointed
        if pointed is None:
            on_way = self._is_here(link.coarse) and self._is_here(link.fine)
            return _CLEAR if on_way else _USUAL
        ends = (link, link.coarse, link.fine)
        return _CLEAR if any(pointed is end for end in ends) else _FAINT

    def _is_here(self, node: Node) -> bool:
        """Tell whether a part is the PSC at the crosshair."""
        lineage = self._lineage
        return lineage is not None and node.is_psc and lineage.rungs[node.column].here == node.name

    # -- mouse and keys --------------------------------------------------------------------

    def _at(self, place: QPointF) -> Node | Link | int | None:
        """Return the part, the link, or the column whose picture is at a place."""
        for column, nodes in enumerate(self._sankey.columns):
            if self.picture_rect(column).contains(place):
                return column
            for node in nodes:
                if node.bar.adjusted(-4, -1, 6, 1).contains(place):
                    return node
        for link in reversed(self._sankey.links):
            if link.path.contains(place):
                return link
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse and show what it is related to."""
        found = self._at(event.position())
        can_go = isinstance(found, int) or (isinstance(found, Node) and found.is_psc)
        self.setCursor(Qt.CursorShape.PointingHandCursor if can_go else Qt.CursorShape.ArrowCursor)
        self._point_at(None if isinstance(found, int) else found)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._point_at(None)

    def _point_at(self, found: Node | Link | None) -> None:
        if found is self._pointed:
            return
        self._pointed = found
        text = ""
        if found is not None and self._lineage is not None:
            text = node_text(self._scene, self._lineage, found)
        self.setToolTip(text)
        self.pointed_at.emit(text)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to what was clicked."""
        if event.button() != Qt.MouseButton.LeftButton or self._lineage is None:
            return
        found = self._at(event.position())
        if isinstance(found, int):
            self.scale_chosen.emit(self._lineage.rungs[found].scale)
        elif isinstance(found, Node) and found.is_psc:
            self.psc_chosen.emit(found.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the mark, Enter goes there, Page Up and Page Down step the scale."""
        steps = {
            Qt.Key.Key_PageUp: -1, Qt.Key.Key_BracketLeft: -1,
            Qt.Key.Key_PageDown: 1, Qt.Key.Key_BracketRight: 1,
        }  # fmt: skip
        moves = {
            Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in steps:
            self.stepped.emit(steps[key])
        elif key in moves:
            self._move_mark(*moves[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._mark is not None:
            node = self._marked()
            if node is not None and node.is_psc:
                self.psc_chosen.emit(node.name)
        else:
            super().keyPressEvent(event)

    def _marked(self) -> Node | None:
        nodes = (node for nodes in self._sankey.columns for node in nodes)
        return next((node for node in nodes if (node.column, node.name) == self._mark), None)

    def _move_mark(self, across: int, down: int) -> None:
        """Move the keyboard's mark, which starts at the PSC in question."""
        columns = self._sankey.columns
        if self._lineage is None or not columns:
            return
        here = self._marked() or next(
            node for nodes in columns for node in nodes if node.name == self._lineage.name
        )
        column = min(max(here.column + across, 0), len(columns) - 1)
        nodes = columns[column]
        if across:
            middle = here.bar.center().y()
            target = min(nodes, key=lambda node: abs(node.bar.center().y() - middle))
        else:
            at = [node.name for node in nodes].index(here.name) + down
            target = nodes[min(max(at, 0), len(nodes) - 1)]
        self._mark = (target.column, target.name)
        self._point_at(target)
        self.update()
