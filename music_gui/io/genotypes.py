"""Genotypes on disk, PLINK 1 (.bed, .bim, .fam) and PLINK 2 (.pgen, .pvar, .psam)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from bed_reader import open_bed, to_bed
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.io import pgen
from music_gui.io.atomic import replacing

AUTOSOMES = tuple(str(number) for number in range(1, 23))

#: What stands for a missing call in the arrays that `write_bed` takes (bed-reader's code).
MISSING_CALL = -127

_BED_MAGIC = b"\x6c\x1b\x01"
_SEX = {"1": "M", "M": "M", "m": "M", "2": "F", "F": "F", "f": "F"}
_OTHER_CHROMOSOMES = {
    "X": "X", "23": "X", "Y": "Y", "24": "Y", "XY": "XY", "25": "XY", "PAR": "XY", "PAR1": "XY",
    "PAR2": "XY", "M": "MT", "MT": "MT", "26": "MT",
}  # fmt: skip


def normalise_chromosome(code: str) -> str:
    """Return the code that this application uses: ``chr01 -> 1``, ``23 -> X``, ``M -> MT``.

    Codes follow https://www.cog-genomics.org/plink/2.0/input#chr_set: 23 X, 24 Y, 25 the
    pseudo-autosomal regions (XY), 26 the mitochondrion. Anything else becomes ``0``, unplaced.
    """
    bare = code.strip()
    bare = bare[3:] if bare[:3].lower() == "chr" else bare
    bare = bare.lstrip("0").upper()
    return bare if bare in AUTOSOMES else _OTHER_CHROMOSOMES.get(bare, "0")


@dataclass(frozen=True)
class GenotypeOverview:
    """What a set of genotypes holds, for a look before anything runs.

    Parameters
    ----------
    n_samples, n_variants : int
        Its size.
    chromosomes : dict of str to int
        Variants on each chromosome, in the file's order.
    missing_rate : float
        Share of missing calls among the variants looked at.
    n_looked_at : int
        How many variants, evenly spread over the file, were read for the missing rate.
    duplicate_ids : tuple of str
        IIDs that stand in more than one row.
    """

    n_samples: int
    n_variants: int
    chromosomes: dict[str, int]
    missing_rate: float
    n_looked_at: int
    duplicate_ids: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Genotypes:
    """A set of genotypes that is read block by block.

    Parameters
    ----------
    path : Path
        The ``.bed`` or ``.pgen`` file.
    samples : DataFrame
        A row a sample: ``fid``, ``iid`` (text, no blanks around), ``sex`` (M, F or empty).
    variants : DataFrame
        A row a variant in the file's order: ``chromosome`` (normalised), ``base_pair_location``,
        ``rsid``, ``effect_allele``, ``other_allele``. The effect allele is the .bim file's first
        allele (A1), the .pvar file's ALT: the allele that PLINK 2 counts with ``omit-ref``.
    """

    path: Path
    samples: pd.DataFrame
    variants: pd.DataFrame

    @classmethod
    def open(cls, path: Path) -> Genotypes:
        """Open genotypes by one of their files or by their common prefix.

        Raises
        ------
        InputError
            If a file is missing, cut short, or not what its name says.
        """
        path = _main_file(path)
        if path.suffix == ".pgen":
            samples, variants = pgen.read_psam(path), pgen.read_pvar(path)
        else:
            samples, variants = _read_fam(path.with_suffix(".fam")), _read_bim(path)
            _check_bed(path, len(samples), len(variants))
        if len(samples) == 0 or len(variants) == 0:
            raise InputError(
                f"the genotypes hold {len(samples)} samples and {len(variants)} variants",
                where=str(path),
            )
        for column in ("fid", "iid"):
            samples[column] = samples[column].str.strip()
        samples["sex"] = samples["sex"].map(_SEX).fillna("")
        codes = {code: normalise_chromosome(code) for code in variants["chromosome"].unique()}
        variants["chromosome"] = variants["chromosome"].map(codes)
        return cls(path, samples, variants)

    @property
    def n_samples(self) -> int:
        """Number of samples in the file."""
        return len(self.samples)

    @property
    def n_variants(self) -> int:
        """Number of variants in the file."""
        return len(self.variants)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that belong to this set."""
        return genotype_files(self.path)

    def read(
        self,
        variants: NDArray[np.integer],
        samples: NDArray[np.integer] | None = None,
        *,
        threads: int = 1,
    ) -> NDArray[np.float64]:
        """Read a block.

        Parameters
        ----------
        variants : ndarray of int, shape (n_block,)
            Rows of `variants`.
        samples : ndarray of int, shape (n,), optional
            Rows of `samples`, in the wanted order; all by default.
        threads : int
            Threads for decoding.

        Returns
        -------
        ndarray, shape (n, n_block), float64, Fortran order
            Number of effect alleles, 0 to 2; NaN where the call is missing.
        """
        if self.path.suffix == ".pgen":
            return pgen.read_dosages(self.path, self.n_samples, variants, samples)
        index = (slice(None) if samples is None else samples, variants)
        block: NDArray[np.float64] = self._bed.read(index, dtype="float64", num_threads=threads)
        return block

    def overview(self, n_looked_at: int = 500) -> GenotypeOverview:
        """Summarise the set; the missing rate comes from so many evenly spread variants."""
        look = np.unique(
            np.linspace(0, self.n_variants - 1, min(n_looked_at, self.n_variants)).astype(int)
        )
        iid = self.samples["iid"]
        counts = self.variants["chromosome"].value_counts(sort=False)
        return GenotypeOverview(
            n_samples=self.n_samples,
            n_variants=self.n_variants,
            chromosomes={str(code): int(count) for code, count in counts.items()},
            missing_rate=float(np.isnan(self.read(look)).mean()),
            n_looked_at=len(look),
            duplicate_ids=tuple(iid[iid.duplicated()].unique()),
        )

    @cached_property
    def _bed(self) -> open_bed:
        return open_bed(self.path, iid_count=self.n_samples, sid_count=self.n_variants)


def genotype_files(path: Path) -> tuple[Path, ...]:
    """Name the three files of a set, given one of them or their prefix; they need not exist."""
    main = _with_any_suffix(path)
    if main.suffix == ".pgen":
        return (main, main.with_suffix(".pvar"), main.with_suffix(".psam"))
    return (main, main.with_suffix(".bim"), main.with_suffix(".fam"))


def write_bed(
    path: Path,
    dosages: NDArray[np.int8],
    *,
    iid: Sequence[str],
    variants: pd.DataFrame,
    sex: Sequence[str] | None = None,
) -> None:
    """Write a PLINK 1 set: ``.bed``, ``.bim``, ``.fam``; the family ID is the sample's own.

    Parameters
    ----------
    path : Path
        The ``.bed`` file; the other two stand beside it.
    dosages : ndarray, shape (n_samples, n_variants), int8
        Number of effect alleles, 0 to 2, or `MISSING_CALL`.
    iid : sequence of str, length n_samples
        Sample IDs.
    variants : DataFrame, n_variants rows
        Columns as `Genotypes.variants`.
    sex : sequence of str, length n_samples, optional
        M, F, or anything else for unknown.
    """
    n_samples, n_variants = dosages.shape
    if len(iid) != n_samples or len(variants) != n_variants:
        raise InputError(
            f"the calls have shape {dosages.shape}",
            where=str(path),
            why=f"there are {len(iid)} sample IDs and {len(variants)} variants",
        )
    codes = {"M": 1, "F": 2}
    properties = {
        "fid": list(iid),
        "iid": list(iid),
        "sex": [codes.get(each, 0) for each in sex] if sex is not None else [0] * n_samples,
        "pheno": ["-9"] * n_samples,
        "chromosome": variants["chromosome"].to_list(),
        "sid": variants["rsid"].to_list(),
        "bp_position": variants["base_pair_location"].to_list(),
        "allele_1": variants["effect_allele"].to_list(),
        "allele_2": variants["other_allele"].to_list(),
    }
    with (
        replacing(path.with_suffix(".fam")) as fam,
        replacing(path.with_suffix(".bim")) as bim,
        replacing(path.with_suffix(".bed")) as bed,
    ):
        to_bed(bed, dosages, properties=properties, fam_filepath=fam, bim_filepath=bim)


def _with_any_suffix(path: Path) -> Path:
    if path.suffix in (".bed", ".bim", ".fam"):
        return path.with_suffix(".bed")
    if path.suffix in (".pgen", ".pvar", ".psam"):
        return path.with_suffix(".pgen")
    pgen_file = path.with_name(f"{path.name}.pgen")
    return pgen_file if pgen_file.exists() else path.with_name(f"{path.name}.bed")


def _main_file(path: Path) -> Path:
    for file in genotype_files(path):
        if not file.is_file():
            raise InputError(
                "this genotype file is missing",
                where=str(file),
                why=f"a PLINK set is three files with one name; {path} was asked for",
                remedy="Put all three in one folder, and give the set's name or any of its files",
            )
    return genotype_files(path)[0]


def _read_fam(path: Path) -> pd.DataFrame:
    return _read_columns(path, ["fid", "iid", "father", "mother", "sex", "phenotype"])[
        ["fid", "iid", "sex"]
    ]


def _read_bim(bed: Path) -> pd.DataFrame:
    path = bed.with_suffix(".bim")
    table = _read_columns(
        path,
        ["chromosome", "rsid", "cm", "base_pair_location", "effect_allele", "other_allele"],
    )
    table["base_pair_location"] = pgen.positions(table["base_pair_location"], path)
    return table[["chromosome", "base_pair_location", "rsid", "effect_allele", "other_allele"]]


def _read_columns(path: Path, names: list[str]) -> pd.DataFrame:
    """Read a table without a header whose columns are parted by blanks or tabs."""
    try:
        table = pd.read_csv(
            path,
            sep=r"\s+",
            header=None,
            names=[*names, "extra"],
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[],
            encoding="utf-8-sig",
        )
    except pd.errors.EmptyDataError:
        return pd.DataFrame({name: pd.Series(dtype=str) for name in names})
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(
            "this is not a PLINK text file", where=str(path), why=str(error).strip()
        ) from error
    wrong = table[names[-1]].isna() | (table[names[-1]] == "") | _filled(table["extra"])
    if wrong.any():
        raise InputError(
            f"line {int(wrong.to_numpy().argmax()) + 1} has not {len(names)} columns",
            where=str(path),
            why=f"the columns are {', '.join(names)}",
        )
    return table[names]


def _filled(column: pd.Series) -> pd.Series:
    return column.notna() & (column != "")


def _check_bed(path: Path, n_samples: int, n_variants: int) -> None:
    with path.open("rb") as file:
        magic = file.read(3)
    if magic[:2] != _BED_MAGIC[:2]:
        raise InputError(
            "this is not a PLINK 1 .bed file",
            where=str(path),
            why="its first bytes are not those of the format",
        )
    if magic != _BED_MAGIC:
        raise InputError(
            "this .bed file is stored sample by sample",
            where=str(path),
            remedy="Run it once through `plink --make-bed`, which stores it variant by variant",
        )
    expected = 3 + n_variants * ((n_samples + 3) // 4)
    if (size := path.stat().st_size) != expected:
        raise InputError(
            f"the .bed file has {size} bytes where {expected} were expected",
            where=str(path),
            why=f"the .fam file has {n_samples} samples and the .bim file {n_variants} variants",
            remedy="It was cut short, or the three files are not of one set; copy them again",
        )
