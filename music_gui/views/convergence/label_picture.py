"""A small picture of an atlas: three slices side by side, a colour for each component."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from music_gui.state.label_picture import LabelPlane
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

_GAP = 10
_LETTERS = 14


class LabelPicture(QWidget):
    """Draws planes at one scale, as large as there is place for; knows no session."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._planes: tuple[LabelPlane, ...] = ()
        self._images: list[QImage] = []
        self._radiological = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(108, 48)
        follow(self, palette.theme_changed, lambda _: self.update())

    @property
    def planes(self) -> tuple[LabelPlane, ...]:
        """What is drawn."""
        return self._planes

    def show_planes(
        self, planes: tuple[LabelPlane, ...], n_labels: int, *, radiological: bool
    ) -> None:
        """Draw a sagittal, a coronal and an axial plane.

        Parameters
        ----------
        planes : tuple of LabelPlane
            Labels 1 to ``n_labels``, 0 where nothing is drawn.
        n_labels : int
            C.
        radiological : bool
            Left on the right.
        """
        if (planes, radiological) == (self._planes, self._radiological):
            return
        self._planes, self._radiological = planes, radiological
        self._images = [_image(plane, palette.label_colors(n_labels)) for plane in planes]
        self._limit_height()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of a small picture."""
        return QSize(300, 110)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Be no higher than the planes are at this width."""
        super().resizeEvent(event)
        self._limit_height()

    def _limit_height(self) -> None:
        if self._planes:
            scale = self._room() / sum(plane.size[0] for plane in self._planes)
            tallest = max(plane.size[1] for plane in self._planes)
            self.setMaximumHeight(max(round(scale * tallest) + _LETTERS, self.minimumHeight()))

    def _room(self) -> int:
        """Return the width for all planes."""
        return self.width() - _GAP * (len(self._planes) - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the planes and the letters of the sides."""
        if not self._planes:
            return
        painter = QPainter(self)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        painter.setPen(QColor(palette.current().muted))
        for number, (image, area) in enumerate(zip(self._images, self._areas(), strict=True)):
            flipped = number > 0 and self._radiological
            shown = image.mirrored(True, False) if flipped else image
            painter.drawImage(area, shown)
            low, high = ("P", "A") if number == 0 else ("R", "L") if flipped else ("L", "R")
            below = QRectF(area.left(), area.bottom(), area.width(), _LETTERS)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, low)
            painter.drawText(below, Qt.AlignmentFlag.AlignRight, high)

    def _areas(self) -> list[QRectF]:
        widths = [plane.size[0] for plane in self._planes]
        tallest = max(plane.size[1] for plane in self._planes)
        scale = min(self._room() / sum(widths), (self.height() - _LETTERS) / tallest)
        left = (self.width() - scale * sum(widths) - _GAP * (len(widths) - 1)) / 2
        middle = (self.height() - _LETTERS) / 2
        areas = []
        for plane in self._planes:
            width, height = scale * plane.size[0], scale * plane.size[1]
            areas.append(QRectF(left, middle - height / 2, width, height))
            left += width + _GAP
        return areas


def _image(plane: LabelPlane, colors: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> QImage:
    """Colour a plane; the image's first row is the highest."""
    pixels = np.ascontiguousarray(colors[plane.labels].transpose(1, 0, 2)[::-1])
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.copy()  # which does not point into the array
