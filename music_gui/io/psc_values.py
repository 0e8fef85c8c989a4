"""Read any table that holds values of PSCs, whichever way round it is, and write one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import parse_psc_name
from music_gui.core.cohort.columns import normalized, number_column
from music_gui.core.errors import InputError
from music_gui.io.atlas_dseg import sniff_scale
from music_gui.io.atomic import write_text
from music_gui.io.delimited_text import read_delimited, some_names
from music_gui.io.p_values import (
    PValues,
    names_neg_log_10_p,
    names_p_values,
    neg_log_10_p_of_z,
    read_p_values,
)
from music_gui.io.psc_names import KnownPscs, number_names, recognize_name, recognize_names

#: Names of columns with a PSC's number within its scale.
_NUMBER_NAMES = frozenset(
    {"psc", "pscs", "idp", "index", "label", "component", "comp", "roi", "region", "id", "parcel"}
)
_SCALE_NAMES = frozenset({"scale", "c", "ncomponents", "resolution", "k"})
_Z_NAMES = frozenset({"z", "zscore", "zstat", "t", "tstat", "tvalue"})
_EFFECTS = frozenset({"beta", "b", "effect", "estimate", "est"})
_ERRORS = frozenset({"se", "stderr", "standarderror", "sebeta", "betase"})

#: Of a table with a row a participant, so many rows can be chosen one by one.
_MOST_ROWS = 500

Quantity = Literal["value", "neg_log_10_p"]
Cells = list[str] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PscValueColumn:
    """One value a PSC.

    Parameters
    ----------
    name : str
        Of the table's column, or of the row in a table with a column a PSC.
    values : dict of str to float
        PSC -> value, finite; PSCs without one are left out.
    quantity : str
        ``value``, or ``neg_log_10_p``: p-values are kept as -log10 p.
    at_least : frozenset of str
        PSCs whose p was printed as 0: the true -log10 p is larger.
    """

    name: str
    values: dict[str, float]
    quantity: Quantity = "value"
    at_least: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class PscValues:
    """All that a table says about PSCs.

    Parameters
    ----------
    path : Path
        The file.
    columns : tuple of PscValueColumn
        In the table's order.
    notes : tuple of str
        What was decided and left out, in plain words.
    """

    path: Path
    columns: tuple[PscValueColumn, ...]
    notes: tuple[str, ...] = ()


def read_psc_values(
    path: Path, known: KnownPscs | None = None, *, scale: int | None = None
) -> PscValues:
    """Read a table with a row a PSC, or with a column a PSC.

    Parameters
    ----------
    path : Path
        Text (TSV, CSV, ...; packed with gzip or not) or Parquet.
    known : KnownPscs, optional
        The atlas's PSCs: others are left out and named in the notes.
    scale : int, optional
        C of PSCs that the table calls by number alone, where neither table nor file name tells.

    Raises
    ------
    InputError
        If the file is no table, names no PSC, names one twice, or holds no numbers.
    """
    known = known or KnownPscs({})
    try:
        table, notes = _read_cells(path)
        columns = _from_wide(path, table, known, notes)
        if columns is None:
            columns = _from_long(path, table, known, scale, notes)
    except InputError as error:
        if error.where:
            raise
        raise InputError(error.what, where=str(path), why=error.why, remedy=error.remedy) from error
    columns = [column for column in columns if column.values]
    if not columns:
        raise InputError(
            "the table has no number for any PSC of this atlas",
            where=str(path),
            why="; ".join(notes),
            remedy="Show the atlas that the table belongs to, then drop it again",
        )
    return PscValues(path, tuple(columns), tuple(notes))


def write_psc_values(path: Path, columns: Mapping[str, Sequence[str | float | bool]]) -> None:
    """Write columns of equal length as TSV: ``n/a`` for missing, numbers to full precision."""
    lines = ["\t".join(columns)]
    lines += ["\t".join(map(_cell, row)) for row in zip(*columns.values(), strict=True)]
    write_text(path, "\n".join(lines) + "\n")


def _cell(value: str | float | bool) -> str:
    if isinstance(value, float):
        return "n/a" if math.isnan(value) else f"{value:.17g}" if _is_long(value) else f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value) or "n/a"


def _is_long(value: float) -> bool:
    return float(f"{value:g}") != value


# -- cells ---------------------------------------------------------------------------------


def _read_cells(path: Path) -> tuple[dict[str, Cells], list[str]]:
    """Return the table's columns, and notes."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(path), []
    text = read_delimited(path)
    notes = [*text.notes]
    for row, problem in list(text.ragged.items())[:3]:
        notes.append(f"line {text.lines[row]}: {problem}")
    return {name: [row[at] for row in text.rows] for at, name in enumerate(text.names)}, notes


def _read_parquet(path: Path) -> dict[str, Cells]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "the Parquet file can't be read", where=str(path), why=str(error)
        ) from error
    cells: dict[str, Cells] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            cells[name] = column.to_pandas().to_numpy(dtype=np.float64)
        else:
            cells[name] = ["" if cell is None else str(cell) for cell in column.to_pylist()]
    return cells


def _as_text(cells: Cells) -> list[str]:
    if isinstance(cells, list):
        return cells
    return ["" if np.isnan(value) else f"{value:.17g}" for value in cells.tolist()]


def _as_numbers(name: str, cells: Cells) -> tuple[NDArray[np.float64], tuple[str, ...]] | None:
    """Return the numbers of a column and what was decided; None if it holds something else."""
    if not isinstance(cells, list):
        return np.where(np.isfinite(cells), cells, np.nan), ()
    read = number_column(name, cells, positive=False)
    return None if read is None else (read.values, read.notes)


# -- a column a PSC ------------------------------------------------------------------------


def _from_wide(
    path: Path, table: Mapping[str, Cells], known: KnownPscs, notes: list[str]
) -> list[PscValueColumn] | None:
    """Read a table with a column a PSC and a row a participant, trait, ...; None if it is none."""
    found = {name: psc for name in table if (psc := recognize_name(name)) is not None}
    if len(found) < 2 or not any(map(known.has, found.values())):
        return None
    if recognize_names(_as_text(next(iter(table.values()))), known) is not None:
        return None  # a matrix of PSCs by PSCs has a row a PSC
    found = _known_only(found, known, notes)
    _refuse_twice(list(found.values()))
    values = np.full((len(found), len(next(iter(table.values())))), np.nan)
    for at, name in enumerate(found):
        read = _as_numbers(name, table[name])
        if read is None:
            notes.append(f"column {name} holds more than numbers and was left out")
        else:
            values[at] = read[0]
    pscs = list(found.values())
    titles = _row_titles(table, path)
    if values.shape[1] == 1:
        return [_column(titles[0], pscs, values[:, 0])]
    n_values = np.isfinite(values).sum(axis=1)
    means = np.where(n_values, np.nansum(values, axis=1) / np.maximum(n_values, 1), np.nan)
    if values.shape[1] > _MOST_ROWS:
        notes.append(f"of {values.shape[1]} rows the first {_MOST_ROWS} can be chosen")
    return [
        _column(f"Mean of {values.shape[1]} rows", pscs, means),
        *(_column(title, pscs, values[:, row]) for row, title in enumerate(titles[:_MOST_ROWS])),
    ]


def _row_titles(table: Mapping[str, Cells], path: Path) -> list[str]:
    """Name the rows of a wide table by its columns of text, or else by their number."""
    words = [
        cells for name, cells in table.items() if isinstance(cells, list)
        and recognize_name(name) is None and _as_numbers(name, cells) is None
    ][:2]  # fmt: skip
    n = len(next(iter(table.values())))
    if words:
        return [" ".join(cells[row] for cells in words) or f"Row {row + 1}" for row in range(n)]
    return [path.name.split(".")[0]] if n == 1 else [f"Row {row + 1}" for row in range(n)]


# -- a row a PSC ---------------------------------------------------------------------------


def _from_long(
    path: Path,
    table: Mapping[str, Cells],
    known: KnownPscs,
    scale: int | None,
    notes: list[str],
) -> list[PscValueColumn]:
    """Read a table with a row a PSC and a column a value."""
    names, used = _find_names(path, table, known, scale, notes)
    rows = [row for row, name in enumerate(names) if name is not None]
    without = [row for row, name in enumerate(names) if name is None]
    if without:
        notes.append(f"{len(without)} rows name no PSC and were left out")
    found = _known_only({str(row): str(names[row]) for row in rows}, known, notes)
    kept, pscs = [int(row) for row in found], list(found.values())
    _refuse_twice(pscs)
    z_scores = _z_scores(table)
    columns, texts = [], []
    for name, cells in table.items():
        if name in used:
            continue
        column, decided = _read_column(name, cells, kept, pscs, z_scores)
        notes.extend(decided)
        if column is not None:
            columns.append(column)
        else:
            texts.append(name)
    if not columns:
        raise InputError(
            "the table has no column of numbers",
            why=f"besides the PSCs it has {some_names(texts) or 'nothing'}",
        )
    return columns


def _find_names(
    path: Path,
    table: Mapping[str, Cells],
    known: KnownPscs,
    scale: int | None,
    notes: list[str],
) -> tuple[list[str | None], set[str]]:
    """Return our name of each row's PSC, and the columns that told it."""
    for name, cells in table.items():
        if isinstance(cells, list) and (names := recognize_names(cells, known)) is not None:
            return names, {name}
    scale_column = next((name for name in table if normalized(name) in _SCALE_NAMES), None)
    told = None if scale_column is None else _as_numbers(scale_column, table[scale_column])
    file_scale = sniff_scale(path.name) or scale
    n_rows = len(next(iter(table.values())))
    if told is not None and np.isfinite(told[0]).all():
        scales = told[0].astype(int).tolist()
    elif file_scale is not None:
        scales = [file_scale] * n_rows
    else:
        scales = []
    for name, cells in table.items() if scales else ():
        if normalized(name) not in _NUMBER_NAMES:
            continue
        names = number_names(_as_text(cells), scales)
        if names is not None and any(each is not None and known.has(each) for each in names):
            if told is None:
                notes.append(f"{name} was read as numbers of PSCs at C = {scales[0]}")
            return names, {name, scale_column or name}
    raise InputError(
        "the table does not name the PSCs of this atlas",
        why=f"its columns are {some_names(list(table))}",
        remedy="It needs a column with names like C32_4, or a column for each PSC",
    )


def _read_column(
    name: str,
    cells: Cells,
    rows: Sequence[int],
    pscs: Sequence[str],
    z_scores: NDArray[np.float64] | None,
) -> tuple[PscValueColumn | None, list[str]]:
    """Read one column at the rows of known PSCs; None if it does not hold numbers."""
    if names_p_values(name):
        chosen = [_as_text(cells)[row] for row in rows]
        read = read_p_values(chosen)
        if read is not None:
            z = None if z_scores is None else z_scores[list(rows)]
            return _p_column(name, pscs, read, z)
    numbers = _as_numbers(name, cells)
    if numbers is None:
        return None, []
    values = numbers[0][list(rows)]
    notes = list(numbers[1])
    if not names_neg_log_10_p(name):
        return _column(name, pscs, values), notes
    if (values[np.isfinite(values)] < 0).any():
        notes.append(f"{name} was taken as log10 p, since it is below 0")
        values = -values
    return _column(name, pscs, values, "neg_log_10_p"), notes


def _p_column(
    name: str, pscs: Sequence[str], read: PValues, z: NDArray[np.float64] | None
) -> tuple[PscValueColumn, list[str]]:
    """Return -log10 p; where p was printed as 0, from the z score if the table has it."""
    values, bounds = read.neg_log_10_p.copy(), read.at_least.copy()
    notes: list[str] = []
    if bounds.any() and z is not None:
        from_z = bounds & np.isfinite(z)
        values[from_z] = neg_log_10_p_of_z(z[from_z])
        bounds &= ~from_z
        notes.append(f"{name}: where it is 0 it was computed from effect and standard error")
    if bounds.any():
        limit = float(values[bounds].max())
        named = some_names([psc for psc, bound in zip(pscs, bounds, strict=True) if bound])
        notes.append(f"{name} is printed as 0 for {named}: -log10 p is at least {limit:.1f}")
    column = _column(name, pscs, values, "neg_log_10_p")
    at_least = frozenset(psc for psc, bound in zip(pscs, bounds, strict=True) if bound)
    return PscValueColumn(column.name, column.values, column.quantity, at_least), notes


def _z_scores(table: Mapping[str, Cells]) -> NDArray[np.float64] | None:
    """Return the z score of each row if the table has one, or effect and standard error."""

    def numbers(names: frozenset[str]) -> NDArray[np.float64] | None:
        found = next((name for name in table if normalized(name) in names), None)
        read = None if found is None else _as_numbers(found, table[found])
        return None if read is None else read[0]

    z = numbers(_Z_NAMES)
    if z is not None:
        return z
    effect, error = numbers(_EFFECTS), numbers(_ERRORS)
    if effect is None or error is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, effect / error, np.nan)


# -- both ----------------------------------------------------------------------------------


def _column(
    name: str, pscs: Sequence[str], values: NDArray[np.float64], quantity: Quantity = "value"
) -> PscValueColumn:
    finite = {
        psc: float(value) for psc, value in zip(pscs, values, strict=True) if math.isfinite(value)
    }
    return PscValueColumn(name, finite, quantity)


def _known_only(found: dict[str, str], known: KnownPscs, notes: list[str]) -> dict[str, str]:
    """Keep the PSCs that the atlas has and that have not vanished; name the others."""
    unknown = [psc for psc in found.values() if not known.has(psc)]
    vanished = [psc for psc in found.values() if psc in known.vanished]
    if unknown:
        notes.append(f"this atlas has no {some_names(unknown)}: left out")
    if vanished:
        notes.append(f"{some_names(vanished)} vanished from this atlas: left out")
    left_out = {*unknown, *vanished}
    return {key: psc for key, psc in found.items() if psc not in left_out}


def _refuse_twice(pscs: Sequence[str]) -> None:
    twice = sorted((psc for psc, n in Counter(pscs).items() if n > 1), key=parse_psc_name)
    if twice:
        raise InputError(
            f"{some_names(twice)} occur more than once",
            remedy="Keep one row (or column) for each PSC",
        )
