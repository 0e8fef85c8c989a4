"""Draws the brain with VTK in a Qt widget; knows arrays and colours, not the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkFiltersSources import vtkSphereSource
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer

from music_gui.views.brain.actors import (
    glass_actor,
    label_actor,
    lift_lines,
    line_actor,
    line_data,
    separate_surface_data,
    surface_actor,
    surface_data,
)
from music_gui.views.brain.brain_camera import START_DIRECTION, BrainCamera
from music_gui.views.brain.cut_face_actor import CutFaceActor
from music_gui.views.brain.label_texture import LabelTexture
from music_gui.views.brain.orientation_cube import OrientationCube
from music_gui.views.brain.surface_mesh import SurfaceMesh
from music_gui.views.brain.vtk_widget import VtkWidget
from music_gui.views.widgets import palette

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from music_gui.core.surface import LabelSurface
    from music_gui.state.cut_face import CutFace

_CROSSHAIR_RADIUS_MM = 2.0


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
    camera : BrainCamera
        From where one looks.
    mesh : SurfaceMesh or None
        The PSCs that are drawn.
    """

    def __init__(self, parent: QWidget) -> None:
        self.widget = VtkWidget(parent)
        self._renderer = vtkRenderer()
        self._renderer.GradientBackgroundOn()
        self.widget.render_window.AddRenderer(self._renderer)
        self.camera = BrainCamera(self._renderer, self.widget)
        light = vtkLight()
        light.SetLightTypeToHeadlight()
        self._renderer.AddLight(light)
        self._cube = OrientationCube(self.widget.render_window)
        self.mesh: SurfaceMesh | None = None
        self._hidden = np.zeros(0, dtype=bool)
        self._region_of: LabelSurface | None = None
        self._colors = np.zeros((1, 4), dtype=np.uint8)
        self._texture = LabelTexture()
        self._pscs, self._psc_mapper = label_actor(self._texture)
        self._borders, self._border_mapper = line_actor(1.0)
        self._outline, self._outline_mapper = line_actor(3.0)
        self._region, self._region_mapper = label_actor(self._texture)
        self._glass, self._glass_mapper = glass_actor()
        self._crosshair, crosshair_mapper = surface_actor()
        sphere = vtkSphereSource()
        sphere.SetRadius(_CROSSHAIR_RADIUS_MM)
        crosshair_mapper.SetInputConnection(sphere.GetOutputPort())
        self._faces = [CutFaceActor() for _ in range(3)]
        for actor in (
            self._pscs, self._borders, self._outline, self._region, self._glass, self._crosshair,
            *(face.vtk for face in self._faces),
        ):  # fmt: skip
            self._renderer.AddActor(actor)
        self.use_theme(palette.current())
        self.camera.look_from(*START_DIRECTION)

    def update(self) -> None:
        """Ask for a repaint."""
        self._renderer.ResetCameraClippingRange()
        for lines in (self._borders, self._outline):
            lift_lines(lines, self.camera.vtk)
        self._cube.follow(self.camera.vtk)
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
        shown = ~hidden[mesh.drawn.labels]
        self._psc_mapper.SetInputData(
            surface_data(mesh.points, mesh.triangles[shown], mesh.normals, mesh.point_labels)
        )
        edges = mesh.edges[~hidden[mesh.edge_labels].all(axis=1)]
        self._border_mapper.SetInputData(line_data(mesh.drawn.vertices, edges))

    def color_pscs(self, colors: NDArray[np.uint8]) -> None:
        """Colour the labels, shape (C + 1, 4): geometry stays as it is."""
        if not np.array_equal(colors, self._colors):
            self._colors = colors
            self._texture.set_colors(colors)

    def outline(self, labels: Sequence[int]) -> None:
        """Draw a line around labels."""
        edges = self.mesh.edges_of(*labels) if self.mesh is not None and labels else ()
        self._outline.SetVisibility(len(edges) > 0)
        if self.mesh is not None and len(edges):
            self._outline_mapper.SetInputData(line_data(self.mesh.drawn.vertices, edges))

    def show_region(self, surface: LabelSurface | None) -> None:
        """Draw the closed surfaces of some PSCs; None draws none."""
        self._region.SetVisibility(surface is not None)
        if surface is not None and surface is not self._region_of:
            self._region_of = surface
            self._region_mapper.SetInputData(separate_surface_data(surface))

    def show_cuts(self, faces: Sequence[CutFace]) -> None:
        """Cut everything away that lies on the wrong side of a face, and draw the faces."""
        planes = []
        for face in faces:
            plane = vtkPlane()
            origin = np.zeros(3)
            origin[face.plane.axis] = face.plane.position
            plane.SetOrigin(*origin)
            plane.SetNormal(*face.plane.normal)
            planes.append(plane)
        for mapper in (
            self._psc_mapper, self._border_mapper, self._outline_mapper, self._region_mapper,
            self._glass_mapper,
        ):  # fmt: skip
            if planes or mapper.GetClippingPlanes() is not None:
                mapper.RemoveAllClippingPlanes()
            for plane in planes:
                mapper.AddClippingPlane(plane)
        # Where the face has a hole, one looks at the inner side of the surface.
        for actor in (self._pscs, self._region):
            actor.GetProperty().SetBackfaceCulling(not planes)
        for place, actor in enumerate(self._faces):
            actor.show(faces[place] if place < len(faces) else None, self._colors)

    def set_glass(self, surface: LabelSurface) -> None:
        """Take the shape of the glass brain."""
        self._glass_mapper.SetInputData(
            surface_data(surface.vertices, surface.triangles, surface.normals)
        )

    def show_glass(self, opacity: float) -> None:
        """Draw the glass brain with an opacity from 0 to 1; 0 draws none."""
        self._glass.SetVisibility(opacity > 0)
        self._glass.GetProperty().SetOpacity(opacity)

    def fade_pscs(self, faded: bool) -> None:
        """Draw none of the PSCs but the region."""
        for actor in (self._pscs, self._borders):
            actor.SetVisibility(not faded and self.mesh is not None)
        if faded:
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
