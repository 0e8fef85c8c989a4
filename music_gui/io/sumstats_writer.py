"""Collect summary statistics while they are computed, then lay them out as a store."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from music_gui.core.association.inflation import genomic_inflation
from music_gui.core.association.linear import Association, ErrorCode
from music_gui.core.progress import Progress
from music_gui.io.atomic import replacing, write_json
from music_gui.io.disk_space import take_space
from music_gui.io.sumstats_store import (
    BY_VARIANT_FILE,
    CHECKSUM_KEY,
    DESCRIPTION_FILE,
    HITS_FILE,
    STATISTICS,
    VARIANTS_FILE,
    GwasDescription,
    psc_file,
)

#: Buffer for turning results from PSC by PSC into variant by variant.
_TRANSPOSE_BYTES = 32 << 20

_VARIANT_COLUMNS = {
    "chromosome": pa.string(), "base_pair_location": pa.int64(), "rsid": pa.string(),
    "effect_allele": pa.string(), "other_allele": pa.string(),
    "effect_allele_frequency": pa.float64(), "n": pa.int32(), "error_code": pa.string(),
}  # fmt: skip


class SumstatsWriter:
    """Arrays in a scratch folder that survive an interrupted run.

    Results are kept PSC by PSC, n and error codes group by group: PSCs of one group are missing
    for the same participants.

    Parameters
    ----------
    scratch : Path
        Folder of its own.
    pscs : sequence of str
        All PSCs.
    groups : sequence of int
        For each PSC, its group from 0 on.
    n_variants : int
        How many variants are offered; not all need to be tested.
    key : str
        Digest of all that decides the results: what an earlier run with another key left is
        thrown away.

    Attributes
    ----------
    n_done : int
        Units of work (blocks, batches) that `commit` counted, also by an earlier run.
    """

    def __init__(
        self, scratch: Path, pscs: Sequence[str], groups: Sequence[int], n_variants: int, key: str
    ) -> None:
        self._scratch, self._pscs, self._groups = scratch, list(pscs), list(groups)
        self._n_variants, self._key = n_variants, key
        n_groups = max(self._groups) + 1
        self._shapes: dict[str, tuple[tuple[int, ...], type]] = {
            "statistics": ((len(self._pscs), len(STATISTICS), n_variants), np.float32),
            "n": ((n_groups, n_variants), np.int32),
            "error_code": ((n_groups, n_variants), np.uint8),
            "frequency": ((n_variants,), np.float64),
            "tested": ((n_variants,), np.bool_),
        }
        scratch.mkdir(parents=True, exist_ok=True)
        self.n_done = self._resume()

    def write_variants(
        self, rows: slice, frequency: NDArray[np.float64], tested: NDArray[np.bool_]
    ) -> None:
        """Say which variants of a range were tested, and their effect alleles' frequencies."""
        for name, values in (("frequency", frequency), ("tested", tested)):
            with self._array(name) as array:
                array[rows] = values

    def write(
        self, variants: NDArray[np.intp], group: int, pscs: NDArray[np.intp], result: Association
    ) -> None:
        """Take in the results of some variants for some PSCs of a group.

        Parameters
        ----------
        variants : ndarray, shape (n_block,), int
            Ascending.
        group : int
            Group of the PSCs.
        pscs : ndarray, shape (P,), int
            Numbers of the PSCs.
        result : Association
            Of shape (n_block, P).
        """
        if len(variants) == 0:
            return
        # A whole range is written as a slice, which is many times faster.
        whole = len(variants) == variants[-1] - variants[0] + 1
        rows = slice(int(variants[0]), int(variants[-1]) + 1) if whole else variants
        with self._array("statistics") as statistics:
            for number, name in enumerate(STATISTICS):
                values = getattr(result, name).T.astype(np.float32)
                for psc, line in zip(pscs, values, strict=True):
                    statistics[psc, number, rows] = line
        with self._array("n") as n, self._array("error_code") as error_code:
            n[group, rows] = result.n
            error_code[group, rows] = result.error_code

    def commit(self, n_done: int) -> None:
        """Bring everything to the disk and note that so many units of work are done."""
        for name in self._shapes:
            with (self._scratch / name).open("rb") as file:
                os.fsync(file.fileno())
        self.n_done = n_done
        write_json(self._scratch / "state.json", {"key": self._key, "n_done": n_done})

    def finish(
        self,
        folder: Path,
        variants: pd.DataFrame,
        describe: Callable[[dict[str, Any]], GwasDescription],
        *,
        hit_threshold: float,
        progress: Progress,
    ) -> GwasDescription:
        """Lay the results out as a store.

        Parameters
        ----------
        folder : Path
            New folder for the store.
        variants : DataFrame, n_variants rows
            ``chromosome``, ``base_pair_location``, ``rsid``, ``effect_allele``,
            ``other_allele`` of all variants that were offered.
        describe : callable
            Makes the description of ``pscs``, ``lambda_gc``, ``errors``, ``hit_threshold``,
            ``variants_checksum`` and ``n_tested``.
        hit_threshold : float
            Smallest -log10 p in the table of hits.
        progress : Progress
        """
        with self._array("tested", "r") as array:
            rows = np.flatnonzero(array)
        (folder / "statistics").mkdir(parents=True)
        checksum = self._write_variants(folder, variants, rows)
        lambdas: dict[str, float | None] = {}
        errors: dict[str, int] = {}
        hits: list[pa.Table] = []
        for number, psc in enumerate(self._pscs):
            progress.update(0.6 * number / len(self._pscs), f"writing {psc}")
            values = self._statistics(number, rows)
            codes = self._write_psc(folder, number, rows, values, checksum)
            for code, count in codes.items():
                errors[code] = errors.get(code, 0) + count
            inflation = genomic_inflation(values[2])
            lambdas[psc] = None if np.isnan(inflation) else round(inflation, 6)
            hits.append(_hits(psc, values, hit_threshold))
        _write_parquet(folder / HITS_FILE, pa.concat_tables(hits))
        self._write_by_variant(folder / BY_VARIANT_FILE, rows, progress.part(0.6, 1.0))
        description = describe(
            {
                "pscs": tuple(self._pscs),
                "lambda_gc": lambdas,
                "errors": errors,
                "hit_threshold": hit_threshold,
                "variants_checksum": checksum,
                "n_tested": len(rows),
            }
        )
        write_json(folder / DESCRIPTION_FILE, description.model_dump(mode="json"))
        return description

    def _resume(self) -> int:
        try:
            state = json.loads((self._scratch / "state.json").read_bytes())
        except (OSError, ValueError):
            state = {}
        if state.get("key") == self._key:
            return int(state["n_done"])
        for name, (shape, dtype) in self._shapes.items():
            path = self._scratch / name
            path.unlink(missing_ok=True)
            take_space(path, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return 0

    @contextmanager
    def _array(self, name: str, mode: Any = "r+") -> Iterator[Any]:
        """Map an array for a moment only, so that it does not add to the memory in use."""
        shape, dtype = self._shapes[name]
        if 0 in shape:
            yield np.empty(shape, dtype)
            return
        array = np.memmap(self._scratch / name, dtype=dtype, mode=mode, shape=shape)
        try:
            yield array.view(np.ndarray)  # slicing a memmap itself is ten times slower
        finally:
            del array

    def _statistics(self, psc: int, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        with self._array("statistics", "r") as statistics:
            values: NDArray[np.float32] = np.asarray(statistics[psc])[:, rows]
        return values

    def _group_columns(
        self, group: int, rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        with self._array("n", "r") as n, self._array("error_code", "r") as error_code:
            return np.asarray(n[group])[rows], np.asarray(error_code[group])[rows]

    def _write_variants(self, folder: Path, variants: pd.DataFrame, rows: NDArray[np.intp]) -> str:
        n, codes = self._group_columns(0, rows)
        with self._array("frequency", "r") as frequency:
            table = variants.iloc[rows].assign(
                effect_allele_frequency=frequency[rows], n=n, error_code=_code_names(codes)
            )
        columns = [
            pa.array(table[name].to_numpy(), type=kind) for name, kind in _VARIANT_COLUMNS.items()
        ]
        path = folder / VARIANTS_FILE
        _write_parquet(path, pa.table(columns, names=list(_VARIANT_COLUMNS)), use_dictionary=True)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _write_psc(
        self,
        folder: Path,
        number: int,
        rows: NDArray[np.intp],
        values: NDArray[np.float32],
        checksum: str,
    ) -> dict[str, int]:
        """Write a PSC's file; return how many of its variants each error code stopped."""
        columns = dict(zip(STATISTICS, map(pa.array, values), strict=True))
        n, codes = self._group_columns(self._groups[number], rows)
        first_n, first_codes = self._group_columns(0, rows)
        if not (np.array_equal(n, first_n) and np.array_equal(codes, first_codes)):
            columns |= {"n": pa.array(n), "error_code": pa.array(_code_names(codes))}
        table = pa.table(columns).replace_schema_metadata({CHECKSUM_KEY: checksum.encode()})
        _write_parquet(folder / psc_file(self._pscs[number]), table)
        counts = np.bincount(codes, minlength=1)
        return {ErrorCode(c).name: int(k) for c, k in enumerate(counts) if k and c}

    def _write_by_variant(self, path: Path, rows: NDArray[np.intp], progress: Progress) -> None:
        """Write variants x statistics x PSCs, reading long runs and writing in order."""
        shape = (len(rows), len(STATISTICS), len(self._pscs))
        step = max(_TRANSPOSE_BYTES // (4 * shape[1] * shape[2]), 1)
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": shape}
            )
            for start in range(0, len(rows), step):
                progress.update(start / len(rows), "laying out the results by variant")
                part = rows[start : start + step]
                with self._array("statistics", "r") as statistics:
                    span = statistics[:, :, part[0] : part[-1] + 1]
                    block = span[:, :, part - part[0]].transpose(2, 1, 0)
                file.write(np.ascontiguousarray(block, dtype="<f4").data)


def _hits(psc: str, values: NDArray[np.float32], threshold: float) -> pa.Table:
    rows = np.flatnonzero(values[2] >= threshold)
    columns = {
        "psc": pa.array([psc] * len(rows), type=pa.string()),
        "variant_index": pa.array(rows, type=pa.int64()),
    }
    return pa.table(
        columns | {name: pa.array(values[k, rows]) for k, name in enumerate(STATISTICS)}
    )


def _code_names(codes: NDArray[np.uint8]) -> NDArray[np.object_]:
    names = np.full(256, "", dtype=object)
    for code in ErrorCode:
        names[code] = "" if code is ErrorCode.NONE else code.name
    return np.asarray(names[codes], dtype=object)


def _write_parquet(path: Path, table: pa.Table, *, use_dictionary: bool = False) -> None:
    floats = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    with replacing(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            use_dictionary=[f.name for f in table.schema if f.name not in floats]
            if use_dictionary
            else False,
            use_byte_stream_split=floats,
        )
