"""Read any lab's table of participants, say what was understood, and write our own."""

from __future__ import annotations

import csv
import io
import re
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
    to_number,
)
from music_gui.core.cohort.covariates import age_column, icv_column, sex_column
from music_gui.core.errors import InputError
from music_gui.io.atomic import write_text

#: Session of a participant with one map, where nothing names it.
DEFAULT_SESSION = "ses-01"

_DELIMITERS = ("\t", ",", ";", "|")
_SPREADSHEET_TEXT = re.compile(r'="(.*)"')
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200e\u200f"))
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
    text, notes = _read_text(path)
    names, rows, lines, ragged = _split(text, str(path))
    try:
        found, recognised = recognize_columns(names, columns or {})
        notes += recognised
        if "participant_id" not in found.values():
            raise InputError(
                "no column names the participants",
                why=f"the columns are {_some(names)}" + _maybe_no_header(names),
                remedy="Name one participant_id, or say which it is",
            )
        cells = {found.get(name, name): [row[at] for row in rows] for at, name in enumerate(names)}
        if len(cells) < len(names):
            raise InputError(f"two columns would have the same name: {_some(names)}")
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
    problems = {**_problems_of_ids(table, lines), **ragged}
    return ParticipantsTable(
        path, table, np.array(lines, dtype=np.int64), dict(sorted(problems.items())), tuple(notes)
    )


def write_participants(path: Path, table: pd.DataFrame) -> None:
    """Write a table as BIDS TSV: tabs, ``n/a`` for missing, numbers to full precision."""
    write_text(path, table.to_csv(sep="\t", index=False, na_rep="n/a", lineterminator="\n"))


def _read_text(path: Path) -> tuple[str, list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            "the table can't be read", where=str(path), why=error.strerror or ""
        ) from error
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(
            "this is an Excel workbook, not a text table",
            where=str(path),
            remedy="Save it as CSV (UTF-8) from the spreadsheet program",
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16"), ["the table is encoded in UTF-16"]
    if b"\0" in raw:
        raise InputError("this is not a text table", where=str(path))
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return raw.decode("cp1252", errors="replace"), [
            f"the table is not UTF-8 (line {line}); it was read as Windows-1252"
        ]


def _split(text: str, where: str) -> tuple[list[str], list[list[str]], list[int], dict[int, str]]:
    """Return header, rows, the line of each row, and the rows with a wrong number of fields."""
    delimiter = _sniff_delimiter(text)
    rows: list[list[str]] = []
    lines: list[int] = []
    clean = str.strip if text.isascii() and '="' not in text else _clean
    if delimiter is None:
        pairs = ((number, line.split()) for number, line in enumerate(text.splitlines(), 1))
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        pairs = ((reader.line_num, row) for row in reader)
    try:
        for number, row in pairs:
            cleaned = [clean(cell) for cell in row]
            if any(cleaned):
                rows.append(cleaned)
                lines.append(number)
    except csv.Error as error:
        raise InputError("the table can't be split into columns", where=where) from error
    if not rows:
        raise InputError("the table is empty", where=where)
    names, rows, lines = rows[0], rows[1:], lines[1:]
    while names and not names[-1]:  # spreadsheets add empty columns at the right
        names.pop()
    names[0] = names[0].lstrip("#")
    _check_names(names, where)
    if not rows:
        raise InputError("the table has a header but no rows", where=where)
    ragged: dict[int, str] = {}
    for index, row in enumerate(rows):
        extra = [cell for cell in row[len(names) :] if cell]
        if len(row) < len(names) or extra:
            ragged[index] = f"it has {len(row)} fields, the header has {len(names)}"
        rows[index] = (row + [""] * len(names))[: len(names)]
    if 2 * len(ragged) > len(rows):
        raise InputError(
            f"{len(ragged)} of {len(rows)} rows do not have the header's number of fields",
            where=where,
            why=f"line {lines[next(iter(ragged))]}: {next(iter(ragged.values()))}; decimal commas "
            "in a table with comma delimiters do this",
            remedy="Save the table with tabs between columns",
        )
    return names, rows, lines, ragged


def _check_names(names: Sequence[str], where: str) -> None:
    empty = [str(at) for at, name in enumerate(names, 1) if not name]
    if empty:
        raise InputError(f"column {', '.join(empty)} has no name", where=where)
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise InputError(
            f"the table has several columns named {', '.join(twice)}",
            where=where,
            why=_maybe_no_header(names).lstrip("; "),
            remedy="Give every column its own name",
        )


def _maybe_no_header(names: Sequence[str]) -> str:
    numbers = [name for name in names if to_number(name) is not None]
    return (
        "; the line with the columns' names may be missing" if 2 * len(numbers) > len(names) else ""
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def _sniff_delimiter(text: str) -> str | None:
    """Return the delimiter that cuts the first lines most evenly; None stands for white space."""
    head = [line for line in text.splitlines()[:50] if line.strip()]
    best, best_score = None, (0.0, 1)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(head, delimiter=delimiter)]
        if widths and widths[0] > 1:
            even = sum(width == widths[0] for width in widths) / len(widths)
            best, best_score = max(
                (best, best_score), (delimiter, (even, widths[0])), key=lambda pair: pair[1]
            )
    if best is None and head and len(head[0].split()) == 1:
        return "\t"  # one column
    return best


def _clean(cell: str) -> str:
    """Drop spaces around a cell, invisible marks, and the ="..." of spreadsheets."""
    cell = cell.translate(_INVISIBLE).strip()
    wrapped = _SPREADSHEET_TEXT.fullmatch(cell)
    return wrapped[1].strip() if wrapped else cell


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
