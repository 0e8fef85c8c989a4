"""Builds the surfaces that follow what is selected and hidden, off the UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from music_gui.core.atlas import Atlas, parse_psc_name
from music_gui.core.errors import MusicError
from music_gui.state.background import Background
from music_gui.state.brain_scene import BrainScene

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface


class RegionSurfaces:
    """Keeps `BrainScene.selected_surface` and `BrainScene.shown_surface` up to date.

    Parameters
    ----------
    scene : BrainScene
        What is followed and filled.
    background : Background
        Where the surfaces are built.
    """

    def __init__(self, scene: BrainScene, background: Background) -> None:
        self._scene = scene
        self._background = background
        scene.events.selected.connect(self._build_selected)
        scene.events.also_selected.connect(self._build_selected)
        scene.events.hidden.connect(self._build_shown)
        scene.events.scale.connect(self._build_shown)

    def _build_selected(self) -> None:
        scene, atlas, names = self._scene, self._scene.atlas, self._scene.selection
        scene.selected_surface = None
        if atlas is None:
            return
        present = sorted(name for name in names if atlas.centre_of(name) is not None)
        if not present:
            return

        def show(surface: LabelSurface) -> None:
            if scene.atlas is atlas and scene.selection == names:
                scene.selected_surface = surface

        self._background.run(
            lambda: _surface_of(atlas, present), show, _leave_out, topic="selected surface"
        )

    def _build_shown(self) -> None:
        scene, atlas, scale, hidden = (
            self._scene, self._scene.atlas, self._scene.scale, self._scene.hidden,
        )  # fmt: skip
        scene.shown_surface = None
        if atlas is None or scale is None:
            return
        present = frozenset(atlas.scales[scale].present)
        if not hidden & present or hidden >= present:
            return

        def show(surface: LabelSurface) -> None:
            if scene.atlas is atlas and scene.scale == scale and scene.hidden == hidden:
                scene.shown_surface = surface

        self._background.run(
            lambda: _surface_without(atlas, scale, hidden), show, _leave_out, topic="shown surface"
        )


def _surface_of(atlas: Atlas, names: list[str]) -> LabelSurface:
    """Build the closed surfaces of some PSCs of one scale, each triangle with its label."""
    from music_gui.core.surface import LabelSurface

    vertices, triangles, labels, n = [], [], [], 0
    for name in names:
        one = _surface_of_one(atlas, name)
        vertices.append(one.vertices)
        triangles.append(one.triangles + np.int32(n))
        labels.append(one.labels * np.int32(parse_psc_name(name)[1]))
        n += len(one.vertices)
    surface = LabelSurface(
        np.concatenate(vertices), np.concatenate(triangles), np.concatenate(labels)
    )
    _ = surface.normals  # computed here, not on the UI thread
    return surface


def _surface_of_one(atlas: Atlas, name: str) -> LabelSurface:
    from music_gui.core.grid import Grid
    from music_gui.core.surface import build_region_surface

    scale, label = parse_psc_name(name)
    mask = atlas.scales[scale].labels == label
    # Cut to the region, since the time goes with the size of the box.
    ends = [np.flatnonzero(mask.any(axis=axes))[[0, -1]] for axes in ((1, 2), (0, 2), (0, 1))]
    box = mask[tuple(slice(first, last + 1) for first, last in ends)]
    affine = atlas.grid.affine.copy()
    affine[:3, 3] = atlas.grid.to_world(np.array([first for first, _ in ends]))
    i, j, k = box.shape
    return build_region_surface(box, Grid((i, j, k), affine))


def _surface_without(atlas: Atlas, scale: int, hidden: frozenset[str]) -> LabelSurface:
    from music_gui.core.surface import build_label_surface

    atlas_scale = atlas.scales[scale]
    kept = np.array([False, *(name not in hidden for name in atlas_scale.names)])
    labels = np.where(kept[atlas_scale.labels], atlas_scale.labels, 0)
    return build_label_surface(labels, atlas.grid)


def _leave_out(error: MusicError) -> None:
    """Draw without: the PSC is still coloured on the surface of all."""
