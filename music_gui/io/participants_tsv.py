"""Read any lab's table of participants, say what was understood, and write our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.cohort.columns import (
    NumberColumn,
    TextColumn,
    code_column,
    number_column,
    recognize_columns,
    text_column,
)
from music_gui.core.cohort.covariates import age_column, icv_column, sex_column
from music_gui.core.errors import InputError
from music_gui.io.atomic import write_text
from music_gui.io.delimited_text import missing_header_hint, read_delimited, some_names

#: Session of a participant with one map, where nothing names it.
DEFAULT_SESSION = "ses-01"

_FIRST = ("participant_id", "session_id", "path", "age", "sex", "site", "diagnosis", "icv")


@dataclass(frozen=True, eq=False)
class ParticipantsTable:
    """A table as it was understood.

    Attributes
    ----------
    path : Path
        The file.
    table : DataFrame
        ``participant_id`` and ``session_id`` (texts; one row each), ``path``, ``age`` (years),
        ``sex`` (F, M), ``site``, ``diagnosis``, ``icv`` (mm^3) where the table has them, then
        its other columns under their own names. Missing values are NaN.
    lines : ndarray, shape (n_rows,), int64
        Line of the file, from 1, at which each row ends.
    problems : dict of int to str
        Rows (from 0) that can't be used, and why.
    notes : tuple of str
        What was decided on the way, in plain words.
    """

    path: Path
    table: pd.DataFrame
    lines: NDArray[np.int64]
    problems: dict[int, str]
    notes: tuple[str, ...]


def read_participants(path: Path) -> pd.DataFrame:
    """Read a table of which every row must be usable.

    Returns
    -------
    DataFrame
        As `ParticipantsTable.table`.

    Raises
    ------
    InputError
        As `read_participants_table`, and naming the lines that can't be used.
    """
    read = read_participants_table(path)
    if read.problems:
        shown = [
            f"line {read.lines[row]}: {problem}" for row, problem in list(read.problems.items())[:5]
        ]
        raise InputError(
            f"{len(read.problems)} rows of the table can't be used",
            where=str(path),
            why="; ".join(shown),
            remedy="Correct these lines",
        )
    return read.table


def read_participants_table(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    sex_codes: Mapping[str, str] | None = None,
) -> ParticipantsTable:
    """Read a table of participants with any common delimiter, encoding and coding.

    Parameters
    ----------
    path : Path
        Text with a header line: TSV, CSV with commas or semicolons, or PLINK's white space.
    columns : mapping, optional
        Our name -> the table's column, where it would not be recognised.
    sex_codes : mapping, optional
        What codes of sex mean, for example ``{"0": "F", "1": "M"}``.

    Raises
    ------
    InputError
        If the file is no such table, has no column of participants, names a column twice, or
        uses a coding that has to be explained.
    """
    text = read_delimited(path)
    names, rows, lines, notes = text.names, text.rows, text.lines, text.notes
    try:
        found, recognised = recognize_columns(names, columns or {})
        notes += recognised
        if "participant_id" not in found.values():
            raise InputError(
                "no column names the participants",
                why=f"the columns are {some_names(names)}" + missing_header_hint(names),
                remedy="Name one participant_id, or say which it is",
            )
        cells = {found.get(name, name): [row[at] for row in rows] for at, name in enumerate(names)}
        if len(cells) < len(names):
            raise InputError(f"two columns would have the same name: {some_names(names)}")
        values = {
            name: _column(name, column, lines, sex_codes or {}) for name, column in cells.items()
        }
    except InputError as error:
        if error.where:
            raise
        raise InputError(error.what, where=str(path), why=error.why, remedy=error.remedy) from error
    for column in values.values():
        notes += column.notes
    order = [name for name in _FIRST if name in values]
    order += [name for name in values if name not in _FIRST]
    table = pd.DataFrame({name: _series(values[name]) for name in order})
    if "session_id" not in table:
        table.insert(1, "session_id", DEFAULT_SESSION)
    problems = {**_problems_of_ids(table, lines), **text.ragged}
    return ParticipantsTable(
        path, table, np.array(lines, dtype=np.int64), dict(sorted(problems.items())), tuple(notes)
    )


def write_participants(path: Path, table: pd.DataFrame) -> None:
    """Write a table as BIDS TSV: tabs, ``n/a`` for missing, numbers to full precision."""
    write_text(path, table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n"))


def _column(
    name: str, cells: Sequence[str], lines: Sequence[int], sex_codes: Mapping[str, str]
) -> TextColumn | NumberColumn:
    if name in {"participant_id", "session_id", "path", "FID"}:
        return text_column(cells)
    if name in {"site", "diagnosis"}:
        return code_column(name, cells)
    if name == "sex":
        return sex_column(cells, sex_codes)
    if name == "age":
        return age_column(cells, lines)
    if name == "icv":
        return icv_column(cells, lines)
    return number_column(name, cells, positive=False) or code_column(name, cells)


def _series(column: TextColumn | NumberColumn) -> pd.Series:
    if isinstance(column, NumberColumn):
        return pd.Series(column.values)
    return pd.Series(list(column.values))


def _problems_of_ids(table: pd.DataFrame, lines: Sequence[int]) -> dict[int, str]:
    """Name rows without an id, and all rows of a participant and session that occur again."""
    problems: dict[int, str] = {}
    rows_of: dict[tuple[str, str], list[int]] = {}
    ids, sessions = table["participant_id"], table["session_id"]
    missing, no_session = ids.isna().to_numpy(), sessions.isna().to_numpy()
    for row, key in enumerate(zip(ids, sessions, strict=True)):
        if missing[row]:
            problems[row] = "it has no participant_id"
        elif no_session[row]:
            problems[row] = "it has no session_id"
        else:
            rows_of.setdefault(key, []).append(row)
    for (participant, session), rows in rows_of.items():
        for row in rows if len(rows) > 1 else ():
            others = ", ".join(str(lines[other]) for other in rows if other != row)
            problems[row] = f"{participant} {session} is also in line {others}"
    return problems
