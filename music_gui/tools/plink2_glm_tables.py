"""The tables that PLINK 2's ``--glm`` reads and writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.association.linear import ErrorCode
from music_gui.core.errors import ToolError
from music_gui.io.atomic import replacing
from music_gui.io.genotypes import Genotypes
from music_gui.tools.plink2_glm import PLINK2, GlmFiles

#: PLINK's codes that are not ours by name.
_CODES = {
    ".": ErrorCode.NONE,
    "CONST_OMITTED_ALLELE": ErrorCode.CONST_ALLELE,
    "VIF_INFINITE": ErrorCode.VIF_TOO_HIGH,
    "CORR_TOO_HIGH": ErrorCode.VIF_TOO_HIGH,
    "SAMPLE_CT<=PREDICTOR_CT": ErrorCode.TOO_FEW_SAMPLES,
} | {code.name: code for code in ErrorCode if code is not ErrorCode.NONE}

#: Column names in older and newer versions.
_NEG_LOG_10_P = ("NEG_LOG10_P", "LOG10_P")
_OTHER_COLUMNS = ("ID", "A1", "OBS_CT", "BETA", "SE", "ERRCODE")
_COLUMNS = frozenset([*_NEG_LOG_10_P, *_OTHER_COLUMNS])


def write_genotype_tables(files: GlmFiles, genotypes: Genotypes) -> None:
    """Write samples and variants with row numbers as IDs.

    Duplicate, missing or odd IDs of the user's files can't confuse the program then, results
    find their variant again by number, and parents, sexes and phenotypes of a .fam file, which
    PLINK would act on, are left out.
    """
    variants = genotypes.variants
    numbers = np.arange(len(variants))
    chromosome, position = variants["chromosome"], variants["base_pair_location"]
    effect, other = variants["effect_allele"], variants["other_allele"]
    ids = _sample_ids(np.arange(genotypes.n_samples))
    if files.is_pgen:
        table = pd.DataFrame(
            {"#CHROM": chromosome, "POS": position, "ID": numbers, "REF": other, "ALT": effect}
        )
        _write(files.variants, table)
        _write(files.samples, pd.DataFrame({"#IID": ids, "SEX": "NA"}))
        return
    bim = {"chr": chromosome, "id": numbers, "cm": 0, "bp": position, "a1": effect, "a2": other}
    _write(files.variants, pd.DataFrame(bim), header=False)
    fam = {"fid": 0, "iid": ids, "father": 0, "mother": 0, "sex": 0, "phenotype": "NA"}
    _write(files.samples, pd.DataFrame(fam), header=False)


def write_phenotypes(
    files: GlmFiles,
    rows: NDArray[np.intp],
    phenotypes: NDArray[np.float64],
    names: Sequence[str],
    covariates: NDArray[np.float64],
    covariate_names: Sequence[str],
) -> None:
    """Write phenotypes, covariates and the list of samples.

    A phenotype of nothing but 0, 1 and 2 would be taken as case and control: it is shifted, which
    changes the intercept alone.

    Parameters
    ----------
    files : GlmFiles
        Where to.
    rows : ndarray, shape (n,), int
        Rows of the genotypes.
    phenotypes : ndarray, shape (n, P)
        NaN where missing.
    names : sequence of str, length P
        Without blanks.
    covariates : ndarray, shape (n, p)
        Without the intercept.
    covariate_names : sequence of str, length p
        As they are to appear in PLINK's messages.
    """
    ids = pd.DataFrame({"#IID": _sample_ids(rows)})
    _write(files.keep, ids)
    binary = np.array(
        [np.isin(column[~np.isnan(column)], (0, 1, 2)).all() for column in phenotypes.T]
    )
    shifted = phenotypes + np.where(binary, 10.0, 0.0)
    _write(files.phenotypes, pd.concat([ids, pd.DataFrame(shifted, columns=list(names))], axis=1))
    columns = [re.sub(r"[\s,#]", "_", name) for name in covariate_names]
    _write(files.covariates, pd.concat([ids, pd.DataFrame(covariates, columns=columns)], axis=1))


@dataclass(frozen=True, eq=False)
class GlmOutput:
    """Results of one phenotype, a row a variant that PLINK tested.

    Parameters
    ----------
    variants : ndarray, shape (n_tested,), int
        Rows of the genotypes' variants, ascending.
    beta, standard_error, neg_log_10_p_value : ndarray, shape (n_tested,), float64
        NaN where PLINK says NA.
    n : ndarray, shape (n_tested,), int32
        Samples in the regression.
    error_code : ndarray, shape (n_tested,), uint8
        `ErrorCode`.
    """

    variants: NDArray[np.intp]
    beta: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    neg_log_10_p_value: NDArray[np.float64]
    n: NDArray[np.int32]
    error_code: NDArray[np.uint8]


def read_output(path: Path, effect_alleles: NDArray[np.object_]) -> GlmOutput:
    """Read results by the names of their columns.

    Parameters
    ----------
    path : Path
        ``*.glm.linear``.
    effect_alleles : ndarray, shape (n_variants,), str
        Of all variants of the genotypes; PLINK's A1 must agree.

    Raises
    ------
    ToolError
        If columns are missing, the rows are not those expected, or all tests failed.
    """
    where = str(path)
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            usecols=lambda name: name in _COLUMNS,
            dtype={"A1": str, "ERRCODE": str},
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ToolError("PLINK's results can't be read", where=where, why=str(error)) from error
    p_name = next((name for name in _NEG_LOG_10_P if name in table.columns), "LOG10_P")
    needed = [*_OTHER_COLUMNS, p_name]
    if missing := [name for name in needed if name not in table.columns]:
        raise ToolError(
            f"PLINK's results lack the columns {', '.join(missing)}",
            where=where,
            why=f"they have {', '.join(map(str, table.columns))}",
            remedy=f"Known to work: {', '.join(PLINK2.versions_known_to_work)}",
        )
    variants = table["ID"].to_numpy(dtype=np.intp)
    if (np.diff(variants) <= 0).any() or (table["A1"] != effect_alleles[variants]).any():
        raise ToolError(
            "PLINK's results are not for the variants and alleles that were asked for", where=where
        )
    _refuse_all_failed(table, where)
    codes = {name: _CODES.get(name, ErrorCode.OTHER) for name in table["ERRCODE"].unique()}
    return GlmOutput(
        variants=variants,
        beta=table["BETA"].to_numpy(dtype=np.float64),
        standard_error=table["SE"].to_numpy(dtype=np.float64),
        neg_log_10_p_value=table[p_name].to_numpy(dtype=np.float64),
        n=table["OBS_CT"].to_numpy(dtype=np.int32),
        error_code=table["ERRCODE"].map(codes).to_numpy(dtype=np.uint8),
    )


def _refuse_all_failed(table: pd.DataFrame, where: str) -> None:
    if len(table) == 0 or table["BETA"].notna().any():
        return
    counts = table["ERRCODE"].value_counts()
    code = str(counts.index[0])
    about_covariates = code.startswith(("VIF", "CORR", "RANK"))
    raise ToolError(
        f"all {len(table)} tests failed: {code}",
        where=where,
        why="the covariates are too strongly correlated with each other"
        if about_covariates
        else "PLINK gives this code for every variant",
        remedy="Leave out one of two similar covariates, or raise the largest VIF allowed"
        if about_covariates
        else "",
    )


def _sample_ids(rows: NDArray[np.intp]) -> list[str]:
    """Name samples by their rows; a bare 0 would mean no sample to PLINK."""
    return [f"row{row}" for row in rows]


def _write(path: Path, table: pd.DataFrame, *, header: bool = True) -> None:
    with replacing(path) as temporary:
        table.to_csv(
            temporary, sep="\t", index=False, header=header, na_rep="NA", float_format="%.17g"
        )
