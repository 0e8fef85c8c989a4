"""P values as tables print them, read as -log10 p: what is too small for a double is kept."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.cohort.columns import NO_NUMBER, normalized

#: -log10 of the smallest double above 0, 4.94e-324: a smaller p is printed as 0.
_SMALLEST_DOUBLE = 323.306

_P_NAME = re.compile(r"p|p(val|value|values|vals)|.+p(val|value)|p(val|value|lrt|wald|score).*")
_P_AS_A_WORD = re.compile(r"(^|[_. -])p([_. -]|$)", re.IGNORECASE)
_NEG_LOG_NAME = re.compile(r".*(log10p|log10pval|log10pvalue)|n?mlogp|logp|nlogp")
_NUMBER = re.compile(r"\+?(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True, eq=False)
class PValues:
    """A column of p-values.

    Parameters
    ----------
    neg_log_10_p : ndarray, shape (n_rows,), float64
        NaN where missing; finite.
    at_least : ndarray, shape (n_rows,), bool
        Where p was printed as 0, or as ``< limit``: the true -log10 p is larger.
    """

    neg_log_10_p: NDArray[np.float64]
    at_least: NDArray[np.bool_]


def names_p_values(name: str) -> bool:
    """Tell whether a column may hold p-values by its name: ``P``, ``Pvalue``, ``h2_pval``."""
    is_p = _P_NAME.fullmatch(normalized(name)) or _P_AS_A_WORD.search(name)
    return bool(is_p) and not names_neg_log_10_p(name)


def names_neg_log_10_p(name: str) -> bool:
    """Tell whether a column may hold -log10 p by its name: ``LOG10P``, ``neg_log_10_p_value``."""
    return bool(_NEG_LOG_NAME.fullmatch(normalized(name)))


def read_p_values(cells: Sequence[str]) -> PValues | None:
    """Read p-values from their digits, so that ``1e-400`` is 400 and not infinite.

    A p printed as 0 is one below the smallest number that the column could print: half a unit in
    its last decimal (``0.000``), or the smallest double if others are printed with exponents.

    Returns
    -------
    PValues or None
        None if a cell is neither a number from 0 to 1 nor stands for a missing value.
    """
    values = np.full(len(cells), np.nan)
    is_bound = np.zeros(len(cells), dtype=bool)
    zeros: list[int] = []
    for row, cell in enumerate(cells):
        if cell.lower() in NO_NUMBER:
            continue
        text = cell.lstrip("<= ")
        match = _NUMBER.fullmatch(text.replace(",", "."))
        if match is None:
            return None
        is_bound[row] = text != cell
        mantissa, exponent = float(match[1]), int(match[2] or 0)
        if mantissa == 0:
            zeros.append(row)
            continue
        values[row] = 0.0 - math.log10(mantissa) - exponent
        if values[row] < 0:
            return None
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    for row in zeros:
        decimals = len(cells[row].partition(".")[2])
        fixed = decimals + math.log10(2)
        values[row] = fixed if 0 < largest <= fixed else max(_SMALLEST_DOUBLE, largest)
        is_bound[row] = True
    return PValues(values, is_bound)


def neg_log_10_p_of_z(z: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return -log10 of the two-sided p-value of standard normal scores; never infinite.

    Parameters
    ----------
    z : ndarray, any shape
    """
    from scipy.special import log_ndtr

    log_p = log_ndtr(-np.abs(np.asarray(z, dtype=np.float64))) + math.log(2)
    return np.asarray(np.maximum(-log_p / math.log(10), 0.0), dtype=np.float64)
