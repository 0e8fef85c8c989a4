"""Genomic inflation: how far the middle of the test statistics lies from the null."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

#: Median of the chi-square distribution with one degree of freedom: the square of the normal
#: distribution's upper quartile.
_MEDIAN_CHI_SQUARE = float(special.ndtri(0.75) ** 2)


def genomic_inflation(neg_log_10_p_value: NDArray[np.floating]) -> float:
    """Return lambda GC (Devlin and Roeder 1999): median chi-square over its null median.

    Parameters
    ----------
    neg_log_10_p_value : ndarray, shape (n_variants,)
        NaN is left out.

    Returns
    -------
    float
        1 under the null; NaN without any value.
    """
    values = neg_log_10_p_value[np.isfinite(neg_log_10_p_value)]
    if len(values) == 0:
        return float("nan")
    log_p = -float(np.median(values.astype(np.float64))) * np.log(10.0)
    z = special.ndtri_exp(log_p - np.log(2.0))
    return float(z**2) / _MEDIAN_CHI_SQUARE
