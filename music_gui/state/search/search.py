"""Asks all sources, and remembers what was searched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from music_gui.state.brain_scene import BrainScene
from music_gui.state.search.points import Points
from music_gui.state.search.psc_names import PscNames
from music_gui.state.search.query import Query
from music_gui.state.search.regions import PscsInRegions, Regions
from music_gui.state.search.result import SearchResult, SearchSource
from music_gui.state.settings import Settings

_MOST_RECENT = 8


@dataclass(frozen=True)
class ResultGroup:
    """The results of one source, best first."""

    title: str
    results: tuple[SearchResult, ...]


class Search:
    """One line of text, many kinds of things.

    Parameters
    ----------
    sources : sequence of SearchSource
        Asked in this order; between equally good results the earlier source comes first.
    settings : Settings
        Remembers recent searches.
    """

    def __init__(self, sources: Sequence[SearchSource], settings: Settings) -> None:
        self._sources = list(sources)
        self._settings = settings

    def add_source(self, source: SearchSource) -> None:
        """Ask one more source from now on."""
        self._sources.append(source)

    def find(self, text: str) -> list[ResultGroup]:
        """Return what matches a text, the source with the best match first."""
        query = Query(text)
        if not text.strip():
            return []
        groups = []
        for source in self._sources:
            results = sorted(source.search(query), key=lambda each: -each.score)
            if results:
                groups.append(ResultGroup(source.title, tuple(results)))
        return sorted(groups, key=lambda group: -group.results[0].score)

    @property
    def recent(self) -> tuple[str, ...]:
        """What was searched for with success, newest first."""
        return self._settings.recent_searches

    def pick(self, result: SearchResult, text: str) -> None:
        """Go to a result and remember the search."""
        kept = (result.text or text).strip()
        others = [each for each in self.recent if each.casefold() != kept.casefold()]
        self._settings.recent_searches = (kept, *others)[:_MOST_RECENT]
        result.pick()


def make_search(scene: BrainScene, settings: Settings) -> Search:
    """Make the search over what a scene shows."""
    return Search([PscNames(scene), Points(scene), PscsInRegions(scene), Regions(scene)], settings)
