"""Summary statistics of a GWAS on many PSCs: one variants table, aligned columns a PSC.

A folder ``gwas/NAME`` holds

- ``gwas.json``: how it was made, lambda of each PSC (`GwasDescription`);
- ``variants.parquet``: a row a variant, names as in GWAS-SSF;
- ``statistics/PSC.parquet``: beta, standard_error, neg_log_10_p_value (float32) in the order of
  the variants; ``n`` and ``error_code`` too if they differ from those of the variants table;
- ``hits.parquet``: all results above a threshold;
- ``by_variant.npy``: float32, n_variants x 3 x n_pscs, the same numbers laid out so that one
  variant of all PSCs is one read.

-log10 p is kept, never p, which would underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui.core.errors import InputError

FORMAT_VERSION = 1
STATISTICS = ("beta", "standard_error", "neg_log_10_p_value")
DESCRIPTION_FILE = "gwas.json"
VARIANTS_FILE = "variants.parquet"
HITS_FILE = "hits.parquet"
BY_VARIANT_FILE = "by_variant.npy"

#: Key of a statistics file's metadata that ties it to its variants table.
CHECKSUM_KEY = b"variants_checksum"


class GwasDescription(BaseModel):
    """``gwas.json``: how summary statistics were made.

    Attributes
    ----------
    format_version : int
        Of the folder's layout.
    name : str
        Of the GWAS.
    engine, engine_version : str
        ``built-in`` or ``plink2``, and its version.
    table, atlas : str
        The PSC table and the atlas its columns belong to.
    genotypes : str
        Path, relative to the study if it lies inside.
    covariates : tuple of str
        Columns of the design, without the intercept.
    coding : dict
        Categorical covariate -> its reference level.
    transform : str
        ``none`` or ``inverse-normal``, applied to each PSC.
    min_maf, max_vif : float
        Limits below and above which variants were not tested.
    counts : dict
        Participants in the PSC table, in the genotypes, in both, analysed; variants in the
        genotypes, on autosomes, tested.
    pscs : tuple of str
        In the order of `BY_VARIANT_FILE`.
    lambda_gc : dict
        PSC -> genomic inflation factor; None where nothing could be tested.
    errors : dict
        Error code -> number of tests (variant x PSC) that it stopped.
    hit_threshold : float
        Smallest -log10 p in the table of hits.
    effect_allele : str
        What it is, in words.
    variants_checksum : str
        Of the variants file; every statistics file repeats it.
    notes : tuple of str
        What was left out and why, warnings of the engine.
    simulated : bool
        The data are made up.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format_version: int = FORMAT_VERSION
    name: str
    engine: str
    engine_version: str
    table: str
    atlas: str
    genotypes: str
    covariates: tuple[str, ...]
    coding: dict[str, str]
    transform: str
    min_maf: float
    max_vif: float
    counts: dict[str, int]
    pscs: tuple[str, ...]
    lambda_gc: dict[str, float | None]
    errors: dict[str, int]
    hit_threshold: float
    effect_allele: str
    variants_checksum: str
    notes: tuple[str, ...]
    simulated: bool


@dataclass(frozen=True, eq=False)
class SumstatsStore:
    """Summary statistics on disk, opened for queries; every read takes only what it needs.

    Parameters
    ----------
    folder : Path
        ``gwas/NAME``.
    description : GwasDescription
        How they were made.
    """

    folder: Path
    description: GwasDescription

    @classmethod
    def open(cls, folder: Path) -> SumstatsStore:
        """Open a store.

        Raises
        ------
        InputError
            If it is none, is damaged, or was written by a newer version.
        """
        path = folder / DESCRIPTION_FILE
        try:
            description = GwasDescription.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(
                "there are no GWAS results in this folder", where=str(folder), why=str(error)
            ) from error
        except ValidationError as error:
            raise InputError(
                "the description of the GWAS is damaged",
                where=str(path),
                why="; ".join(str(each["msg"]) for each in error.errors()),
                remedy="Run `gwas` again",
            ) from error
        if description.format_version > FORMAT_VERSION:
            raise InputError(
                "the GWAS results were written by a newer version",
                where=str(path),
                remedy="Update MuSIC GUI to open them",
            )
        return cls(folder, description)

    @property
    def pscs(self) -> list[str]:
        """Names of the PSCs."""
        return list(self.description.pscs)

    @cached_property
    def variants(self) -> pd.DataFrame:
        """A row a variant.

        Columns ``chromosome`` (text), ``base_pair_location``, ``rsid``, ``effect_allele``,
        ``other_allele``, ``effect_allele_frequency``, ``n``, ``error_code`` (empty if tested).
        """
        table: pd.DataFrame = self._read(VARIANTS_FILE).to_pandas()
        return table

    @cached_property
    def n_variants(self) -> int:
        """Number of variants."""
        return int(pq.read_metadata(self.folder / VARIANTS_FILE).num_rows)

    def read(self, psc: str) -> pd.DataFrame:
        """Return all results of a PSC, aligned with `variants`; NaN where nothing was estimated.

        Returns
        -------
        DataFrame, n_variants rows
            ``beta``, ``standard_error``, ``neg_log_10_p_value``, float32.
        """
        table: pd.DataFrame = self._read_psc(psc, list(STATISTICS)).to_pandas()
        return table

    def sample_sizes(self, psc: str) -> NDArray[np.int32]:
        """Return the number of participants behind each result of a PSC, shape (n_variants,)."""
        table = self._read_psc(psc, ["n"])
        if table.num_columns == 0:
            table = self._read(VARIANTS_FILE, ["n"])
        return np.asarray(table.column("n").to_numpy(), dtype=np.int32)

    def variant(self, index: int) -> pd.DataFrame:
        """Return one variant's results for all PSCs, a single short read.

        Parameters
        ----------
        index : int
            Row of `variants`.

        Returns
        -------
        DataFrame, n_pscs rows
            ``psc``, ``beta``, ``standard_error``, ``neg_log_10_p_value``.
        """
        values = np.array(self._by_variant[index])
        return pd.DataFrame({"psc": self.pscs, **dict(zip(STATISTICS, values, strict=True))})

    def region(self, chromosome: str, start: int, stop: int) -> NDArray[np.intp]:
        """Return the rows of the variants from ``start`` to ``stop`` (both inside, in bp)."""
        table = self.variants
        position = table["base_pair_location"]
        inside = (table["chromosome"] == chromosome) & position.between(start, stop)
        return np.flatnonzero(inside)

    @cached_property
    def hits(self) -> pd.DataFrame:
        """All results with -log10 p of at least ``description.hit_threshold``.

        Columns ``psc``, ``variant_index``, ``beta``, ``standard_error``, ``neg_log_10_p_value``,
        in the order of PSCs, then of variants.
        """
        table: pd.DataFrame = self._read(HITS_FILE).to_pandas()
        return table

    def lambda_gc(self, psc: str) -> float:
        """Return a PSC's genomic inflation factor; NaN if nothing could be tested."""
        value = self.description.lambda_gc[self._checked(psc)]
        return float("nan") if value is None else value

    @cached_property
    def _by_variant(self) -> NDArray[np.float32]:
        path = self.folder / BY_VARIANT_FILE
        shape = (self.n_variants, len(STATISTICS), len(self.pscs))
        try:
            array: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise _damaged(path, str(error)) from error
        if array.shape != shape or array.dtype != np.float32:
            raise _damaged(path, f"it holds {array.dtype} of shape {array.shape}, not {shape}")
        return array

    def _checked(self, psc: str) -> str:
        if psc not in self.description.pscs:
            raise InputError(f"PSC {psc} was not part of this GWAS", where=str(self.folder))
        return psc

    def _read_psc(self, psc: str, columns: list[str]) -> pa.Table:
        path = self.folder / psc_file(self._checked(psc))
        try:
            file = pq.ParquetFile(path)
            table = file.read([name for name in columns if name in file.schema_arrow.names])
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, str(error)) from error
        checksum = (file.schema_arrow.metadata or {}).get(CHECKSUM_KEY, b"").decode()
        if checksum != self.description.variants_checksum or table.num_rows != self.n_variants:
            raise _damaged(path, "its rows are those of another variants table")
        return table

    def _read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        path = self.folder / name
        try:
            return pq.ParquetFile(path).read(columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(path, str(error)) from error


def psc_file(psc: str) -> str:
    """Return the name of a PSC's file inside the store."""
    return f"statistics/{psc}.parquet"


def _damaged(path: Path, why: str) -> InputError:
    return InputError(
        "this file of the GWAS results can't be used",
        where=str(path),
        why=why,
        remedy="Run `gwas` again",
    )
