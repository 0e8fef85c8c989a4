"""Draws the brain with VTK in a Qt widget; knows arrays and colours, not the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkLookupTable
from vtkmodules.vtkFiltersSources import vtkSphereSource
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer

from music_gui.views.brain.actors import (
    glass_actor,
    line_actor,
    line_data,
    surface_actor,
    surface_data,
)
from music_gui.views.brain.orientation_cube import OrientationCube
from music_gui.views.brain.surface_mesh import SurfaceMesh
from music_gui.views.brain.vtk_widget import VtkWidget
from music_gui.views.widgets import palette

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from music_gui.core.surface import LabelSurface

#: Where the eye is, seen from the brain, and what points up.
DIRECTIONS = {
    "L": ((-1, 0, 0), (0, 0, 1)),
    "R": ((1, 0, 0), (0, 0, 1)),
    "A": ((0, 1, 0), (0, 0, 1)),
    "P": ((0, -1, 0), (0, 0, 1)),
    "S": ((0, 0, 1), (0, 1, 0)),
    "I": ((0, 0, -1), (0, 1, 0)),
}

#: The first look: from the left, a little from the front and above.
START_DIRECTION = ((-1.0, 0.42, 0.3), (0.0, 0.0, 1.0))

_CROSSHAIR_RADIUS_MM = 2.0
_VIEW_ANGLE = 25.0

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Viewpoint:
    """Where the camera is, where it looks, and what points up, in world mm."""

    position: Vector
    focal_point: Vector
    up: Vector


class BrainRenderer:
    """A widget that VTK draws in, and everything drawn in it.

    Changes are drawn with the next repaint of the widget; `update` asks for it.

    Parameters
    ----------
    parent : QWidget
        Where it lives.

    Attributes
    ----------
    widget : VtkWidget
        The widget.
    mesh : SurfaceMesh or None
        The PSCs that are drawn.
    """

    def __init__(self, parent: QWidget) -> None:
        self.widget = VtkWidget(parent)
        self._renderer = vtkRenderer()
        self._renderer.GradientBackgroundOn()
        self.widget.render_window.AddRenderer(self._renderer)
        self._camera = self._renderer.GetActiveCamera()
        self._camera.SetViewAngle(_VIEW_ANGLE)
        light = vtkLight()
        light.SetLightTypeToHeadlight()
        self._renderer.AddLight(light)
        self._cube = OrientationCube(self.widget.render_window)
        self.mesh: SurfaceMesh | None = None
        self._hidden = np.zeros(0, dtype=bool)
        self._lut = vtkLookupTable()
        self._pscs, self._psc_mapper = surface_actor()
        self._psc_mapper.SetScalarModeToUsePointData()
        self._psc_mapper.SetLookupTable(self._lut)
        self._psc_mapper.UseLookupTableScalarRangeOn()
        self._borders, self._border_mapper = line_actor(1.0)
        self._outline, self._outline_mapper = line_actor(3.0)
        self._region, self._region_mapper = surface_actor()
        self._glass, self._glass_mapper = glass_actor()
        self._crosshair, crosshair_mapper = surface_actor()
        sphere = vtkSphereSource()
        sphere.SetRadius(_CROSSHAIR_RADIUS_MM)
        crosshair_mapper.SetInputConnection(sphere.GetOutputPort())
        for actor in (
            self._pscs, self._borders, self._outline, self._region, self._glass, self._crosshair,
        ):  # fmt: skip
            self._renderer.AddActor(actor)
        self.use_theme(palette.current())
        self.look_from(*START_DIRECTION)

    def update(self) -> None:
        """Ask for a repaint."""
        self._renderer.ResetCameraClippingRange()
        self._cube.follow(self._camera)
        self.widget.update()

    def close(self) -> None:
        """Free what the graphics driver holds; nothing can be drawn afterwards."""
        self.widget.close()

    # -- what is drawn ---------------------------------------------------------------------

    def show_pscs(self, mesh: SurfaceMesh | None, hidden: NDArray[np.bool_]) -> None:
        """Draw a mesh without the hidden labels, shape (C + 1,); None draws nothing."""
        is_drawn = mesh is self.mesh and np.array_equal(hidden, self._hidden)
        self.mesh, self._hidden = mesh, hidden
        for actor in (self._pscs, self._borders, self._crosshair):
            actor.SetVisibility(mesh is not None)
        if mesh is None or is_drawn:
            return
        shown = ~hidden[mesh.surface.labels]
        self._psc_mapper.SetInputData(
            surface_data(mesh.points, mesh.triangles[shown], mesh.normals, mesh.point_labels)
        )
        edges = mesh.edges[~hidden[mesh.edge_labels].all(axis=1)]
        self._border_mapper.SetInputData(line_data(mesh.surface.vertices, edges))

    def color_pscs(self, colors: NDArray[np.uint8]) -> None:
        """Colour the labels, shape (C + 1, 4): geometry stays as it is."""
        opaque = colors.copy()
        opaque[:, 3] = 255
        self._lut.SetNumberOfTableValues(len(opaque))
        self._lut.SetTableRange(0, max(len(opaque) - 1, 1))
        self._lut.SetTable(numpy_to_vtk(opaque, deep=True))
        self._lut.Modified()

    def outline(self, label: int | None) -> None:
        """Draw a line around a label; None draws none."""
        edges = self.mesh.edges_of(label) if self.mesh is not None and label is not None else ()
        self._outline.SetVisibility(len(edges) > 0)
        if self.mesh is not None and len(edges):
            self._outline_mapper.SetInputData(line_data(self.mesh.surface.vertices, edges))

    def show_region(self, surface: LabelSurface | None, color: tuple[float, float, float]) -> None:
        """Draw the closed surface of one PSC; None draws none."""
        self._region.SetVisibility(surface is not None)
        if surface is not None:
            data = surface_data(surface.vertices, surface.triangles, surface.normals)
            self._region_mapper.SetInputData(data)
            self._region.GetProperty().SetColor(*color)

    def set_glass(self, surface: LabelSurface) -> None:
        """Take the shape of the glass brain."""
        self._glass_mapper.SetInputData(
            surface_data(surface.vertices, surface.triangles, surface.normals)
        )

    def show_ghost(self, ghost: bool) -> None:
        """Draw the glass brain instead of the PSCs."""
        self._glass.SetVisibility(ghost)
        for actor in (self._pscs, self._borders):
            actor.SetVisibility(not ghost and self.mesh is not None)
        if ghost:
            self._outline.SetVisibility(False)

    def place_crosshair(self, point: tuple[float, float, float]) -> None:
        """Move the mark of the crosshair, world mm."""
        self._crosshair.SetPosition(*point)

    def use_theme(self, theme: palette.Theme) -> None:
        """Take the colours of a theme."""
        self._renderer.SetBackground(*palette.rgb(theme.scene_bottom))
        self._renderer.SetBackground2(*palette.rgb(theme.scene_top))
        self._glass.GetProperty().SetColor(*palette.rgb(theme.glass))
        self._borders.GetProperty().SetColor(*palette.rgb(theme.scene_edge))
        self._outline.GetProperty().SetColor(*palette.rgb(theme.highlight))
        self._crosshair.GetProperty().SetColor(*palette.rgb(theme.crosshair))
        self._cube.use_theme(theme)

    # -- camera ----------------------------------------------------------------------------

    @property
    def viewpoint(self) -> Viewpoint:
        """From where one looks."""
        camera = self._camera
        return Viewpoint(camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp())

    @viewpoint.setter
    def viewpoint(self, viewpoint: Viewpoint) -> None:
        self._camera.SetPosition(*viewpoint.position)
        self._camera.SetFocalPoint(*viewpoint.focal_point)
        self._camera.SetViewUp(*viewpoint.up)

    def look_from(self, direction: Vector, up: Vector) -> None:
        """Look at the middle of what is drawn from a direction, filling the view."""
        bounds = self._bounds()
        middle = bounds.mean(axis=1)
        radius = float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])) / 2
        unit = np.array(direction) / np.linalg.norm(direction)
        # The sphere around the brain is larger than the brain from any side.
        distance = 0.74 * radius / np.sin(np.deg2rad(_VIEW_ANGLE / 2))
        distance /= min(self.widget.width() / max(self.widget.height(), 1), 1.0)
        self._camera.SetFocalPoint(*middle)
        self._camera.SetPosition(*(middle + distance * unit))
        self._camera.SetViewUp(*up)

    def look_at(self, point: NDArray[np.float64]) -> None:
        """Centre a point, keeping direction and distance."""
        self._shift(point - np.array(self._camera.GetFocalPoint()))

    def zoom(self, factor: float) -> None:
        """Come nearer (> 1) or go away."""
        self._camera.Dolly(factor)

    def turn(self, azimuth: float, elevation: float) -> None:
        """Go around the brain, degrees."""
        self._camera.Azimuth(azimuth)
        self._camera.Elevation(elevation)
        self._camera.OrthogonalizeViewUp()

    def pan(self, right: float, down: float) -> None:
        """Move the brain across the view, by pixels of the widget."""
        height_mm = 2 * self._camera.GetDistance() * np.tan(np.deg2rad(_VIEW_ANGLE / 2))
        step = height_mm / max(self.widget.height(), 1)
        up = np.array(self._camera.GetViewUp())
        to_right = np.cross(self._camera.GetDirectionOfProjection(), up)
        self._shift(step * (down * up - right * to_right))

    def _shift(self, by: NDArray[np.float64]) -> None:
        self._camera.SetPosition(*(np.array(self._camera.GetPosition()) + by))
        self._camera.SetFocalPoint(*(np.array(self._camera.GetFocalPoint()) + by))

    def ray(self, x: float, y: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return origin and direction, world mm, of the line of sight through a widget pixel."""
        ratio = self.widget.devicePixelRatioF()
        ends = []
        for depth in (0.0, 1.0):
            self._renderer.SetDisplayPoint(x * ratio, (self.widget.height() - y - 1) * ratio, depth)
            self._renderer.DisplayToWorld()
            world = np.array(self._renderer.GetWorldPoint())
            ends.append(world[:3] / world[3])
        return ends[0], ends[1] - ends[0]

    def pixel_of(self, point: NDArray[np.floating]) -> tuple[float, float]:
        """Return the widget pixel at which a point in world mm is drawn."""
        self._renderer.SetWorldPoint(*point, 1.0)
        self._renderer.WorldToDisplay()
        x, y, _ = self._renderer.GetDisplayPoint()
        ratio = self.widget.devicePixelRatioF()
        return x / ratio, self.widget.height() - 1 - y / ratio

    def _bounds(self) -> NDArray[np.float64]:
        """Return the box of the PSCs, or of the glass brain without them, shape (3, 2)."""
        mapper = self._glass_mapper if self.mesh is None else self._psc_mapper
        box = np.array(mapper.GetBounds()).reshape(3, 2)
        return box if (box[:, 1] > box[:, 0]).all() else np.array([[-80.0, 80.0]] * 3)
