"""The PSC table a step works on, and what is known of the people in its rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from music_gui.core.errors import InputError, ParameterError
from music_gui.io.participants_tsv import read_participants
from music_gui.io.psc_table import PscTable
from music_gui.io.study import Study

_KEYS = ["participant_id", "session_id"]
_SHOWN = 5


def raw_table_name(study: Study, asked: str) -> str:
    """Return the name of the PSC table to read: the one asked for, else ``study_raw``.

    A study without ``study_raw`` has one raw table of another atlas, or has to be told which.

    Raises
    ------
    ParameterError
        If there is no table, or several and none is named.
    """
    names = sorted(path.stem for path in study.psc_tables.glob("*.parquet"))
    if asked:
        if asked in names:
            return asked
        raise ParameterError(
            f"there is no PSC table named {asked}",
            where=str(study.psc_tables),
            remedy="Choose one of " + ", ".join(names) if names else "Run `extract` first",
        )
    raw = [name for name in names if name.endswith("_raw")]
    if "study_raw" in raw:
        return "study_raw"
    if len(raw) == 1:
        return raw[0]
    raise ParameterError(
        "the study has no PSC table" if not raw else "the study has several PSC tables",
        where=str(study.psc_tables),
        remedy="Name one of " + ", ".join(raw) if raw else "Run `extract` first",
    )


def people_of(table: PscTable, participants: Path) -> pd.DataFrame:
    """Return the participants' rows in the order of a PSC table.

    Parameters
    ----------
    table : PscTable
        n rows.
    participants : Path
        The study's participants.

    Returns
    -------
    DataFrame, n rows
        Indexed by ``participant_id session_id``, as errors name people.

    Raises
    ------
    InputError
        If someone in the PSC table is not among the participants.
    """
    people = read_participants(participants)
    joined = table.table[_KEYS].merge(people, on=_KEYS, how="left", indicator=True)
    joined.index = pd.Index(joined["participant_id"] + " " + joined["session_id"])
    absent = [str(row) for row in joined.index[joined["_merge"] == "left_only"]]
    if absent:
        shown = ", ".join(absent[:_SHOWN]) + (", ..." if len(absent) > _SHOWN else "")
        raise InputError(
            f"{len(absent)} of {len(joined)} rows of PSC table {table.sidecar.name} are not among "
            f"the participants: {shown}",
            where=str(participants),
            remedy="Run `extract` again, so that the table is that of the imported maps",
        )
    return joined.drop(columns="_merge")
