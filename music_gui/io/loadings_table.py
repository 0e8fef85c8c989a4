"""A table of loadings on disk: a Parquet file of maps by components and a JSON sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui.core.errors import InputError
from music_gui.io.atomic import replacing, write_json, write_text
from music_gui.io.psc_table import ID_COLUMNS, sidecar_path

#: What a loading is: W'x, or that divided by the sum of the component's weights, which is the mean
#: of the map under them.
LoadingsKind = Literal["projection", "weighted-mean"]


class LoadingsSidecar(BaseModel):
    """``NAME.json``: what the numbers of a table of loadings are.

    Attributes
    ----------
    name : str
        Name of the table.
    atlas : str
        Name of the atlas whose components they are.
    components : dict of int to str
        C -> digest of the file of components; empty if they are not known.
    kind : {"projection", "weighted-mean"}
        What a loading is.
    unit : str
        Of the maps behind it.
    source : str
        In words, which maps.
    simulated : bool
        The data are made up.
    details : dict
        Further provenance: how maps were read, which were left out and why, errors of the maps
        that the components were fitted on.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    atlas: str
    components: dict[int, str]
    kind: LoadingsKind
    unit: str
    source: str
    simulated: bool = False
    details: dict[str, Any] = {}


def error_column(scale: int) -> str:
    """Name the column of a map's relative squared reconstruction error: ``C32_error``."""
    return f"C{scale}_error"


def make_loadings_table(
    participant_ids: Sequence[str],
    session_ids: Sequence[str],
    columns: dict[str, NDArray[np.float64]],
) -> pd.DataFrame:
    """Put ids and numbers together.

    Parameters
    ----------
    participant_ids, session_ids : sequence of str, length n
        One a row.
    columns : dict of str to ndarray, shape (n,)
        Errors and loadings by name.
    """
    ids = {"participant_id": list(participant_ids), "session_id": list(session_ids)}
    return pd.concat([pd.DataFrame(ids, dtype="str"), pd.DataFrame(columns)], axis=1)


def write_loadings_table(
    path: Path, table: pd.DataFrame, sidecar: LoadingsSidecar, *, text: bool
) -> list[str]:
    """Write a table and its sidecar; the same table gives the same bytes.

    Parameters
    ----------
    path : Path
        ``loadings/NAME.parquet``.
    table : DataFrame
        Of `make_loadings_table`.
    sidecar : LoadingsSidecar
        What it is.
    text : bool
        Whether to write it as ``NAME.tsv`` too.

    Returns
    -------
    list of str
        Names of the files.
    """
    names = list(map(str, table.columns))
    arrays = [pa.array(table[name].astype(str), type=pa.string()) for name in ID_COLUMNS]
    arrays += [pa.array(table[name].to_numpy(np.float64)) for name in names[2:]]
    with replacing(path) as temporary:
        pq.write_table(
            pa.table(arrays, names=names),
            temporary,
            use_dictionary=list(ID_COLUMNS),
            compression="none",  # sums of floats hardly shrink
        )
    write_json(sidecar_path(path), sidecar.model_dump(mode="json"))
    if not text:
        return [path.name, sidecar_path(path).name]
    beside = path.with_suffix(".tsv")
    write_text(
        beside,
        table.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.9g", lineterminator="\n"),
    )
    return [path.name, sidecar_path(path).name, beside.name]


def read_loadings_sidecar(path: Path) -> LoadingsSidecar:
    """Read the sidecar of a table, given the path of its Parquet file.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    try:
        return LoadingsSidecar.model_validate_json(sidecar_path(path).read_bytes())
    except (FileNotFoundError, ValidationError) as error:
        raise _unreadable(sidecar_path(path), error) from error


def read_loadings_table(path: Path) -> tuple[pd.DataFrame, LoadingsSidecar]:
    """Read what `write_loadings_table` wrote.

    Raises
    ------
    InputError
        If table or sidecar are missing or damaged.
    """
    sidecar = read_loadings_sidecar(path)
    try:
        table = pq.ParquetFile(path).read().to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    return table.astype(dict.fromkeys(ID_COLUMNS, "str")), sidecar


def _unreadable(path: Path, error: Exception) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(
            "there is no such table of loadings",
            where=str(path),
            remedy="Run `apply-components` to make one",
        )
    return InputError(
        "the table of loadings is damaged",
        where=str(path),
        why=str(error),
        remedy="Run `apply-components` again",
    )
