"""Finds the PSC that is drawn at a pixel of the 3D view."""

from __future__ import annotations

import numpy as np

from music_gui.state.brain_scene import BrainScene
from music_gui.state.cut_face import CutFace, cut_face, occupancy
from music_gui.state.surface_picker import SurfaceHit, SurfacePicker
from music_gui.state.view_3d import CutPlane, View3D
from music_gui.state.visible_picking import first_visible
from music_gui.views.brain.brain_renderer import BrainRenderer
from music_gui.views.brain.psc_colors import hidden_labels, selected_labels


class ScenePicking:
    """Picks what can be seen: not what is hidden, cut away or faded to glass.

    Parameters
    ----------
    scene : BrainScene
        Tells what is hidden and faded.
    view : View3D
        Tells where the brain is cut.
    renderer : BrainRenderer
        Tells what lies under a pixel.
    """

    def __init__(self, scene: BrainScene, view: View3D, renderer: BrainRenderer) -> None:
        self._scene, self._view, self._renderer = scene, view, renderer
        self._faces: list[CutFace] = []
        self._faces_of: object = None
        self._inside: np.ndarray | None = None
        self._inside_of: object = None
        self._region: tuple[object, SurfacePicker] | None = None

    @property
    def is_faded(self) -> bool:
        """Whether only the selected PSCs are drawn, the others faded to glass."""
        return self._scene.ghost and bool(selected_labels(self._scene))

    def faces(self) -> list[CutFace]:
        """Return the faces of the cuts as they are drawn now; kept until something changes."""
        scene = self._scene
        planes = self._view.planes(scene.crosshair)
        if scene.atlas is None or scene.scale is None or not planes:
            return []
        shown = ~hidden_labels(scene)
        if self.is_faded:
            shown &= np.isin(np.arange(len(shown)), selected_labels(scene))
        now = (planes, scene.atlas, scene.scale, shown.tobytes())
        if self._faces_of != now:
            self._faces = [self._face(plane, planes, shown) for plane in planes]
            self._faces_of = now
        return self._faces

    def _face(self, plane: CutPlane, planes: tuple[CutPlane, ...], shown: np.ndarray) -> CutFace:
        scene = self._scene
        assert scene.atlas is not None and scene.scale is not None  # noqa: PT018
        others = tuple(other for other in planes if other is not plane)
        labels, grid = scene.atlas.scales[scene.scale].labels, scene.atlas.grid
        now = (scene.atlas, scene.scale, shown.tobytes())
        if self._inside_of != now:
            self._inside, self._inside_of = occupancy(labels, shown), now
        return cut_face(labels, grid, shown, plane, others, self._inside)

    def pick(self, x: float, y: float) -> SurfaceHit | None:
        """Return the front-most visible PSC at a pixel of the widget, and the point on it."""
        mesh = self._renderer.mesh
        if mesh is None:
            return None
        hidden = hidden_labels(self._scene)
        picker: SurfacePicker | None = mesh.picker
        if self.is_faded:
            picker, hidden = self._region_picker(), np.zeros_like(hidden)
        if picker is None:
            return None
        origin, direction = self._renderer.camera.ray(x, y)
        return first_visible(origin, direction, picker, hidden, self.faces())

    def _region_picker(self) -> SurfacePicker | None:
        surface = self._scene.selected_surface
        if surface is None:
            return None
        if self._region is None or self._region[0] is not surface:
            self._region = (surface, SurfacePicker(surface))
        return self._region[1]
