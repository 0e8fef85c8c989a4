"""What lies at a point of the slices, in words."""

from __future__ import annotations

import numpy as np

from music_gui.state.brain_scene import BrainScene, Point
from music_gui.state.fit_previews import AtlasPreview
from music_gui.views.brain.psc_text import describe_psc, format_value


def describe_point(scene: BrainScene, point: Point) -> str:
    """Say value of the map, PSC and its value, mm, voxel and grey value at a point in world mm."""
    parts = []
    if scene.overlay is not None and (value := scene.overlay.value_at(point)) is not None:
        parts.append(f"map {format_value(value)}")
    if scene.atlas is not None and scene.scale is not None:
        name = scene.atlas.psc_at(np.array(point), scene.scale)
        parts.append("no PSC" if name is None else describe_psc(scene, name))
    parts.append(_signed(" ".join(f"{value + 0.0:.0f}" for value in point)) + " mm")
    grid = scene.atlas.grid if scene.atlas else scene.underlay.grid if scene.underlay else None
    if grid is not None:
        voxel = np.rint(grid.to_voxel(np.array(point))).astype(int)
        parts.append("voxel " + _signed(" ".join(map(str, voxel))))
    if scene.underlay is not None and (value := scene.underlay.value_at(point)) is not None:
        parts.append(f"{scene.underlay.name} {format_value(value)}")
    return "  ·  ".join(parts)


def describe_preview(preview: AtlasPreview, point: Point) -> str:
    """Say which component of a fit under way lies at a point in world mm."""
    label = preview.sampler.value(np.array(point))
    parts = [f"component {label:.0f}" if label else "no component"]
    parts.append(_signed(" ".join(f"{value + 0.0:.0f}" for value in point)) + " mm")
    return "  ·  ".join(parts)


def _signed(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
