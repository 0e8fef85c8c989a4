"""Finds PSCs and scales by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from music_gui.core.atlas import psc_name
from music_gui.state.brain_scene import BrainScene
from music_gui.state.search.query import Query, plain
from music_gui.state.search.result import SearchResult

#: ``C128_3``, ``c32 4``, ``128-3``.
_NAME = re.compile(r"\s*c?\s*(\d+)(?:[\s_\-.:/]+(\d*))?\s*", re.IGNORECASE)

_MOST = 8


class PscNames:
    """The PSCs of the atlas that is shown, and its scales.

    Parameters
    ----------
    scene : BrainScene
        Its atlas is searched.
    """

    title = "PSCs by name"

    def __init__(self, scene: BrainScene) -> None:
        self._scene = scene

    def search(self, query: Query) -> Sequence[SearchResult]:
        """Find PSCs by scale and number, by number alone, or by the atlas's own words."""
        if self._scene.atlas is None:
            return []
        match = _NAME.fullmatch(query.text)
        return self._by_words(query) if match is None else self._by_number(match)

    def _by_number(self, match: re.Match[str]) -> list[SearchResult]:
        scene, atlas = self._scene, self._scene.atlas
        assert atlas is not None
        first, second = int(match[1]), match[2]
        results = []
        if first in atlas.scales:
            typed = second or ""
            numbers = [n for n in range(1, first + 1) if str(n).startswith(typed)]
            exact = [n for n in numbers if str(n) == typed]
            others = [n for n in numbers if str(n) != typed]
            for rank, number in enumerate((exact + others)[:_MOST]):
                why = "name" if number in exact else "name begins so"
                results.append(
                    self._psc(psc_name(first, number), why, (100 if exact else 90) - rank)
                )
            if second is None:
                results.insert(0, self._scale(first))
        if second is None and scene.scale is not None and 1 <= first <= scene.scale:
            name = psc_name(scene.scale, first)
            results.append(self._psc(name, f"number {first} of this scale", 92))
        return results[:_MOST]

    def _scale(self, scale: int) -> SearchResult:
        atlas = self._scene.atlas
        assert atlas is not None
        n = len(atlas.scales[scale].present)
        return SearchResult(
            f"Scale C{scale}",
            "name",
            100,
            partial(self._scene.set_scale, scale),
            f"{n} PSCs",
            "mdi6.layers-outline",
        )

    def _psc(self, name: str, reason: str, score: float) -> SearchResult:
        scene = self._scene
        assert scene.atlas is not None
        anatomy = scene.anatomy
        scale = int(name[1:].partition("_")[0])
        if scene.atlas.scales[scale].voxel_counts[int(name.partition("_")[2]) - 1] == 0:
            detail = "vanished: it won no voxel when the atlas was made"
        else:
            detail = anatomy.describe(name) if anatomy is not None else ""
        return SearchResult(
            name, reason, score, partial(scene.select, name), detail, "mdi6.brain", name
        )

    def _by_words(self, query: Query) -> list[SearchResult]:
        """Find the names in words that the atlas itself gives its PSCs."""
        atlas, words = self._scene.atlas, query.words
        if atlas is None or not words:
            return []
        results = []
        for scale in sorted(atlas.scales, key=lambda c: (c != self._scene.scale, c)):
            for place, region in enumerate(atlas.scales[scale].regions):
                known = plain(region).split()
                if region and all(any(k.startswith(w) for k in known) for w in words):
                    name = atlas.scales[scale].names[place]
                    results.append(self._psc(name, f"the atlas calls it {region}", 88))
                    if len(results) == _MOST:
                        return results
        return results
