"""What a search finds, and what can be searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from music_gui.state.search.query import Query


@dataclass(frozen=True)
class SearchResult:
    """Something that matches what was typed.

    Parameters
    ----------
    title : str
        What it is.
    reason : str
        Why it matches, in words.
    score : float
        How well it matches, 0 to 100: results with higher ones come first within a source, and
        the source with the highest one comes first.
    pick : callable
        Goes there.
    detail : str
        More about it, shown beside the title.
    icon : str
        Name of a qtawesome icon.
    text : str
        What is put into the recent searches; what was typed if empty.
    """

    title: str
    reason: str
    score: float
    pick: Callable[[], None]
    detail: str = ""
    icon: str = ""
    text: str = ""


class SearchSource(Protocol):
    """Knows one kind of thing."""

    @property
    def title(self) -> str:
        """Heading of its results."""

    def search(self, query: Query) -> Sequence[SearchResult]:
        """Return what matches, best first; quickly, since it is asked at every key."""
