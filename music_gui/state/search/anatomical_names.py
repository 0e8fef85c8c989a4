"""Finds anatomical names: typos, synonyms and parts of names are understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from music_gui.state.search.query import plain

if TYPE_CHECKING:
    from music_gui.core.anatomy import AnatomicalRegion

#: Likenesses (rapidfuzz, 0 to 100) from which on a spelling counts as a mistyped one. 75 lets
#: one letter in four be wrong: ``thalmus``, ``hipocampus``, ``amigdala``, ``precentrl gyrs``.
_LEAST_ALIKE = 75.0

#: A name that begins as typed comes before a synonym of it that does so too.
_SYNONYM_MALUS = 6.0

#: Shorter terms, mostly abbreviations, must be right: ``sma`` is one letter from ``smg``.
_SHORTEST_TYPO = 4

_SHORTEST_TERM = 2


@dataclass(frozen=True)
class NameMatch:
    """Regions that a term means.

    Parameters
    ----------
    title : str
        What the regions are called together.
    places : tuple of int
        In the atlas's regions.
    reason : str
        Why they match.
    score : float
        0 to 100.
    is_guess : bool
        The term is spelt in no way that is known.
    """

    title: str
    places: tuple[int, ...]
    reason: str
    score: float
    is_guess: bool = False


@dataclass(frozen=True)
class _Entry:
    """A spelling that can be typed, and what it means."""

    spelling: str
    written: str
    title: str
    places: tuple[int, ...]
    is_synonym: bool


class AnatomicalNames:
    """The names of an anatomical atlas, of what its regions are part of, and their synonyms.

    Parameters
    ----------
    regions : sequence of AnatomicalRegion
        Of the atlas.
    synonyms : sequence of tuple
        Term and the names that it means; those that the atlas does not have are passed over.
    """

    def __init__(
        self,
        regions: Sequence[AnatomicalRegion],
        synonyms: Sequence[tuple[str, tuple[str, ...]]],
    ) -> None:
        self._entries = _make_entries(regions, synonyms)
        import_module("rapidfuzz")  # here, in the background, rather than at the first key

    def find(self, term: str, most: int = 6) -> list[NameMatch]:
        """Find what a term means, best first; of several ways to the same regions the best one.

        Parameters
        ----------
        term : str
            In small letters, without side.
        most : int
            Return no more than this.
        """
        best: dict[tuple[int, ...], NameMatch] = {}
        for entry in self._entries if len(term) >= _SHORTEST_TERM else ():
            match = _compare(term, entry) or _guess(term, entry)
            if match and (entry.places not in best or match.score > best[entry.places].score):
                best[entry.places] = match
        found = sorted(best.values(), key=lambda each: (-each.score, each.title))
        if found and not found[0].is_guess:
            found = [match for match in found if not match.is_guess]
        return found[:most]


def _make_entries(
    regions: Sequence[AnatomicalRegion], synonyms: Sequence[tuple[str, tuple[str, ...]]]
) -> tuple[_Entry, ...]:
    """List every spelling that can be typed."""
    places: dict[str, list[int]] = {}
    for place, region in enumerate(regions):
        places.setdefault(region.name, []).append(place)
        if region.group and region.group != region.name:
            places.setdefault(region.group, []).append(place)
    by_spelling = {plain(name): tuple(found) for name, found in places.items()}
    entries = {
        plain(name): _Entry(plain(name), name, name, tuple(found), False)
        for name, found in places.items()
    }
    for term, meanings in synonyms:
        meant = [name for name in meanings if plain(name) in by_spelling]
        if meant and plain(term) not in entries:
            found = {place for name in meant for place in by_spelling[plain(name)]}
            title = meant[0] if len(meant) == 1 else term
            entries[plain(term)] = _Entry(plain(term), term, title, tuple(sorted(found)), True)
    return tuple(entries.values())


def _compare(term: str, entry: _Entry) -> NameMatch | None:
    """Match a term that is a spelling, or of whose words each begins one of it."""
    if entry.is_synonym and entry.title != entry.written:
        way = f"{entry.written} means {entry.title}"
    else:  # a synonym of several regions keeps its own name
        way = "synonym" if entry.is_synonym else "name"
    if term == entry.spelling:
        return NameMatch(entry.title, entry.places, way, 99.0 if entry.is_synonym else 100.0)
    words = entry.spelling.split()
    if not all(any(word.startswith(each) for word in words) for each in term.split()):
        return None
    # The more of the name was typed the better.
    score = 80 + 15 * min(len(term) / len(entry.spelling), 1.0)
    if entry.is_synonym:
        return NameMatch(entry.title, entry.places, way, score - _SYNONYM_MALUS)
    return NameMatch(entry.title, entry.places, "part of the name", score)


def _guess(term: str, entry: _Entry) -> NameMatch | None:
    """Match a term that is nearly a spelling."""
    from rapidfuzz import fuzz

    if min(len(term), len(entry.spelling)) < _SHORTEST_TYPO:
        return None
    likeness = max(
        fuzz.ratio(term, entry.spelling, score_cutoff=_LEAST_ALIKE),
        0.97 * fuzz.token_sort_ratio(term, entry.spelling, score_cutoff=_LEAST_ALIKE),
        0.9 * _alike_in_words(term.split(), entry.spelling.split()),
    )
    if likeness < 0.9 * _LEAST_ALIKE:
        return None
    way = f"closest spelling: {entry.written}"
    return NameMatch(entry.title, entry.places, way, 0.8 * likeness - entry.is_synonym, True)


def _alike_in_words(typed: Sequence[str], words: Sequence[str]) -> float:
    """Return how alike the least alike typed word is to its likest word of a name, or 0."""
    from rapidfuzz import fuzz

    likenesses = []
    for each in typed:
        if len(each) < _SHORTEST_TYPO and each not in words:
            return 0.0
        likenesses.append(max(fuzz.ratio(each, word) for word in words))
    least = min(likenesses)
    return least if least >= _LEAST_ALIKE else 0.0
