"""Tables of the names of regions, in the forms in which atlases come."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from music_gui.core.anatomy import AnatomicalRegion, split_side
from music_gui.core.anatomy.regions import Side
from music_gui.core.errors import InputError
from music_gui.io.resources import SYNONYMS, resource

_INDEX_COLUMNS = ("index", "id", "label", "labels", "roi_index", "number", "no", "no.", "value",
                  "key", "label_id", "roi")  # fmt: skip
_NAME_COLUMNS = ("name", "region", "roi_name", "label_name", "names", "label", "structure",
                 "description", "fullname", "full_name", "roi")  # fmt: skip
_SIDE_COLUMNS = ("hemisphere", "hemi", "side")
_GROUP_COLUMNS = ("group", "lobe", "parent", "structure")
_SIDES: dict[str, Side] = {
    "l": "L", "left": "L", "lh": "L", "r": "R", "right": "R", "rh": "R",
}  # fmt: skip

#: ``17  Left-Hippocampus  220 216 20 0`` of FreeSurfer, ``1 Precentral_L 2001`` of AAL.
_LUT_LINE = re.compile(r"\s*(\d+)[\s,;]+(\S.*?)(?:(?:\s+\d+)+)?\s*")

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

#: Suffixes of names of tables that may stand beside an image.
TABLE_SUFFIXES = (".tsv", ".csv", ".txt", ".lut")


def read_region_names(path: Path) -> tuple[AnatomicalRegion, ...]:
    """Read the regions that a table names.

    Understood are tables with a header (BIDS ``dseg.tsv`` with ``index`` and ``name``, CSV with
    ``Index`` and ``Name`` or ``id`` and ``label``, separated by tabs, commas or semicolons) and
    lists with a number and a name a line (FreeSurfer's colour table). A column ``hemisphere``
    tells the side, otherwise the name does; a column ``group`` or ``lobe`` what it is part of.

    Raises
    ------
    InputError
        If it can't be read, holds no such table, or gives one number two names.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(
            "the table of names can't be read", where=str(path), why=str(error.strerror)
        ) from error
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    regions = _from_table(lines) or _from_list(lines)
    if not regions:
        raise InputError(
            "no names of regions were found",
            where=str(path),
            why=f"its first line is {lines[0][:60]!r}" if lines else "it is empty",
            remedy="Give a table with the columns index and name (tabs or commas between them), "
            "or a list with a number and a name a line, such as FreeSurfer's colour table",
        )
    _check_unique(regions, path)
    return tuple(region for region in regions if region.index > 0)


def _check_unique(regions: Sequence[AnatomicalRegion], path: Path) -> None:
    named: dict[int, AnatomicalRegion] = {}
    for region in regions:
        first = named.setdefault(region.index, region)
        if first is not region:
            raise InputError(
                f"the number {region.index} has two names, {first.full_name} and "
                f"{region.full_name}",
                where=str(path),
                remedy="Give each region a number of its own",
            )


def _from_table(lines: Sequence[str]) -> list[AnatomicalRegion]:
    """Read a table with a header; empty if there is none."""
    if not lines:
        return []
    delimiter = max("\t,;", key=lines[0].count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header = [cell.lower() for cell in rows[0]]
    body = [row for row in rows[1:] if len(row) == len(header)]
    if not body or any(_is_number(cell) for cell in header):
        return []
    columns = dict(zip(header, zip(*body, strict=True), strict=True))

    def first(names: Sequence[str], numbers: bool) -> str | None:
        return next(
            (n for n in names if n in columns and all(map(_is_number, columns[n])) == numbers), None
        )

    index, name = first(_INDEX_COLUMNS, True), first(_NAME_COLUMNS, False)
    if index is None or name is None:
        return []
    side = next((each for each in _SIDE_COLUMNS if each in columns), None)
    group = next((each for each in _GROUP_COLUMNS if each in columns and each != name), None)
    return [
        _region(
            int(float(columns[index][row])),
            columns[name][row],
            None if side is None else columns[side][row],
            "" if group is None else columns[group][row],
        )
        for row in range(len(body))
        if columns[name][row]
    ]


def _from_list(lines: Sequence[str]) -> list[AnatomicalRegion]:
    """Read a number and a name a line; empty if a line is none."""
    found = [_LUT_LINE.fullmatch(line) for line in lines]
    if not all(found):
        return []
    return [_region(int(each[1]), each[2]) for each in found if each is not None]


def _region(index: int, name: str, side: str | None = None, group: str = "") -> AnatomicalRegion:
    rest, told = split_side(name)
    if side is not None and (known := _SIDES.get(side.lower())) is not None:
        told = known
    return AnatomicalRegion(index, readable(rest), told, "" if group == "n/a" else readable(group))


def readable(name: str) -> str:
    """Write a name in words: ``AnteriorCingulateGyrus`` and ``Thalamus-Proper`` in small letters.

    Abbreviations and numbers stay as they are.
    """
    if " " in name.strip():
        return name.strip()
    words = [word for part in re.split(r"[-_.\s]+", name) for word in _WORD.findall(part)]
    if "".join(words) != re.sub(r"[-_.\s]+", "", name):  # signs that only the name itself explains
        return name
    return " ".join(word if word.isupper() or word.isdigit() else word.lower() for word in words)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.0*)?", text) is not None


def read_synonyms() -> list[tuple[str, tuple[str, ...]]]:
    """Read the table of synonyms that comes with the application.

    Returns
    -------
    list of tuple
        A term that people use, and the names of the regions or groups that it means.
    """
    lines = resource(SYNONYMS).read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines if line.strip()]
    return [(term, tuple(name.strip() for name in names.split("|"))) for term, names in rows]
