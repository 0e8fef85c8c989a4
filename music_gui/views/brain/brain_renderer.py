"""Draws the brain with VTK in a Qt widget; knows arrays and colours, not the state.

Importing this module takes seconds (PyVista, VTK): `drawing_preparation` does it in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from pyvistaqt import QtInteractor
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkLookupTable
from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from music_gui.views.brain.surface_mesh import SurfaceMesh
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

#: Makes a surface clear where one looks straight at it and denser towards its rim, like glass.
_GLASS_SHADER = """//VTK::Light::Impl
  float facing = abs(normalVCVSOutput.z);
  fragOutput0.a = 0.06 + 0.6 * pow(1.0 - facing, 2.0);
"""


class BrainRenderer:
    """A widget that VTK draws in, and everything drawn in it.

    Changes are drawn with the next repaint of the widget; `update` asks for it.

    Parameters
    ----------
    parent : QWidget
        Where it lives.

    Attributes
    ----------
    widget : QtInteractor
        The widget.
    mesh : SurfaceMesh or None
        The PSCs that are drawn.
    """

    def __init__(self, parent: QWidget) -> None:
        self.widget = QtInteractor(parent, auto_update=False, multi_samples=0, lighting=None)
        self.widget.setAcceptDrops(False)
        self._renderer = self.widget.renderer
        self._camera = self.widget.camera
        self.mesh: SurfaceMesh | None = None
        self._hidden = np.zeros(0, dtype=bool)
        self._lut = vtkLookupTable()
        self._pscs, self._psc_mapper = self._add_surface()
        self._psc_mapper.SetScalarModeToUsePointData()
        self._psc_mapper.SetLookupTable(self._lut)
        self._psc_mapper.UseLookupTableScalarRangeOn()
        self._borders, self._border_mapper = self._add_lines(1.0)
        self._outline, self._outline_mapper = self._add_lines(3.0)
        self._region, self._region_mapper = self._add_surface()
        self._glass, self._glass_mapper = self._add_glass()
        self._crosshair, crosshair_mapper = self._add_surface()
        crosshair_mapper.SetInputData(pv.Sphere(radius=_CROSSHAIR_RADIUS_MM))
        self._cube = self._add_orientation_cube()
        self.widget.add_light(pv.Light(light_type="headlight", intensity=1.0))
        self._camera.view_angle = 25.0
        self.use_theme(palette.current())
        self.look_from(*START_DIRECTION)

    def update(self) -> None:
        """Ask for a repaint."""
        self._renderer.ResetCameraClippingRange()
        self.widget.update()

    def close(self) -> None:
        """Free what the graphics driver holds; nothing can be drawn afterwards."""
        self._renderer = self._camera = None
        self.widget.close()

    # -- what is drawn ---------------------------------------------------------------------

    def show_pscs(self, mesh: SurfaceMesh | None, hidden: NDArray[np.bool_]) -> None:
        """Draw a mesh without the hidden labels, shape (C + 1,); None draws nothing."""
        is_drawn = mesh is self.mesh and np.array_equal(hidden, self._hidden)
        self.mesh, self._hidden = mesh, hidden
        self._pscs.SetVisibility(mesh is not None)
        self._borders.SetVisibility(mesh is not None)
        if mesh is None or is_drawn:
            return
        shown = ~hidden[mesh.surface.labels]
        data = _poly_data(mesh.points, mesh.triangles[shown], mesh.normals)
        data.GetPointData().SetScalars(numpy_to_vtk(mesh.point_labels, deep=True))
        self._psc_mapper.SetInputData(data)
        edges = mesh.edges[~hidden[mesh.edge_labels].all(axis=1)]
        self._border_mapper.SetInputData(_line_data(mesh.surface.vertices, edges))

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
            self._outline_mapper.SetInputData(_line_data(self.mesh.surface.vertices, edges))

    def show_region(self, surface: LabelSurface | None, color: tuple[float, float, float]) -> None:
        """Draw the closed surface of one PSC; None draws none."""
        self._region.SetVisibility(surface is not None)
        if surface is not None:
            data = _poly_data(surface.vertices, surface.triangles, surface.normals)
            self._region_mapper.SetInputData(data)
            self._region.GetProperty().SetColor(*color)

    def set_glass(self, surface: LabelSurface) -> None:
        """Take the shape of the glass brain."""
        self._glass_mapper.SetInputData(
            _poly_data(surface.vertices, surface.triangles, surface.normals)
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
        self.widget.set_background(
            palette.rgb(theme.scene_bottom), top=palette.rgb(theme.scene_top)
        )
        self._glass.GetProperty().SetColor(*palette.rgb(theme.glass))
        self._borders.GetProperty().SetColor(*palette.rgb(theme.scene_edge))
        self._outline.GetProperty().SetColor(*palette.rgb(theme.highlight))
        self._crosshair.GetProperty().SetColor(*palette.rgb(theme.crosshair))
        faces = self._cube
        faces.GetCubeProperty().SetColor(*palette.rgb(theme.raised))
        faces.GetTextEdgesProperty().SetColor(*palette.rgb(theme.border))
        for part in (
            faces.GetXPlusFaceProperty(), faces.GetXMinusFaceProperty(),
            faces.GetYPlusFaceProperty(), faces.GetYMinusFaceProperty(),
            faces.GetZPlusFaceProperty(), faces.GetZMinusFaceProperty(),
        ):  # fmt: skip
            part.SetColor(*palette.rgb(theme.text))

    # -- camera ----------------------------------------------------------------------------

    def camera(self) -> dict[str, tuple[float, float, float]]:
        """Return where the camera is, where it looks, and what points up."""
        camera = self._camera
        return {
            "position": camera.position, "focal_point": camera.focal_point, "up": camera.up,
        }  # fmt: skip

    def set_camera(self, place: dict[str, tuple[float, float, float]]) -> None:
        """Put the camera where another renderer's was."""
        for name, value in place.items():
            setattr(self._camera, name, value)

    def look_from(
        self, direction: tuple[float, float, float], up: tuple[float, float, float]
    ) -> None:
        """Look at the middle of what is drawn from a direction, filling the view."""
        bounds = self._bounds()
        middle = bounds.mean(axis=1)
        radius = float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])) / 2
        unit = np.array(direction) / np.linalg.norm(direction)
        # The sphere around the brain is larger than the brain from any side.
        distance = 0.74 * radius / np.sin(np.deg2rad(self._camera.view_angle / 2))
        aspect = self.widget.width() / max(self.widget.height(), 1)
        distance /= min(aspect, 1.0)
        self._camera.focal_point = tuple(middle)
        self._camera.position = tuple(middle + distance * unit)
        self._camera.up = up

    def look_at(self, point: NDArray[np.float64]) -> None:
        """Centre a point, keeping direction and distance."""
        shift = point - np.array(self._camera.focal_point)
        self._camera.position = tuple(np.array(self._camera.position) + shift)
        self._camera.focal_point = tuple(point)

    def zoom(self, factor: float) -> None:
        """Come nearer (> 1) or go away."""
        self._camera.Dolly(factor)

    def turn(self, azimuth: float, elevation: float) -> None:
        """Go around the brain, degrees."""
        self._camera.Azimuth(azimuth)
        self._camera.Elevation(elevation)
        self._camera.OrthogonalizeViewUp()

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

    # -- actors ----------------------------------------------------------------------------

    def _add(self, actor: vtkActor) -> None:
        actor.SetVisibility(False)
        self._renderer.AddActor(actor)

    def _add_surface(self) -> tuple[vtkActor, vtkPolyDataMapper]:
        actor, mapper = _actor()
        look = actor.GetProperty()
        # The surfaces are closed: without their back faces they draw in half the time.
        look.BackfaceCullingOn()
        look.SetInterpolationToPhong()
        look.SetAmbient(0.22)
        look.SetDiffuse(0.80)
        look.SetSpecular(0.10)
        look.SetSpecularPower(18)
        self._add(actor)
        return actor, mapper

    def _add_lines(self, width: float) -> tuple[vtkActor, vtkPolyDataMapper]:
        actor, mapper = _actor()
        actor.GetProperty().SetLineWidth(width)
        actor.GetProperty().LightingOff()
        # Lines lie in the surface: draw them a little in front of it.
        mapper.SetResolveCoincidentTopologyToPolygonOffset()
        mapper.SetRelativeCoincidentTopologyLineOffsetParameters(0, -4)
        self._add(actor)
        return actor, mapper

    def _add_glass(self) -> tuple[vtkActor, vtkPolyDataMapper]:
        actor, mapper = _actor()
        look = actor.GetProperty()
        # Front faces only: then no triangle of the glass lies behind another but in folds, and
        # they need no sorting.
        look.BackfaceCullingOn()
        look.SetInterpolationToPhong()
        look.SetOpacity(0.3)
        look.SetAmbient(0.5)
        look.SetDiffuse(0.5)
        actor.GetShaderProperty().AddFragmentShaderReplacement(
            "//VTK::Light::Impl", True, _GLASS_SHADER, False
        )
        self._add(actor)
        return actor, mapper

    def _add_orientation_cube(self) -> vtkAnnotatedCubeActor:
        cube = vtkAnnotatedCubeActor()
        cube.SetXPlusFaceText("R")
        cube.SetXMinusFaceText("L")
        cube.SetYPlusFaceText("A")
        cube.SetYMinusFaceText("P")
        cube.SetZPlusFaceText("S")
        cube.SetZMinusFaceText("I")
        cube.SetFaceTextScale(0.62)
        # Letters upright when one looks at that face with the head up.
        cube.SetXFaceTextRotation(0)
        cube.SetYFaceTextRotation(0)
        cube.SetZFaceTextRotation(90)
        marker = self.widget.add_orientation_widget(cube, interactive=False)
        marker.SetViewport(0.0, 0.0, 0.13, 0.17)
        return cube


def _actor() -> tuple[vtkActor, vtkPolyDataMapper]:
    actor, mapper = vtkActor(), vtkPolyDataMapper()
    actor.SetMapper(mapper)
    return actor, mapper


def _poly_data(
    vertices: NDArray[np.float32], triangles: NDArray[np.int32], normals: NDArray[np.float32]
) -> pv.PolyData:
    data = pv.PolyData.from_regular_faces(vertices, triangles)
    data.GetPointData().SetNormals(numpy_to_vtk(normals, deep=True))
    return data


def _line_data(vertices: NDArray[np.float32], edges: NDArray[np.int32]) -> pv.PolyData:
    used, compact = np.unique(edges, return_inverse=True)
    lines = np.column_stack([np.full(len(edges), 2), compact.reshape(-1, 2)])
    data = pv.PolyData()
    data.points = vertices[used]
    data.lines = lines.ravel()
    return data
