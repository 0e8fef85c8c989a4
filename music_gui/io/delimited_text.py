"""Read any program's text table into cells: delimiter, encoding and header are found out."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from music_gui.core.cohort.columns import to_number
from music_gui.core.errors import InputError

_DELIMITERS = ("\t", ",", ";", "|")
_SPREADSHEET_TEXT = re.compile(r'="(.*)"')
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200e\u200f"))


@dataclass(frozen=True, eq=False)
class DelimitedText:
    """A text table as it was cut up.

    Attributes
    ----------
    names : list of str
        Of the columns, each once.
    rows : list of list of str
        Cells without spaces around them; each row as long as `names`.
    lines : list of int
        Line of the file, from 1, at which each row ends.
    ragged : dict of int to str
        Rows (from 0) with a wrong number of fields, and what is wrong.
    notes : list of str
        What was decided on the way, in plain words.
    """

    names: list[str]
    rows: list[list[str]]
    lines: list[int]
    ragged: dict[int, str]
    notes: list[str]


def read_delimited(path: Path) -> DelimitedText:
    """Read a text table with a header line, packed with gzip or not.

    Columns may be cut by tabs, commas, semicolons, bars or white space.

    Raises
    ------
    InputError
        If the file is none, has no rows, or columns without a name or with the same one.
    """
    text, notes = _read_text(path)
    return DelimitedText(*_split(text, str(path)), notes)


def _read_text(path: Path) -> tuple[str, list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            "the table can't be read", where=str(path), why=error.strerror or ""
        ) from error
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                "the packed table is damaged", where=str(path), why=str(error)
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
            why=missing_header_hint(names).lstrip("; "),
            remedy="Give every column its own name",
        )


def missing_header_hint(names: Sequence[str]) -> str:
    """Say that the header may be missing if most of the names are numbers, else nothing."""
    numbers = [name for name in names if to_number(name) is not None]
    return (
        "; the line with the columns' names may be missing" if 2 * len(numbers) > len(names) else ""
    )


def some_names(names: Sequence[str]) -> str:
    """Name the first ten columns, for a message."""
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
