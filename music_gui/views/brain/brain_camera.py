"""Where one looks from in the 3D view, within bounds in which the brain can't be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkRenderingCore import vtkRenderer

from music_gui.state.view_3d import Camera, Vector

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface

#: Where the eye is, seen from the brain, and what points up. The letters of the views from
#: between the sides say what is nearest: left, anterior and superior.
DIRECTIONS: dict[str, tuple[Vector, Vector]] = {
    "L": ((-1, 0, 0), (0, 0, 1)),
    "R": ((1, 0, 0), (0, 0, 1)),
    "A": ((0, 1, 0), (0, 0, 1)),
    "P": ((0, -1, 0), (0, 0, 1)),
    "S": ((0, 0, 1), (0, 1, 0)),
    "I": ((0, 0, -1), (0, 1, 0)),
    "LAS": ((-1, 0.9, 0.6), (0, 0, 1)),
    "RAS": ((1, 0.9, 0.6), (0, 0, 1)),
    "LPS": ((-1, -0.9, 0.6), (0, 0, 1)),
    "RPS": ((1, -0.9, 0.6), (0, 0, 1)),
}

#: The first look: from the left, a little from the front and above.
START_DIRECTION: tuple[Vector, Vector] = ((-1.0, 0.42, 0.3), (0.0, 0.0, 1.0))

VIEW_ANGLE = 25.0

#: How near and how far the eye can go, and how far off the middle it can look, in radii of what
#: is drawn.
_NEAREST, _FARTHEST, _FARTHEST_OFF = 0.3, 20.0, 1.5

#: A direction of the screen is named if it lies nearer than this to an axis of the body (cosine).
_NAMED_FROM = 0.8

#: Letters of the negative and the positive end of the axes of world space.
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


class BrainCamera:
    """The camera of a renderer, in pixels of the widget and world mm.

    Parameters
    ----------
    renderer : vtkRenderer
        Draws with it.
    widget : QWidget
        In which it is drawn.
    """

    def __init__(self, renderer: vtkRenderer, widget: QWidget) -> None:
        self._renderer, self._widget = renderer, widget
        self.vtk = renderer.GetActiveCamera()
        self.vtk.SetViewAngle(VIEW_ANGLE)
        self._middle, self._radius = np.zeros(3), 100.0

    def set_bounds(self, bounds: NDArray[np.floating]) -> None:
        """Take the box of what is drawn, shape (3, 2), world mm."""
        self._middle = bounds.mean(axis=1)
        self._radius = float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])) / 2

    @property
    def place(self) -> Camera:
        """From where one looks."""
        return Camera(self.vtk.GetPosition(), self.vtk.GetFocalPoint(), self.vtk.GetViewUp())

    @place.setter
    def place(self, camera: Camera) -> None:
        self.vtk.SetPosition(*camera.position)
        self.vtk.SetFocalPoint(*camera.focal_point)
        self.vtk.SetViewUp(*camera.up)

    def look_from(self, direction: Vector, up: Vector) -> None:
        """Look at the middle of what is drawn from a direction, filling the view."""
        unit = np.array(direction) / np.linalg.norm(direction)
        # The sphere around the brain is larger than the brain from any side.
        distance = 0.74 * self._radius / np.sin(np.deg2rad(VIEW_ANGLE / 2))
        distance /= min(self._widget.width() / max(self._widget.height(), 1), 1.0)
        self.vtk.SetFocalPoint(*self._middle)
        self.vtk.SetPosition(*(self._middle + distance * unit))
        self.vtk.SetViewUp(*up)

    def looking_at(self, point: NDArray[np.floating]) -> Camera:
        """Return the place from which a point is in the middle, same direction and distance."""
        here = self.place
        by = np.asarray(point, dtype=np.float64) - np.array(here.focal_point)
        return Camera(_vector(np.array(here.position) + by), _vector(np.asarray(point)), here.up)

    def zoom(self, factor: float) -> None:
        """Come nearer (> 1) or go away, as far as the bounds let."""
        before = self.vtk.GetDistance()
        after = np.clip(before / factor, _NEAREST * self._radius, _FARTHEST * self._radius)
        # One that is out of bounds already, by an atlas that has changed, may only come back.
        if (after - before) * (1 - factor) > 0:
            self.vtk.Dolly(before / after)

    def turn(self, azimuth: float, elevation: float) -> None:
        """Go around the brain, degrees."""
        self.vtk.Azimuth(azimuth)
        self.vtk.Elevation(elevation)
        self.vtk.OrthogonalizeViewUp()

    def pan(self, right: float, down: float) -> None:
        """Move the brain across the view, by pixels of the widget."""
        height_mm = 2 * self.vtk.GetDistance() * np.tan(np.deg2rad(VIEW_ANGLE / 2))
        step = height_mm / max(self._widget.height(), 1)
        up = np.array(self.vtk.GetViewUp())
        to_right = np.cross(self.vtk.GetDirectionOfProjection(), up)
        focal = np.array(self.vtk.GetFocalPoint()) + step * (down * up - right * to_right)
        off = focal - self._middle
        farthest = _FARTHEST_OFF * self._radius
        focal = self._middle + off * min(1.0, farthest / max(float(np.linalg.norm(off)), 1e-9))
        self.place = self.looking_at(focal)

    def ray(self, x: float, y: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return origin and direction, world mm, of the line of sight through a widget pixel."""
        ratio = self._widget.devicePixelRatioF()
        ends = []
        for depth in (0.0, 1.0):
            self._renderer.SetDisplayPoint(
                x * ratio, (self._widget.height() - y - 1) * ratio, depth
            )
            self._renderer.DisplayToWorld()
            world = np.array(self._renderer.GetWorldPoint())
            ends.append(world[:3] / world[3])
        return ends[0], ends[1] - ends[0]

    def pixel_of(self, point: NDArray[np.floating]) -> tuple[float, float]:
        """Return the widget pixel at which a point in world mm is drawn."""
        self._renderer.SetWorldPoint(*point, 1.0)
        self._renderer.WorldToDisplay()
        x, y, _ = self._renderer.GetDisplayPoint()
        ratio = self._widget.devicePixelRatioF()
        return x / ratio, self._widget.height() - 1 - y / ratio

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Return what lies towards the left, right, top and bottom of the view.

        Letters of ``L R A P S I``; empty where no axis of the body runs that way.
        """
        up = np.array(self.vtk.GetViewUp())
        right = np.cross(self.vtk.GetDirectionOfProjection(), up)
        return _letter(-right), _letter(right), _letter(up), _letter(-up)


def between(start: Camera, end: Camera, part: float) -> Camera:
    """Return a place on the way from one to another that looks in the same direction.

    Parameters
    ----------
    start, end : Camera
        Two places.
    part : float
        0 at the start, 1 at the end.
    """

    def mixed(one: Vector, other: Vector) -> Vector:
        return _vector((1 - part) * np.array(one) + part * np.array(other))

    return Camera(
        mixed(start.position, end.position), mixed(start.focal_point, end.focal_point), end.up
    )


def box_of(surface: LabelSurface) -> NDArray[np.float64]:
    """Return the box around a surface in world mm, shape (3, 2)."""
    vertices = surface.vertices.astype(np.float64)
    return np.stack([vertices.min(axis=0), vertices.max(axis=0)], axis=1)


def _letter(direction: NDArray[np.float64]) -> str:
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) < _NAMED_FROM:
        return ""
    return _ENDS[axis][int(direction[axis] > 0)]


def _vector(values: NDArray[np.floating]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
