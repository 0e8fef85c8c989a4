"""Recognise the names that tables give PSCs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from music_gui.core.atlas import parse_psc_name, psc_name

#: ``C32_4``, ``c32-4``, ``MuSIC_C32_4``, ``MINA32_4``, ``32_4``.
_WITH_SCALE = re.compile(r"[A-Za-z][A-Za-z _-]*?0*(\d+)[_. :-]0*(\d+)|0*(\d+)[_:]0*(\d+)")
#: ``C4``, ``PSC_4``, ``4``.
_NUMBER_ALONE = re.compile(r"[A-Za-z]*[ _-]?0*(\d+)(?:\.0+)?")

#: So much of a column must be names for it to be a column of PSCs.
_MOSTLY = 0.5


@dataclass(frozen=True)
class KnownPscs:
    """The PSCs of an atlas by name.

    Parameters
    ----------
    scales : mapping of int to int
        C -> number of components; empty if there is no atlas, and then every name is known.
    vanished : collection of str
        Components without voxels.
    """

    scales: Mapping[int, int]
    vanished: Collection[str] = frozenset()

    def has(self, name: str) -> bool:
        """Tell whether the atlas has a PSC, vanished or not."""
        scale, index = parse_psc_name(name)
        return not self.scales or 1 <= index <= self.scales.get(scale, 0)


def recognize_name(text: str) -> str | None:
    """Return our name of a PSC that a table names with its scale, or None if it is none."""
    match = _WITH_SCALE.fullmatch(text)
    if match is None:
        return None
    scale, index = (int(group) for group in match.groups() if group is not None)
    return psc_name(scale, index)


def recognize_names(cells: Sequence[str], known: KnownPscs) -> list[str | None] | None:
    """Return our names of the PSCs in a column, or None if it does not name PSCs.

    Names of PSCs that the atlas does not have are kept, as long as it has some of them.
    """
    names = [recognize_name(cell) for cell in cells]
    found = [name for name in names if name is not None]
    if len(found) < _MOSTLY * len(cells) or not any(map(known.has, found)):
        return None
    return names


def number_names(cells: Sequence[str], scales: Sequence[int]) -> list[str | None] | None:
    """Return names from numbers within a scale, one scale a row, or None if they are none."""
    names: list[str | None] = []
    for cell, scale in zip(cells, scales, strict=True):
        match = _NUMBER_ALONE.fullmatch(cell)
        names.append(psc_name(scale, int(match[1])) if match else None)
    inside = [
        name for name in names if name and 1 <= parse_psc_name(name)[1] <= parse_psc_name(name)[0]
    ]
    distinct = len(set(inside)) == len(inside)
    return names if distinct and inside and len(inside) >= _MOSTLY * len(cells) else None
