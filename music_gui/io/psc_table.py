"""A PSC table on disk: a Parquet file of participants by PSCs and a JSON sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui.core.atlas import parse_psc_name
from music_gui.core.errors import InputError
from music_gui.io.atomic import replacing, write_json

#: The columns that come before the PSCs, both text.
ID_COLUMNS = ("participant_id", "session_id")

#: Rows of a row group; large ones read fastest, and columns are chosen more often than rows.
_ROW_GROUP = 65_536


class PscSidecar(BaseModel):
    """``NAME.json``: what the numbers of a PSC table are.

    Attributes
    ----------
    name : str
        Name of the table.
    atlas : str
        Name of the atlas in the study.
    atlas_hashes : dict of int to str
        C -> hash of the label image the PSCs were extracted with.
    unit : str
        Of all PSC columns.
    harmonization : dict or None
        How the table was harmonised; None for a raw one.
    source : str
        In words, what the numbers were made of.
    simulated : bool
        The data are made up.
    details : dict
        Further provenance: scaling of the maps, participants left out and why.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    atlas: str
    atlas_hashes: dict[int, str]
    unit: str = "mm3"
    harmonization: dict[str, Any] | None = None
    source: str = ""
    simulated: bool = False
    details: dict[str, Any] = {}


@dataclass(frozen=True, eq=False)
class PscTable:
    """Participants by PSCs.

    Parameters
    ----------
    table : DataFrame
        ``participant_id``, ``session_id`` (text), then a float64 column a PSC in the sidecar's
        unit; the columns of vanished PSCs are all NaN.
    sidecar : PscSidecar
        What the numbers are.
    """

    table: pd.DataFrame
    sidecar: PscSidecar

    def __post_init__(self) -> None:
        if tuple(self.table.columns[:2]) != ID_COLUMNS:
            raise InputError(
                "the PSC table lacks its first columns",
                where=self.sidecar.name,
                remedy=f"It must begin with {' and '.join(ID_COLUMNS)}",
            )
        for name in self.pscs:
            parse_psc_name(name)
        twice = self.table.duplicated(list(ID_COLUMNS))
        if twice.any():
            row = self.table.loc[twice, list(ID_COLUMNS)].iloc[0]
            raise InputError(
                f"participant {row.iloc[0]}, session {row.iloc[1]} occurs twice",
                where=self.sidecar.name,
                remedy="Keep one row for each participant and session",
            )

    @cached_property
    def pscs(self) -> tuple[str, ...]:
        """Names of all PSC columns, vanished ones too."""
        return tuple(map(str, self.table.columns[2:]))

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The numbers alone, shape (n_participants, n_pscs), float64."""
        values: NDArray[np.float64] = self.table.iloc[:, 2:].to_numpy(dtype=np.float64)
        return values

    @cached_property
    def scales(self) -> tuple[int, ...]:
        """The scales that have columns, ascending."""
        return tuple(sorted({parse_psc_name(name)[0] for name in self.pscs}))

    @cached_property
    def vanished(self) -> tuple[str, ...]:
        """Names of the PSCs that no participant has a value for."""
        missing = np.isnan(self.values).all(axis=0)
        return tuple(np.array(self.pscs, dtype=str)[missing].tolist())


def make_psc_table(
    participant_ids: Sequence[str],
    session_ids: Sequence[str],
    pscs: Sequence[str],
    values: NDArray[np.float64],
    sidecar: PscSidecar,
) -> PscTable:
    """Put ids and numbers together.

    Parameters
    ----------
    participant_ids, session_ids : sequence of str, length n
        One a row.
    pscs : sequence of str, length P
        Names of the columns.
    values : ndarray, shape (n, P), float64
        In the sidecar's unit.
    sidecar : PscSidecar
        What the numbers are.
    """
    ids = pd.DataFrame(
        {
            "participant_id": pd.array(list(participant_ids), dtype="str"),
            "session_id": pd.array(list(session_ids), dtype="str"),
        }
    )
    numbers = pd.DataFrame(np.asarray(values, dtype=np.float64), columns=list(pscs))
    return PscTable(pd.concat([ids, numbers], axis=1), sidecar)


def sidecar_path(path: Path) -> Path:
    """Return the sidecar's path: ``psc/study_raw.parquet`` -> ``psc/study_raw.json``."""
    return path.with_suffix(".json")


def write_psc_table(path: Path, table: PscTable) -> list[str]:
    """Write a table and its sidecar.

    Parameters
    ----------
    path : Path
        The Parquet file, ``psc/NAME.parquet``.
    table : PscTable
        What to write. The same table gives the same bytes.

    Returns
    -------
    list of str
        Names of the two files.
    """
    columns = [pa.array(table.table[name].astype(str), type=pa.string()) for name in ID_COLUMNS]
    # NaN stays NaN: a Parquet null would be read as another kind of missing by some readers.
    columns += [pa.array(column) for column in np.asfortranarray(table.values).T]
    names = [*ID_COLUMNS, *table.pscs]
    with replacing(path) as temporary:
        pq.write_table(
            pa.table(columns, names=names),
            temporary,
            row_group_size=_ROW_GROUP,
            use_dictionary=list(ID_COLUMNS),
            compression="none",  # sums of floats hardly shrink, and read several times faster
        )
    write_json(sidecar_path(path), table.sidecar.model_dump(mode="json"))
    return [path.name, sidecar_path(path).name]


def read_psc_sidecar(path: Path) -> PscSidecar:
    """Read the sidecar of a table, given the path of its Parquet file.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    where = sidecar_path(path)
    try:
        return PscSidecar.model_validate_json(where.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            "there is no such PSC table",
            where=str(where),
            remedy="Run `extract` to make one",
        ) from error
    except ValidationError as error:
        raise InputError(
            "the description of the PSC table is damaged",
            where=str(where),
            why="; ".join(each["msg"] for each in error.errors()),
            remedy="Run `extract` again",
        ) from error


def read_psc_table(path: Path, *, pscs: Sequence[str] | None = None) -> PscTable:
    """Read a table that `write_psc_table` wrote.

    Parameters
    ----------
    path : Path
        The Parquet file.
    pscs : sequence of str, optional
        Read these columns only; all by default.

    Raises
    ------
    InputError
        If file or sidecar are missing or damaged, or a column is not there.
    """
    sidecar = read_psc_sidecar(path)
    try:
        file = pq.ParquetFile(path, memory_map=True)
        names = file.schema_arrow.names
        if missing := [name for name in [*ID_COLUMNS, *(pscs or ())] if name not in names]:
            raise InputError(
                f"the PSC table has no column {missing[0]}",
                where=str(path),
                why=f"it was extracted with atlas {sidecar.atlas}",
            )
        chosen = names[2:] if pscs is None else list(pscs)
        arrow = file.read(columns=[*ID_COLUMNS, *chosen])
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "the PSC table can't be read",
            where=str(path),
            why=str(error),
            remedy="Run `extract` again",
        ) from error
    # A column at a time in memory, as pandas keeps it, so that it is not copied again.
    values = np.empty((len(chosen), arrow.num_rows)).T
    for column, name in enumerate(chosen):
        values[:, column] = arrow.column(name).to_numpy()
    participant_ids, session_ids = (arrow.column(name).to_pylist() for name in ID_COLUMNS)
    return make_psc_table(participant_ids, session_ids, chosen, values, sidecar)
