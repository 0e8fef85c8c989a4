"""Small pictures of one slice with one PSC in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap

from music_gui.state.brain_scene import Point, SliceImage
from music_gui.state.slice_sampler import PLANE_AXES, SliceSampler, grey_levels
from music_gui.views.widgets import palette

#: Names of the planes by the axis that they cut.
PLANES = ("Sagittal", "Coronal", "Axial")

_MARGIN_MM = 4.0
_FINE = 3
_WHITE = 0.8


@dataclass(frozen=True, eq=False)
class ThumbnailSources:
    """What is cut into small pictures; making it takes a moment.

    Parameters
    ----------
    underlay : SliceSampler or None
        Grey levels 0 to 255.
    labels : dict of int to SliceSampler
        By scale.
    """

    underlay: SliceSampler | None
    labels: dict[int, SliceSampler]

    def room(self, axis: int) -> QRectF:
        """Return the part of a plane that holds PSCs, in world mm; y runs upwards."""
        first = next(iter(self.labels.values()))
        (left, right), (low, high) = (first.content[each] for each in PLANE_AXES[axis])
        return QRectF(left, low, right - left, high - low).adjusted(
            -_MARGIN_MM, -_MARGIN_MM, _MARGIN_MM, _MARGIN_MM
        )


def make_sources(underlay: SliceImage | None, labels: dict[int, SliceSampler]) -> ThumbnailSources:
    """Prepare a template and the labels of all scales."""
    grey = None
    if underlay is not None:
        grey = SliceSampler(grey_levels(underlay.data), underlay.grid, linear=True)
    return ThumbnailSources(grey, labels)


def draw_thumbnail(
    sources: ThumbnailSources,
    *,
    scale: int,
    label: int,
    axis: int,
    crosshair: Point,
    radiological: bool,
    color: QColor,
    size: QSize,
    ratio: float,
) -> QPixmap:
    """Draw the slice at the crosshair with one PSC.

    Parameters
    ----------
    sources : ThumbnailSources
        What is cut.
    scale, label : int
        The PSC; label 0 draws none.
    axis : int
        Which the plane cuts: 0 sagittal, 1 coronal, 2 axial.
    crosshair : tuple of float
        World mm; marked.
    radiological : bool
        Left on the right.
    color : QColor
        Of the PSC.
    size : QSize
        Of the picture, in pixels of the widget.
    ratio : float
        Pixels of the screen to one of the widget.
    """
    theme, room = palette.current(), sources.room(axis)
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(theme.slice_background))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    flip = radiological and axis > 0
    zoom = min(size.width() / room.width(), size.height() / room.height())
    painter.save()
    painter.translate(size.width() / 2, size.height() / 2)
    painter.scale(-zoom if flip else zoom, -zoom)
    painter.translate(-room.center())
    if sources.underlay is not None:
        plane = sources.underlay.plane(axis, crosshair[axis])
        _draw(painter, _grey(plane), sources.underlay, axis)
    sampler = sources.labels[scale]
    if label:
        mask = sampler.plane(axis, crosshair[axis]) == label
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        _draw(painter, _region(mask, color, QColor(theme.text)), sampler, axis)
    u, v = PLANE_AXES[axis]
    painter.setPen(QPen(QColor(theme.crosshair), 0))
    place = QPointF(crosshair[u], crosshair[v])
    for reach in (QPointF(6 / zoom, 0), QPointF(0, 6 / zoom)):
        painter.drawLine(place - reach, place + reach)
    painter.restore()
    painter.setPen(QColor(theme.muted))
    letter = ("P", "L", "L")[axis] if not flip else "R"
    inside = QRectF(0, 0, size.width(), size.height()).adjusted(3, 0, -3, 0)
    painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, letter)
    painter.end()
    return picture


def _draw(painter: QPainter, colors: NDArray[np.uint8], sampler: SliceSampler, axis: int) -> None:
    """Draw colours, shape (u, v, 4), where the samples lie in world mm."""
    rows = np.ascontiguousarray(colors.transpose(1, 0, 2))
    height, width = rows.shape[:2]
    image = QImage(rows.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    (left, right), (low, high) = (sampler.bounds[each] for each in PLANE_AXES[axis])
    painter.drawImage(QRectF(left, low, right - left, high - low), image)


def _grey(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey that fades out where it is black, shape (u, v, 4)."""
    colors = np.repeat((levels * _WHITE).astype(np.uint8)[..., None], 4, axis=2)
    colors[..., 3] = np.clip(levels.astype(int) * 12, 0, 255)
    return colors


def _region(mask: NDArray[np.bool_], color: QColor, edge: QColor) -> NDArray[np.uint8]:
    """Return a filled area with a line at its edge, shape (u, v, 4), finer than the mask."""
    fine = np.pad(mask, 1).repeat(_FINE, axis=0).repeat(_FINE, axis=1)
    inner = fine.copy()
    for axis in (0, 1):
        inner &= np.roll(fine, 1, axis) & np.roll(fine, -1, axis)
    colors = np.zeros((*fine.shape, 4), dtype=np.uint8)
    colors[fine] = (edge.red(), edge.green(), edge.blue(), 255)
    colors[inner] = (color.red(), color.green(), color.blue(), 235)
    return colors[_FINE:-_FINE, _FINE:-_FINE]
