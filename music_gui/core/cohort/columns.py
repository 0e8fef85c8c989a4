"""Recognise what the columns of a participants table mean, and put their values in one coding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError

#: Our name -> names that other tables use, without case, spaces and punctuation; if a table has
#: several of them, the first one in the list is taken.
ALIASES = {
    "participant_id": (
        *("participantid", "iid", "mrid", "ptid", "subjectid", "subjid", "subject"),
        *("participant", "id", "eid", "sid", "bidsid", "subid", "sub", "imageid", "scanid"),
    ),
    "session_id": ("sessionid", "session", "ses", "visit", "visitcode", "viscode", "timepoint"),
    "path": ("path", "filepath", "filename", "file", "map", "ravens", "nifti", "image"),
    "age": ("age", "ageyears", "ageatscan", "ageatvisit", "ageatimaging", "scanage"),
    "sex": ("sex", "gender"),
    "site": ("site", "siteid", "center", "centre", "studysite", "scanner"),
    "diagnosis": ("diagnosis", "dx", "diag", "group"),
    "icv": ("icv", "etiv", "tiv", "dlicv", "intracranialvolume"),
}

_MISSING = frozenset({"", "na", "n/a", "n.a.", "nan", "null", "#n/a", "."})
#: What stands for no value where a number or a sex is expected, in lower case.
NO_NUMBER = _MISSING | {"none", "missing", "unknown", "-", "?"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
#: Numbers that tools write where a value is missing.
MISSING_CODES = (-9.0, -99.0, -999.0, -9999.0)


@dataclass(frozen=True)
class TextColumn:
    """Texts of a column.

    Parameters
    ----------
    values : tuple of str or None
        None where missing.
    notes : tuple of str
        What was decided, in plain words.
    """

    values: tuple[str | None, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers of a column.

    Parameters
    ----------
    values : ndarray, shape (n_rows,), float64
        NaN where missing.
    notes : tuple of str
        What was decided, in plain words.
    """

    values: NDArray[np.float64]
    notes: tuple[str, ...] = ()


def normalized(name: str) -> str:
    """Return a column's name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def recognize_columns(
    names: Sequence[str], chosen: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Find which columns hold what.

    Parameters
    ----------
    names : sequence of str
        The table's columns.
    chosen : mapping
        Our name -> the table's column, as the user said; the rest is found by `ALIASES`.

    Returns
    -------
    found : dict
        The table's column -> our name.
    notes : list of str

    Raises
    ------
    InputError
        If a chosen column does not exist.
    """
    for ours, theirs in chosen.items():
        if theirs not in names or ours not in ALIASES:
            raise InputError(
                f"there is no column {theirs!r} to take as {ours}"
                if ours in ALIASES
                else f"{ours!r} is not a column that can be chosen",
                why=f"the table has {', '.join(names)}",
                remedy=f"Columns that can be chosen: {', '.join(ALIASES)}",
            )
    found = {theirs: ours for ours, theirs in chosen.items()}
    notes = []
    for ours, aliases in ALIASES.items():
        if ours in chosen:
            continue
        fitting = [
            name
            for alias in aliases
            for name in names
            if normalized(name) == alias and name not in found
        ]
        if not fitting:
            continue
        found[fitting[0]] = ours
        if fitting[0] != ours:
            notes.append(f"column {fitting[0]!r} was taken as {ours}")
        if len(fitting) > 1:
            notes.append(f"{', '.join(map(repr, fitting[1:]))} could be {ours} too; not used so")
    return found, notes


def is_missing(text: str) -> bool:
    """Tell whether a text cell stands for no value."""
    return text.lower() in _MISSING


def text_column(cells: Sequence[str]) -> TextColumn:
    """Read texts, for example ids."""
    return TextColumn(tuple(None if is_missing(cell) else cell for cell in cells))


def code_column(name: str, cells: Sequence[str]) -> TextColumn:
    """Read a categorical column (site, diagnosis) as texts; -9 among others is missing."""
    column = text_column(cells)
    present = {value for value in column.values if value is not None}
    codes = {value for value in present if to_number(value) in MISSING_CODES}
    if not codes or codes == present:
        return column
    values = tuple(None if value in codes else value for value in column.values)
    return TextColumn(values, (f"{name}: {', '.join(sorted(codes))} was taken as missing",))


def number_column(name: str, cells: Sequence[str], *, positive: bool) -> NumberColumn | None:
    """Read numbers, with decimal points or commas.

    Parameters
    ----------
    name : str
        Column, for the notes.
    cells : sequence of str
    positive : bool
        The quantity can only be above zero, so that -9 and the like must mean missing.

    Returns
    -------
    NumberColumn or None
        None if the column does not hold numbers only.
    """
    notes: list[str] = []
    values = _plain_numbers(cells)
    n_commas = 0
    if values is None:
        values = np.full(len(cells), np.nan)
        for index, cell in enumerate(cells):
            if cell.lower() in NO_NUMBER:
                continue
            number = to_number(cell)
            if number is None:
                return None
            values[index] = number
            n_commas += "," in cell
    if n_commas:
        notes.append(f"{name}: decimal commas were read")
    coded = np.isin(values, MISSING_CODES)
    if positive:
        impossible = values <= 0
        if impossible.any():
            notes.append(
                f"{name}: {some_values(values[impossible])} can't be and was taken as missing "
                f"in {int(impossible.sum())} rows"
            )
            values[impossible] = np.nan
    elif coded.any() and not (values[~np.isnan(values) & ~coded] < 0).any():
        notes.append(
            f"{name}: {some_values(values[coded])} in {int(coded.sum())} rows was kept as a "
            "value; write NA if it means missing"
        )
    return NumberColumn(values, tuple(notes))


def _plain_numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Read a column that needs no care, fast; None if it does."""
    try:
        values = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return None
    careful = np.isinf(values).any() or "_" in "".join(cells)  # float("1_0") is 10
    return None if careful else values


def to_number(text: str) -> float | None:
    """Read a number with a decimal point or comma; None if it is none."""
    if _NUMBER.fullmatch(text):
        return float(text)
    if _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    return None


def some_values(values: NDArray[np.float64]) -> str:
    """Name the first few different values, for a note."""
    different = np.unique(values)
    shown = ", ".join(f"{value:g}" for value in different[:3])
    return shown + (", ..." if len(different) > 3 else "")
