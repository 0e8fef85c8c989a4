"""Age, sex and intracranial volume of participants in one coding and one unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from music_gui.core.cohort.columns import (
    NO_NUMBER,
    NumberColumn,
    TextColumn,
    number_column,
    some_values,
    to_number,
)
from music_gui.core.errors import InputError

_SEX_WORDS = {
    **dict.fromkeys(("f", "female", "woman", "girl"), "F"),
    **dict.fromkeys(("m", "male", "man", "boy"), "M"),
}
#: As in PLINK's .fam files.
_SEX_DIGITS = {"0": None, "1": "M", "2": "F"}


def age_column(cells: Sequence[str], lines: Sequence[int]) -> NumberColumn:
    """Read ages in years.

    Raises
    ------
    InputError
        If most cells hold no number, or the ages are in another unit.
    """
    column = _numbers("age", cells, lines)
    ages = column.values.copy()
    notes = list(column.notes)
    too_old = ages > 130
    if too_old.sum() > 0.5 * np.isfinite(ages).sum():
        raise InputError(
            f"the ages run from {np.nanmin(ages):g} to {np.nanmax(ages):g}",
            why="they may be in months or days",
            remedy="Give ages in years",
        )
    if too_old.any():
        notes.append(
            f"age: {some_values(ages[too_old])} can't be and was taken as missing "
            f"in {int(too_old.sum())} rows"
        )
        ages[too_old] = np.nan
    return NumberColumn(ages, tuple(notes))


def icv_column(cells: Sequence[str], lines: Sequence[int]) -> NumberColumn:
    """Read intracranial volumes in mm^3; ml and litres are told by the median and converted.

    Raises
    ------
    InputError
        If most cells hold no number, or the median is that of no brain in any of the units.
    """
    column = _numbers("icv", cells, lines)
    volumes = column.values
    if np.isnan(volumes).all():
        return column
    median = float(np.nanmedian(volumes))
    # Adults have about 1.1 to 1.9 litres; the limits leave room for children.
    for factor, unit in ((1.0, "mm^3"), (1e3, "ml"), (1e6, "litres")):
        if 0.6e6 <= median * factor <= 2.5e6:
            notes = (f"icv: read as {unit}, kept in mm^3",) if factor != 1 else ()
            return NumberColumn(volumes * factor, column.notes + notes)
    raise InputError(
        f"the median of the intracranial volumes is {median:g}",
        why="that is no brain in mm^3, ml or litres",
        remedy="Give icv in mm^3, or name the column differently",
    )


def sex_column(cells: Sequence[str], chosen: Mapping[str, str]) -> TextColumn:
    """Read sexes as F or M.

    Parameters
    ----------
    cells : sequence of str
        Letters or words in any case; 1 and 2 are read as PLINK does (1 male, 2 female).
    chosen : mapping
        What else codes stand for, as the user said, for example ``{"0": "F", "1": "M"}``.

    Raises
    ------
    InputError
        If 0 and 1 are used without 2: tools disagree about what they mean.
    """
    codes = sorted({cell for cell in cells if cell.lower() not in NO_NUMBER})
    plain = {code: re.sub(r"\.0+$", "", code).lower() for code in codes}  # 1.0 is 1
    digits = {bare for bare in plain.values() if bare in _SEX_DIGITS}
    meaning: dict[str, str | None] = {}
    for code, bare in plain.items():
        if code in chosen or bare in chosen:
            meaning[code] = chosen[code] if code in chosen else chosen[bare]
        elif bare in _SEX_DIGITS and "2" not in digits:
            raise InputError(
                f"the sex {code!r} is not understood",
                why="some tools write 0 for women and 1 for men, others the reverse",
                remedy="Say what the codes mean, for example 0=F and 1=M, or write F and M",
            )
        else:
            meaning[code] = _SEX_WORDS.get(bare, _SEX_DIGITS.get(bare))
    notes = []
    if any(code not in {"F", "M"} for code in codes):
        read = ", ".join(f"{code} as {value or 'missing'}" for code, value in meaning.items())
        notes.append(f"sex: read {read}" + (" (as in PLINK's files)" if "2" in digits else ""))
    return TextColumn(tuple(meaning.get(cell) for cell in cells), tuple(notes))


def _numbers(name: str, cells: Sequence[str], lines: Sequence[int]) -> NumberColumn:
    """Read numbers above zero; cells that hold none are missing if they are the exception."""
    wrong = {
        index
        for index, cell in enumerate(cells)
        if cell.lower() not in NO_NUMBER and to_number(cell) is None
    }
    named = "; ".join(f"line {lines[index]} {cells[index]!r}" for index in sorted(wrong)[:5])
    named += "; ..." if len(wrong) > 5 else ""
    if 2 * len(wrong) > len(cells):
        raise InputError(f"{name} is no number in {len(wrong)} of {len(cells)} rows", why=named)
    clean = ["" if index in wrong else cell for index, cell in enumerate(cells)]
    column = number_column(name, clean, positive=True)
    if column is None:
        raise AssertionError("only numbers were left")
    notes = (f"{name}: no number, taken as missing: {named}",) if wrong else ()
    return NumberColumn(column.values, column.notes + notes)
