"""PLINK 2 genotypes (.pgen, .pvar, .psam) through pgenlib, where that is installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.errors import InputError, ToolError

_MISSING_DOSAGE = -9.0


def read_psam(pgen: Path) -> pd.DataFrame:
    """Read the samples beside a ``.pgen`` file: ``fid``, ``iid``, ``sex`` as text."""
    table = _read_with_header(pgen.with_suffix(".psam"), ("#FID", "#IID"))
    table = table.rename(columns={"#FID": "fid", "#IID": "iid", "IID": "iid", "SEX": "sex"})
    for missing in {"fid", "sex"} - set(table.columns):
        table[missing] = "0"
    return table[["fid", "iid", "sex"]]


def read_pvar(pgen: Path) -> pd.DataFrame:
    """Read the variants beside a ``.pgen`` file, columns as `Genotypes.variants`.

    Raises
    ------
    InputError
        If a variant has more than two alleles.
    """
    path = pgen.with_suffix(".pvar")
    table = _read_with_header(path, ("#CHROM",))
    split = table["ALT"].str.contains(",", regex=False)
    if split.any():
        raise InputError(
            f"{int(split.sum())} variants have more than two alleles, the first in row "
            f"{int(split.to_numpy().argmax()) + 1}",
            where=str(path),
            remedy="Split them first: plink2 --pfile IN --make-pgen "
            "multiallelics=- --out OUT, or leave them out with --max-alleles 2",
        )
    return pd.DataFrame(
        {
            "chromosome": table["#CHROM"],
            "base_pair_location": positions(table["POS"], path),
            "rsid": table["ID"],
            "effect_allele": table["ALT"],
            "other_allele": table["REF"],
        }
    )


def positions(text: pd.Series, path: Path) -> pd.Series:
    """Turn positions into int64.

    Raises
    ------
    InputError
        If one is no whole number.
    """
    numbers = pd.to_numeric(text, errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(
            f"the position {text.iloc[row]!r} of variant {row + 1} is not a whole number",
            where=str(path),
        )
    return numbers.astype(np.int64)


def read_dosages(
    pgen: Path,
    n_samples: int,
    variants: NDArray[np.integer],
    samples: NDArray[np.integer] | None,
) -> NDArray[np.float64]:
    """Read a block of dosages; shapes and meaning as `Genotypes.read`.

    Raises
    ------
    ToolError
        If pgenlib is not installed.
    """
    reader = _pgenlib().PgenReader(str(pgen).encode(), raw_sample_ct=n_samples)
    try:
        block = np.empty((len(variants), n_samples), dtype=np.float32)
        reader.read_dosages_list(np.asarray(variants, dtype=np.uint32), block)
    finally:
        reader.close()
    dosages = block.astype(np.float64) if samples is None else block[:, samples].astype(np.float64)
    dosages[dosages == _MISSING_DOSAGE] = np.nan
    return dosages.T


def _pgenlib() -> Any:
    try:
        return import_module("pgenlib")
    except ImportError as error:
        raise ToolError(
            "reading .pgen files needs the package pgenlib, which is not installed",
            remedy="Install it with `pip install pgenlib`, or convert the genotypes: "
            "plink2 --pfile NAME --make-bed --out NAME",
        ) from error


def _read_with_header(path: Path, first_names: tuple[str, ...]) -> pd.DataFrame:
    """Read a table whose header follows any number of ``##`` lines."""
    with path.open(encoding="utf-8-sig") as file:
        skipped = 0
        for line in file:
            if not line.startswith("##"):
                break
            skipped += 1
        else:
            line = ""
    if line.split("\t")[0].strip() not in first_names:
        raise InputError(
            f"the header does not begin with {' or '.join(first_names)}",
            where=str(path),
            remedy="Write the set again with plink2 --make-pgen",
        )
    return pd.read_csv(
        path, sep="\t", skiprows=skipped, dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
