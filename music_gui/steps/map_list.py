"""Which maps are offered for import and whose they are: from a table, a folder, a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from music_gui.core.cohort.join import join_participants
from music_gui.core.errors import ParameterError
from music_gui.io.map_files import find_maps, name_maps
from music_gui.io.participants_tsv import (
    DEFAULT_SESSION,
    ParticipantsTable,
    read_participants_table,
)


@dataclass(eq=False)
class MapList:
    """Maps that are offered for import.

    Attributes
    ----------
    table : DataFrame
        A row each: ``participant_id``, ``session_id``, ``path`` (absolute, empty if there is no
        file), then what else is known of the participant.
    problems : dict of int to str
        Rows that can't be imported, and why.
    notes : list of str
        What was decided on the way.
    """

    table: pd.DataFrame
    problems: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def path(self, row: int) -> Path:
        """Return the file of a row."""
        return Path(str(self.table["path"].iloc[row]))

    def name(self, row: int) -> str:
        """Return participant and session of a row."""
        return f"{self.table['participant_id'].iloc[row]} {self.table['session_id'].iloc[row]}"


def list_maps(
    participants: Path | None,
    folder: Path | None,
    files: Sequence[Path],
    *,
    columns: Mapping[str, str],
    sex_codes: Mapping[str, str],
) -> MapList:
    """Bring together what the user pointed at.

    Parameters
    ----------
    participants : Path, optional
        Table; with a path column it names the maps (relative to ``folder`` if there is one, else
        to the table), without one it is joined with ``folder`` and ``files`` by their names.
    folder : Path, optional
        Searched with its subfolders.
    files : sequence of Path
        Single maps.
    columns, sex_codes : mapping
        As in `read_participants_table`.

    Raises
    ------
    ParameterError
        If nothing names a map.
    InputError
        If table or folder can't be read.
    """
    read = None
    if participants is not None:
        read = read_participants_table(participants, columns=columns, sex_codes=sex_codes)
        if "path" in read.table:
            return _from_table(read, folder or participants.absolute().parent, files)
    paths = [path.absolute() for path in files]
    if folder is not None:
        paths += [path for path in find_maps(folder.absolute()) if path not in set(paths)]
    if not paths:
        raise ParameterError(
            "nothing to import: no maps are named",
            why="the table has no path column" if read else "",
            remedy="Give a table with a path column, a folder, or files",
        )
    found = _from_files(paths)
    return found if read is None else _joined(found, read)


def _from_table(read: ParticipantsTable, base: Path, files: Sequence[Path]) -> MapList:
    if files:
        raise ParameterError(
            "both a table with paths and single files were given",
            remedy="Leave the files out, or give a table without a path column",
        )
    table, problems = read.table.copy(), dict(read.problems)
    for row in table.index[table["path"].isna()]:
        problems.setdefault(int(row), "it has no path")
    table["path"] = [
        "" if pd.isna(path) else str(base / Path(str(path).replace("\\", "/")).expanduser())
        for path in table["path"]
    ]
    first = table.pop("path")
    table.insert(2, "path", first)
    named = {
        row: f"line {read.lines[row]} of {read.path.name}: {problem}"
        for row, problem in problems.items()
    }
    return MapList(table, named, list(read.notes))


def _from_files(paths: Sequence[Path]) -> MapList:
    named = name_maps(paths)
    table = pd.DataFrame(
        {
            "participant_id": [participant for participant, _ in named],
            "session_id": [session or DEFAULT_SESSION for _, session in named],
            "path": [str(path) for path in paths],
        }
    )
    twice = table.duplicated(["participant_id", "session_id"], keep=False)
    problems = {}
    for row in table.index[twice]:
        same = (table["participant_id"] == table["participant_id"][row]) & (
            table["session_id"] == table["session_id"][row]
        )
        others = [Path(path).name for path in table["path"][same & (table.index != row)]]
        problems[int(row)] = (
            f"its name gives the same participant and session as {', '.join(others[:3])}; "
            "name the maps in a table"
        )
    return MapList(table, problems)


def _joined(found: MapList, read: ParticipantsTable) -> MapList:
    """Join files with a table that has no paths; whatever has no partner becomes a problem."""
    usable = [row for row in range(len(read.table)) if row not in read.problems]
    clear = [row for row in range(len(found.table)) if row not in found.problems]
    join = join_participants(found.table.iloc[clear], read.table.iloc[usable])
    if len(join.by) == 1:
        found.notes.append("files and table were joined by participant alone")
    if join.only_left or join.only_right:
        found.notes.append(join.summary("the files", read.path.name))
    matched = [clear[row] for row in join.left_rows]
    partnered = set(zip(join.table["participant_id"], join.table["session_id"], strict=True))
    alone = [row for row in range(len(found.table)) if row not in set(matched)]
    mapless = [
        row
        for row in range(len(read.table))
        if row in read.problems or not _has_partner(read.table.iloc[row], partnered, join.by)
    ]
    table = pd.concat(
        [join.table, found.table.iloc[alone], read.table.iloc[mapless]], ignore_index=True
    )
    table["path"] = table["path"].fillna("")
    problems: dict[int, str] = {}
    for at, row in enumerate(alone, len(join.table)):
        no_row = f"{read.path.name} has no row for it"
        problems[at] = found.problems.get(row, no_row + (f"; {join.mend}" if join.mend else ""))
    for at, row in enumerate(mapless, len(join.table) + len(alone)):
        problem = read.problems.get(row, "no map was found for it")
        problems[at] = f"line {read.lines[row]} of {read.path.name}: {problem}"
    return MapList(table, problems, [*read.notes, *found.notes])


def _has_partner(row: pd.Series, partnered: set[tuple[str, str]], by: tuple[str, ...]) -> bool:
    if len(by) == 1:
        return row["participant_id"] in {participant for participant, _ in partnered}
    return (row["participant_id"], row["session_id"]) in partnered
