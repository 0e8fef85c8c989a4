"""Finds anatomical regions, and the PSCs that lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from music_gui.state.brain_scene import BrainScene
from music_gui.state.search.anatomical_names import NameMatch
from music_gui.state.search.query import Query
from music_gui.state.search.result import SearchResult

if TYPE_CHECKING:
    from music_gui.core.anatomy import AnatomyOverlap
    from music_gui.state.anatomy import Anatomy

#: Of the scale that is shown, and of each other one.
_MOST_OF_THIS_SCALE, _MOST_OF_OTHERS = 3, 1

#: A PSC that holds less than this of a region and has less than this of itself in it is not found.
_LEAST_SHARE = 0.05

_SIDE_WORDS = {"L": "left ", "R": "right ", "": ""}


def _matches(scene: BrainScene, query: Query) -> list[NameMatch]:
    """Find the regions of the side that is asked for, or of both."""
    anatomy: Anatomy | None = scene.anatomy
    if anatomy is None:
        return []
    sided = []
    for match in anatomy.names.find(query.term):
        places = tuple(
            place
            for place in match.places
            if not query.side or anatomy.regions.regions[place].side in (query.side, "")
        )
        if places:
            title = _SIDE_WORDS[query.side] + match.title
            sided.append(replace(match, title=title, places=places))
    return sided


class PscsInRegions:
    """PSCs by the anatomy that they cover.

    Parameters
    ----------
    scene : BrainScene
        Its anatomy is searched.
    """

    title = "PSCs by anatomy"

    def __init__(self, scene: BrainScene) -> None:
        self._scene = scene

    def search(self, query: Query) -> Sequence[SearchResult]:
        """Find the PSCs of each scale that agree most with the region that is meant."""
        matches = _matches(self._scene, query)
        if not matches:
            return []
        anatomy, scene = self._scene.anatomy, self._scene
        match = matches[0]
        results: list[SearchResult] = []
        for scale in sorted(anatomy.overlaps, key=lambda c: (c != scene.scale, c)):
            most = _MOST_OF_THIS_SCALE if scale == scene.scale else _MOST_OF_OTHERS
            overlap = anatomy.overlaps[scale]
            for row, of_psc, of_region in _best(overlap, match.places, most):
                results.append(self._result(overlap.names[row], match, of_psc, of_region, results))
        return results

    def _result(
        self,
        name: str,
        match: NameMatch,
        of_psc: float,
        of_region: float,
        before: Sequence[SearchResult],
    ) -> SearchResult:
        from music_gui.core.anatomy.description import percent

        why = (
            f"{percent(of_psc)} of it lies in {match.title}, {percent(of_region)} of which it holds"
        )
        if match.reason not in ("name", "part of the name"):
            why += f" ({match.reason})"
        detail = self._scene.anatomy.texts.get(name, "")
        pick = partial(self._scene.select, name)
        return SearchResult(name, why, match.score - 0.1 * len(before), pick, detail, "mdi6.brain")


def _best(
    overlap: AnatomyOverlap, places: Sequence[int], most: int
) -> list[tuple[int, float, float]]:
    """Return row, share of the PSC and share of the regions of the PSCs that agree most.

    Agreement is Dice's coefficient, so that neither a PSC that swallows the region nor a crumb of
    it comes first.
    """
    columns = list(places)
    covered = overlap.inside[:, columns].sum()
    within, inside = overlap.within[:, columns].sum(axis=1), overlap.inside[:, columns].sum(axis=1)
    of_psc = within / np.maximum(overlap.n_voxels, 1)
    of_region = inside / max(int(covered), 1)
    dice = 2 * within / np.maximum(overlap.n_voxels + covered, 1)
    order = np.argsort(-dice, kind="stable")[:most]
    return [
        (int(row), float(of_psc[row]), float(of_region[row]))
        for row in order
        if max(of_psc[row], of_region[row]) >= _LEAST_SHARE
    ]


class Regions:
    """The regions themselves, to go there.

    Parameters
    ----------
    scene : BrainScene
        Its crosshair is moved.
    """

    title = "Anatomical regions"

    def __init__(self, scene: BrainScene) -> None:
        self._scene = scene

    def search(self, query: Query) -> Sequence[SearchResult]:
        """Find regions of one side each; picking one goes to its middle."""
        results: list[SearchResult] = []
        seen: set[int] = set()
        for match in _matches(self._scene, query):
            for place in match.places:
                if place not in seen and len(results) < 6:
                    seen.add(place)
                    results.append(self._result(place, match))
        return results

    def _result(self, place: int, match: NameMatch) -> SearchResult:
        from music_gui.core.anatomy.description import point_text

        anatomy = self._scene.anatomy
        region = anatomy.regions.regions[place]
        centre = anatomy.regions.centres[place]
        x, y, z = (float(value) for value in centre)
        reason = match.reason
        if not match.title.endswith(region.name):
            reason = f"part of {match.title}" + (f" ({reason})" if match.is_guess else "")
        return SearchResult(
            region.full_name,
            reason,
            match.score - 1.0,
            partial(self._scene.look_at, anatomy.world((x, y, z)), select=True),
            f"{region.group + '  ·  ' if region.group else ''}{point_text(centre)} MNI152",
            "mdi6.map-marker-outline",
            region.full_name,
        )
