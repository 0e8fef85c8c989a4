"""One slice through the brain: image, PSCs, crosshair and the letters at its edges."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QGraphicsLineItem, QWidget

from music_gui.state.brain_scene import Point
from music_gui.state.slice_sampler import PLANE_AXES, SliceSampler
from music_gui.views.brain.slice_layers import SliceSources, filled, mapped, outlined
from music_gui.views.widgets import palette

NAMES = ("Sagittal", "Coronal", "Axial")

#: Letters at the low and the high end of each world axis.
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))

#: Around the brain, for the letters.
_MARGIN = 0.09

#: White is less than full white: colours over it stay colours.
_WHITE = 0.84

_WHEEL_STEP = 120
_ZOOM_STEP = 1.2


class SliceView(pg.GraphicsView):
    """One plane; moves the crosshair on drag, turns the pages with the wheel.

    Parameters
    ----------
    axis : int
        World axis that the plane cuts: 0 sagittal, 1 coronal, 2 axial.

    Signals
    -------
    moved(point)
        The user wants the crosshair at a point, world mm.
    chosen(point)
        The user clicked a point or pressed Enter there.
    hovered(point)
        The mouse is over a point; None when it has left.
    """

    moved = Signal(object)
    chosen = Signal(object)
    hovered = Signal(object)

    def __init__(self, axis: int, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False)
        self.axis = axis
        self._horizontal, self._vertical = PLANE_AXES[axis]
        self._sources: SliceSources | None = None
        self._crosshair: Point = (0.0, 0.0, 0.0)
        self._drawn: tuple[SliceSources, float] | None = None
        self._drag: str | None = None
        self._press = QPointF()
        self._wheel = 0
        self._box = pg.ViewBox(lockAspect=True, enableMouse=False, enableMenu=False)
        self._box.setDefaultPadding(0)
        self.setCentralItem(self._box)
        self._underlay = pg.ImageItem(axisOrder="col-major")
        self._overlay = _CrispImage(axisOrder="col-major")
        self._fill = _CrispImage(axisOrder="col-major")
        self._lines = _CrispImage(axisOrder="col-major")
        self._cross = (QGraphicsLineItem(), QGraphicsLineItem())
        for item in (self._underlay, self._overlay, self._fill, self._lines, *self._cross):
            self._box.addItem(item, ignoreBounds=True)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setMouseTracking(True)
        self.setAcceptDrops(False)  # what is dropped is for the panel
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(90, 90)
        self.setAccessibleName(f"{NAMES[axis]} slice")
        self.setToolTip("")
        self.use_theme(palette.current())

    # -- what is drawn ---------------------------------------------------------------------

    def show_sources(self, sources: SliceSources) -> None:
        """Draw other images or other colours at the same place."""
        self._sources = sources
        self._box.invertX(sources.radiological and self._horizontal == 0)
        self._draw()

    def show_crosshair(self, crosshair: Point) -> None:
        """Move the crosshair, world mm, and the plane with it."""
        self._crosshair = crosshair
        self._draw()

    def reset(self) -> None:
        """Show all of the plane."""
        if self._sources is not None:
            content = self._sources.content()
            (left, right), (low, high) = content[self._horizontal], content[self._vertical]
            self._box.setRange(QRectF(left, low, right - left, high - low), padding=_MARGIN)
            self._draw()

    def use_theme(self, theme: palette.Theme) -> None:
        """Take the colours of a theme."""
        self.setBackground(theme.slice_background)
        levels = np.arange(256)
        grey = levels * _WHITE
        # Black fades out, so that the image has no box around it.
        alpha = np.clip(levels * 12, 0, 255)
        self._underlay.setLookupTable(
            np.stack([grey, grey, grey, alpha], axis=1).astype(np.uint8), update=True
        )
        color = QColor(theme.crosshair)
        color.setAlpha(190)
        for line in self._cross:
            line.setPen(QPen(color, 0))
        self._drawn = None
        self._draw()

    def _draw(self) -> None:
        if self._sources is None:
            return
        position = self._crosshair[self.axis]
        if self._drawn != (self._sources, position):
            self._drawn = (self._sources, position)
            self._draw_underlay(self._sources, position)
            self._draw_overlay(self._sources, position)
            self._draw_labels(self._sources, position)
        x, y = self._crosshair[self._horizontal], self._crosshair[self._vertical]
        (left, right), (low, high) = self._box.viewRange()
        self._cross[0].setLine(x, low, x, high)
        self._cross[1].setLine(left, y, right, y)
        self.viewport().update()

    def _draw_underlay(self, sources: SliceSources, position: float) -> None:
        self._underlay.setVisible(sources.underlay is not None)
        if sources.underlay is not None:
            plane = sources.underlay.plane(self.axis, position)
            self._underlay.setImage(plane, autoLevels=False, levels=None)
            self._underlay.setRect(self._rectangle(sources.underlay))

    def _draw_overlay(self, sources: SliceSources, position: float) -> None:
        self._overlay.setVisible(sources.overlay is not None)
        if sources.overlay is not None:
            colors = mapped(sources.overlay.plane(self.axis, position), sources)
            self._overlay.setImage(colors, autoLevels=False, levels=None)
            self._overlay.setRect(self._rectangle(sources.overlay))

    def _draw_labels(self, sources: SliceSources, position: float) -> None:
        self._fill.setVisible(sources.labels is not None and not sources.outline)
        self._lines.setVisible(False)
        if sources.labels is None:
            return
        plane = sources.labels.plane(self.axis, position)
        if not sources.outline:
            self._fill.setImage(filled(plane, sources), autoLevels=False, levels=None)
            self._fill.setRect(self._rectangle(sources.labels))
        lines = outlined(plane, sources)
        if lines is not None:
            self._lines.setVisible(True)
            self._lines.setImage(lines, autoLevels=False, levels=None)
            self._lines.setRect(self._rectangle(sources.labels))

    def _rectangle(self, sampler: SliceSampler) -> QRectF:
        (left, right), (low, high) = (
            sampler.bounds[self._horizontal], sampler.bounds[self._vertical],
        )  # fmt: skip
        return QRectF(left, low, right - left, high - low)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Write title and letters over the image."""
        theme = palette.current()
        painter.resetTransform()
        area = self.viewport().rect().adjusted(6, 4, -6, -4)
        title = f"{NAMES[self.axis]}  {'xyz'[self.axis]} = {self._crosshair[self.axis]:.1f} mm"
        painter.setPen(QColor(theme.muted))
        painter.drawText(
            area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, title.replace("-", "−")
        )
        font = QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        (low, high), (bottom, top) = _ENDS[self._horizontal], _ENDS[self._vertical]
        if self._box.xInverted():
            low, high = high, low
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | middle, low)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | middle, high)
        centre = Qt.AlignmentFlag.AlignHCenter
        painter.drawText(area, centre | Qt.AlignmentFlag.AlignBottom, bottom)
        below_title = area.adjusted(0, 18 if area.width() < 300 else 0, 0, 0)
        painter.drawText(below_title, centre | Qt.AlignmentFlag.AlignTop, top)

    # -- mouse, wheel and keys -------------------------------------------------------------

    def point_at(self, place: QPointF) -> Point:
        """Return the point in world mm at a pixel of the view."""
        mapped = self._box.mapSceneToView(self.mapToScene(place.toPoint()))
        point = list(self._crosshair)
        point[self._horizontal], point[self._vertical] = mapped.x(), mapped.y()
        return point[0], point[1], point[2]

    def pixel_of(self, point: Point) -> QPointF:
        """Return the pixel of the view at which a point in world mm is drawn."""
        place = QPointF(point[self._horizontal], point[self._vertical])
        return QPointF(self.mapFromScene(self._box.mapViewToScene(place)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to move the crosshair (left) or the image (middle, or with Shift)."""
        self._press = event.position()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.MiddleButton or shift:
            self._drag = "image"
        elif event.button() == Qt.MouseButton.LeftButton:
            self._drag = "crosshair"
            self.moved.emit(self.point_at(event.position()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the crosshair or the image, or tell what is under the mouse."""
        if self._drag == "crosshair":
            self.moved.emit(self.point_at(event.position()))
        elif self._drag == "image":
            here, before = (
                self._box.mapSceneToView(self.mapToScene(place.toPoint()))
                for place in (event.position(), self._press)
            )
            self._box.translateBy(before - here)
            self._press = event.position()
            self._draw()
        self.hovered.emit(self.point_at(event.position()))
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what was clicked, if the mouse was not dragged."""
        moved = (event.position() - self._press).manhattanLength()
        if self._drag == "crosshair" and moved < QApplication.startDragDistance():
            self.chosen.emit(self.point_at(event.position()))
        self._drag = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Do what the first click has done."""
        event.accept()

    def leaveEvent(self, event: object) -> None:
        """Tell that the mouse is elsewhere."""
        self.hovered.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go to the next slice; with Ctrl, zoom around the mouse."""
        event.accept()
        self._wheel += event.angleDelta().y() or event.angleDelta().x()
        steps = int(self._wheel / _WHEEL_STEP)
        self._wheel -= steps * _WHEEL_STEP
        if steps and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(_ZOOM_STEP**steps, event.position())
        elif steps:
            self._step(self.axis, steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move in the plane, PageUp and PageDown across it, Enter chooses."""
        right = -1 if self._box.xInverted() else 1
        steps = {
            Qt.Key.Key_Left: (self._horizontal, -right),
            Qt.Key.Key_Right: (self._horizontal, right),
            Qt.Key.Key_Down: (self._vertical, -1),
            Qt.Key.Key_Up: (self._vertical, 1),
            Qt.Key.Key_PageDown: (self.axis, -1),
            Qt.Key.Key_PageUp: (self.axis, 1),
        }
        key = Qt.Key(event.key())
        middle = QPointF(self.viewport().rect().center())
        if key in steps:
            self._step(*steps[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(_ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1 / _ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Home:
            self.reset()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._crosshair)
        else:
            event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the lines of the crosshair as long as the view."""
        super().resizeEvent(event)
        if getattr(self, "_sources", None) is not None:
            self.reset()

    def _step(self, axis: int, steps: int) -> None:
        """Move the crosshair by so many voxels along a world axis, within the image."""
        if self._sources is None:
            return
        sampler = self._sources.leading()
        step = float(sampler.spacing[axis]) if sampler is not None else 1.0
        low, high = self._sources.bounds()[axis]
        point = list(self._crosshair)
        point[axis] = float(np.clip(point[axis] + steps * step, low, high))
        self.moved.emit((point[0], point[1], point[2]))

    def _zoom(self, factor: float, place: QPointF) -> None:
        centre = self._box.mapSceneToView(self.mapToScene(place.toPoint()))
        self._box.scaleBy((1 / factor, 1 / factor), center=centre)
        self._draw()


class _CrispImage(pg.ImageItem):
    """An image whose voxels keep their edges: labels have nothing in between."""

    def paint(self, painter: QPainter, *args: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        super().paint(painter, *args)
