"""Finds points: coordinates in mm, and voxels."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial

import numpy as np

from music_gui.state.brain_scene import BrainScene, Point
from music_gui.state.search.query import Query
from music_gui.state.search.result import SearchResult

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_POINT = re.compile(
    r"[\s(\[]*(?:(?P<kind>mni\d*|mm|voxel|vox|ijk|xyz)[\s(\[:=]+)?"
    rf"(?:[xi]\s*[=:]?\s*)?(?P<x>{_NUMBER})(?:\s*[,;]\s*|\s+)"
    rf"(?:[yj]\s*[=:]?\s*)?(?P<y>{_NUMBER})(?:\s*[,;]\s*|\s+)"
    rf"(?:[zk]\s*[=:]?\s*)?(?P<z>{_NUMBER})[\s)\]]*(?:mm|mni\d*)?[\s)\]]*",
    re.IGNORECASE,
)


class Points:
    """Any point of the brain.

    Parameters
    ----------
    scene : BrainScene
        Its crosshair is moved.
    """

    title = "Points"

    def __init__(self, scene: BrainScene) -> None:
        self._scene = scene

    def search(self, query: Query) -> Sequence[SearchResult]:
        """Understand ``-12 8 30``, ``x=-12,y=8,z=30``, ``(−12; 8; 30) mm`` and ``voxel 30 40 50``.

        In a space other than MNI152, mm are MNI152's first, and the atlas's own second.
        """
        text = query.text.replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
        match = _POINT.fullmatch(text)
        if match is None:
            return []
        values = (float(match["x"]), float(match["y"]), float(match["z"]))
        if not all(map(math.isfinite, values)):
            return []
        if (match["kind"] or "").lower() in ("voxel", "vox", "ijk"):
            return self._voxel(values)
        anatomy = self._scene.anatomy
        own = (match["kind"] or "").lower() == "mm"
        if anatomy is None or anatomy.space.is_mni:
            return [self._at(values, _mm(values), "coordinates in mm", 100)]
        space = anatomy.space.name
        results = [
            self._at(anatomy.world(values), _mm(values) + " MNI152", "coordinates in MNI152", 99),
            self._at(values, _mm(values) + f" {space}", f"coordinates in {space} space", 98),
        ]
        return results[::-1] if own else results

    def _voxel(self, ijk: Point) -> list[SearchResult]:
        scene = self._scene
        grid = scene.atlas.grid if scene.atlas else scene.underlay.grid if scene.underlay else None
        if grid is None:
            return []
        of = "the atlas" if scene.atlas else "the template"
        if not all(0 <= value <= size - 1 for value, size in zip(ijk, grid.shape, strict=True)):
            return []
        x, y, z = grid.to_world(np.array(ijk))
        title = "Voxel " + " ".join(f"{value:g}" for value in ijk)
        return [self._at((float(x), float(y), float(z)), title, f"voxel of {of}", 100)]

    def _at(self, point: Point, title: str, reason: str, score: float) -> SearchResult:
        scene = self._scene
        parts = []
        if scene.atlas is not None and scene.scale is not None:
            parts.append(scene.atlas.psc_at(np.array(point), scene.scale) or "no PSC there")
        if scene.anatomy is not None and (region := scene.anatomy.region_at(point)) is not None:
            parts.append(region.full_name)
        return SearchResult(
            title,
            reason,
            score,
            partial(scene.look_at, point, select=True),
            "  ·  ".join(parts),
            "mdi6.crosshairs-gps",
        )


def _mm(values: Point) -> str:
    return " ".join(f"{value:g}" for value in values).replace("-", "\N{MINUS SIGN}")
