"""How a cohort is split in two to see what two fits have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError, MusicError
from music_gui.core.factorization.reproducibility import split_groups, split_halves
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.participants_tsv import read_participants
from music_gui.io.study import Study

#: Numbers of the algorithms and splits in the derivation of seeds: never changed.
_NUMBERS = {"exact-onmf": 0, "sopnmf": 1, "halves": 0, "sex": 1}

_SEX_REMEDY = (
    "Import the maps again with a table of participants whose column sex (F, M) is complete, or "
    "choose --split halves"
)
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Split:
    """Two parts of the cohort without a common participant.

    Parameters
    ----------
    kind : str
        ``halves`` or ``sex``.
    repeat : int
        Number of the split, from 1.
    first, second : ndarray of int
        Ascending positions of the maps of each part.
    """

    kind: str
    repeat: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def parts(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Both parts."""
        return self.first, self.second

    @property
    def n_smaller(self) -> int:
        """Number of maps of the smaller part."""
        return min(len(self.first), len(self.second))

    def seeds(self, seed: int, algorithm: str, scale: int) -> tuple[int, int]:
        """Return the seeds of the two parts' fits at a scale, which always differ."""
        numbers = [_NUMBERS[algorithm], _NUMBERS[self.kind], scale, self.repeat]
        (first,) = np.random.SeedSequence([seed, *numbers]).generate_state(1).tolist()
        return first, (first + 1) % 2**32


@dataclass(frozen=True, eq=False)
class Splits:
    """All splits of a job.

    Parameters
    ----------
    all : tuple of Split
        Halves first, by repeat.
    stratified_by : tuple of str
        Columns of the participants table that the halves share evenly.
    """

    all: tuple[Split, ...]
    stratified_by: tuple[str, ...]

    @property
    def n_smallest(self) -> int:
        """Number of maps of the smallest part."""
        return min(split.n_smaller for split in self.all)

    def as_columns(self, maps: MaskedMaps) -> dict[str, list[str]]:
        """Return which map lies in which part: columns of a table with a row a map."""
        columns = {
            "participant_id": list(maps.participant_ids),
            "session_id": list(maps.session_ids),
        }
        for split in self.all:
            part = np.full(maps.n_images, "second")
            part[split.first] = "first"
            columns[f"{split.kind}_{split.repeat}"] = part.tolist()
        return columns


def make_splits(study: Study, maps: MaskedMaps, kind: str, n_repeats: int, seed: int) -> Splits:
    """Split the cohort at random, by sex, or in both ways.

    All maps of a participant lie in the same part. Random halves share sites and sexes evenly,
    as far as the participants table knows them.

    Parameters
    ----------
    study : Study
        Its participants table names sites and sexes.
    maps : MaskedMaps
    kind : str
        ``halves``, ``sex`` or ``both``.
    n_repeats : int
        Splits of each kind. Those by sex have the same parts; seeds and starts differ.
    seed : int
        Decides the halves.

    Raises
    ------
    InputError
        If sex is asked for and is missing, is the same for all, or changes between the sessions
        of a participant, or if a part would have fewer than two maps.
    ParameterError
        If there are fewer than two participants.
    """
    columns = _columns(study, maps)
    splits: list[Split] = []
    stratified_by: tuple[str, ...] = ()
    repeats = range(1, n_repeats + 1)
    if kind in ("halves", "both"):
        stratified_by = tuple(name for name in ("site", "sex") if len(set(columns[name])) > 1)
        strata = list(zip(*(columns[name] for name in stratified_by), strict=True))
        for repeat in repeats:
            (own,) = np.random.SeedSequence([seed, repeat]).generate_state(1).tolist()
            splits.append(
                Split("halves", repeat, *split_halves(maps.participant_ids, own, strata or None))
            )
    if kind in ("sex", "both"):
        women, men = _sexes(study, maps, columns["sex"])
        splits += [Split("sex", repeat, women, men) for repeat in repeats]
    made = Splits(tuple(splits), stratified_by)
    if made.n_smallest < 2:
        raise InputError(
            f"a part of the cohort has {made.n_smallest} map",
            where=str(study.participants),
            why="a fit needs at least two",
            remedy="Import maps of more participants",
        )
    return made


def _sexes(
    study: Study, maps: MaskedMaps, sex: Sequence[str | None]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    groups = split_groups(sex)
    missing = [name for name, each in zip(maps.participant_ids, sex, strict=True) if each is None]
    known = {name: each for name, each in zip(maps.participant_ids, sex, strict=True) if each}
    changing = [
        name
        for name, each in zip(maps.participant_ids, sex, strict=True)
        if known.get(name) != each
    ]
    if len(missing) == maps.n_images:
        why = "the table of participants does not tell it"
    elif missing:
        why = f"it is missing for {len(missing)} of {maps.n_images} maps: {_some(missing)}"
    elif changing:
        why = f"it differs between sessions of a participant: {_some(changing)}"
    elif len(groups) < 2:
        why = f"it is {sex[0]} for all {maps.n_images} maps"
    else:
        return groups["F"], groups["M"]
    raise InputError(
        "the maps can't be split by sex", where=str(study.participants), why=why, remedy=_SEX_REMEDY
    )


def _columns(study: Study, maps: MaskedMaps) -> dict[str, list[str | None]]:
    """Return site and sex of each map, None where they are not known."""
    nothing: list[str | None] = [None] * maps.n_images
    try:
        table = read_participants(study.participants)
    except MusicError:  # halves need none of it; who asks for sex is told
        return {"site": nothing, "sex": nothing}
    rows = zip(table["participant_id"], table["session_id"], strict=True)
    row_of = {ids: row for row, ids in enumerate(rows)}
    found = [row_of.get(ids) for ids in zip(maps.participant_ids, maps.session_ids, strict=True)]
    columns = {}
    for name in ("site", "sex"):
        values = table[name].tolist() if name in table else [None] * len(table)
        texts = [each if isinstance(each, str) else None for each in values]
        columns[name] = [None if row is None else texts[row] for row in found]
    return columns


def _some(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
    return ", ".join(unique[:_SHOWN]) + more
