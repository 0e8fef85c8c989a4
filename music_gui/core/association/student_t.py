"""Two-sided p-values of Student's t on a scale that never underflows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

_LN10 = float(np.log(10.0))

#: Below this p-value the incomplete beta function comes near the smallest double (1e-308).
_SMALLEST_P = 1e-280

#: Steps of the continued fraction. Where it is used |t| is above 30 and the fraction has
#: converged to 1e-15 after 30 steps; twice as many are taken.
_FRACTION_STEPS = 60

#: Spacing and end of the interpolation grid in units of t; errors stay below 1e-8 relative.
_SPACING = 1 / 64
_GRID_END = 40.0

#: Building a grid costs as much as this many exact values.
_FEW_VALUES = 2 * int(_GRID_END / _SPACING)

#: Values that are worked on at a time, so that all temporaries stay in the cache.
_CHUNK = 16_384


def neg_log_10_p_value(t: NDArray[np.float64], df: float) -> NDArray[np.float64]:
    """Return -log10 of the two-sided p-value of Student's t, exactly.

    With x = df / (df + t^2), p is the regularised incomplete beta function I_x(df/2, 1/2)
    (DLMF 8.17.1). Above p = 1/2 it is taken from its complement, below 1e-280 from the continued
    fraction (DLMF 8.17.22) in logarithms.

    Parameters
    ----------
    t : ndarray, any shape
        Statistics; NaN stays NaN.
    df : float
        Degrees of freedom, above 0.

    Returns
    -------
    ndarray, shape of ``t``, float64
        Relative error below 1e-10, mostly below 1e-13. Infinite only where t^2 is.
    """
    with np.errstate(over="ignore"):
        square = np.square(np.asarray(t, dtype=np.float64))
    x = df / (df + square)
    p = special.betainc(df / 2, 0.5, x)
    with np.errstate(divide="ignore"):
        result = -np.log10(p)
    large = p > 0.5
    complement = special.betainc(0.5, df / 2, square[large] / (df + square[large]))
    result[large] = -np.log1p(-complement) / _LN10
    small = p < _SMALLEST_P
    if small.any():
        result[small] = _log_tail(square[small], df)
    return result


def neg_log_10_p_values(t: NDArray[np.float64], df: float) -> NDArray[np.float64]:
    """Return what `neg_log_10_p_value` does, many times as fast for many values of one ``df``.

    A cubic Hermite interpolant with exact values and slopes on a grid stands in for |t| < 40;
    beyond, and for few values, the exact function is used. Relative error below 1e-8 from 30
    degrees of freedom on (1e-7 at 1).

    Parameters
    ----------
    t : ndarray, any shape
        Statistics; NaN stays NaN.
    df : float
        Degrees of freedom, above 0.
    """
    if t.size < _FEW_VALUES:
        return neg_log_10_p_value(t, df)
    cubics = _cubic_pieces(df)
    flat = np.abs(np.asarray(t, dtype=np.float64)).reshape(-1)
    result = np.empty_like(flat)
    for start in range(0, len(flat), _CHUNK):
        piece = slice(start, start + _CHUNK)
        inside = flat[piece] < _GRID_END
        if inside.all():
            result[piece] = _interpolate(flat[piece], cubics)
        else:
            result[piece] = _interpolate(np.where(inside, flat[piece], 0.0), cubics)
            result[piece][~inside] = neg_log_10_p_value(flat[piece][~inside], df)
    shaped: NDArray[np.float64] = result.reshape(t.shape)
    return shaped


def _interpolate(size: NDArray[np.float64], cubics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate the cubics at |t| inside the grid, shape (n,)."""
    position = size * (1 / _SPACING)
    cell = position.astype(np.intp)
    position -= cell
    result: NDArray[np.float64] = cubics[3].take(cell)
    for coefficients in cubics[2::-1]:
        result *= position
        result += coefficients.take(cell)
    return result


@lru_cache(maxsize=512)
def _cubic_pieces(df: float) -> NDArray[np.float64]:
    """Return the cubics between grid points as coefficients of rising power, shape (4, cells)."""
    grid = np.linspace(0.0, _GRID_END, int(_GRID_END / _SPACING) + 1, dtype=np.float64)
    value = neg_log_10_p_value(grid, df)
    log_density = (
        -special.betaln(df / 2, 0.5) - np.log(df) / 2 - (df + 1) / 2 * np.log1p(grid**2 / df)
    )
    # The slope is 2 density / (p ln 10); the quotient is formed in logarithms.
    slope = 2 * np.exp(log_density + value * _LN10) / _LN10 * _SPACING
    rise = np.diff(value)
    return np.stack(
        [
            value[:-1],
            slope[:-1],
            3 * rise - 2 * slope[:-1] - slope[1:],
            slope[:-1] + slope[1:] - 2 * rise,
        ]
    )


def _log_tail(square: NDArray[np.float64], df: float) -> NDArray[np.float64]:
    """Return -log10 p for large t^2 by the continued fraction of DLMF 8.17.22.

    I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) / (1 + d1 / (1 + d2 / (1 + ...))).
    """
    a, b = df / 2, 0.5
    # Very large t^2 / df would make x itself underflow: log x is formed from their quotient.
    log_x = -np.log1p(square / df)
    x = np.exp(log_x)
    log_1_minus_x = -np.log1p(df / square)
    fraction = np.ones_like(x)
    for step in range(_FRACTION_STEPS, 0, -1):
        m = step // 2
        if step % 2:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        fraction = 1 + d / fraction
    log_p = a * log_x + b * log_1_minus_x - np.log(a) - special.betaln(a, b) - np.log(fraction)
    return np.asarray(-log_p / _LN10, dtype=np.float64)
