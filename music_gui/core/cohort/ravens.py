"""Checks of one RAVENS map: values that tissue can have, and the unit they are in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError

#: Total grey matter in ml that a whole human brain can have. Wide on purpose: it has to tell
#: units apart, which are a factor of 8 or more away, not to judge a brain.
GREY_MATTER_ML = (300.0, 1200.0)

#: What values may be multiplied by without asking: 1, or the 1000 of tools that store integers.
KNOWN_SCALES = (1.0, 1000.0)

#: Share of the maximum down to which negative values count as ringing of an interpolation.
NEGATIVE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class MapValues:
    """What the values of one map add up to.

    Parameters
    ----------
    total_ml : float
        Sum over all voxels that have a value, times the voxel's volume, in ml if the values are
        fractions of the voxel's volume.
    n_nan : int
        Voxels without a value.
    n_negative : int
        Voxels slightly below zero, which count as zero.
    """

    total_ml: float
    n_nan: int
    n_negative: int


def check_values(data: NDArray[np.floating], voxel_volume: float, *, where: str) -> MapValues:
    """Check that the values of a map can be amounts of tissue.

    Parameters
    ----------
    data : ndarray, any shape
        Values; NaN counts as no value.
    voxel_volume : float
        In mm^3.
    where : str
        The file, for errors.

    Raises
    ------
    InputError
        If a value is infinite or clearly negative, or if all are zero or missing.
    """
    low, high, n_nan = float(data.min()), float(data.max()), 0
    if np.isnan(low):  # rare, and looking for it everywhere costs as much as the sum
        n_nan = int(np.isnan(data).sum())
        low, high = (
            (float(np.nanmin(data)), float(np.nanmax(data))) if n_nan < data.size else (0, 0)
        )
    if np.isinf(low) or np.isinf(high):
        raise InputError(
            "a voxel holds an infinite value",
            where=where,
            remedy="Make the map again; a division by zero went into it",
        )
    if low < -NEGATIVE_TOLERANCE * max(high, 0.0):
        voxel = tuple(int(index) for index in np.unravel_index(np.nanargmin(data), data.shape))
        raise InputError(
            f"the map has negative values, down to {low:g} at voxel {voxel}",
            where=where,
            why="an amount of tissue can't be negative; the map may hold z-scores or residuals",
            remedy="Give the map as it was before any standardisation",
        )
    if high <= 0:
        raise InputError("the map is empty", where=where, why="every voxel is zero or has no value")
    total = float(data.sum(dtype=np.float64))
    n_negative = 0
    if n_nan or low < 0:
        n_negative = int((data < 0).sum())
        total = float(np.nansum(np.maximum(data, 0), dtype=np.float64))
    return MapValues(total * voxel_volume / 1000.0, n_nan, n_negative)


def plausible_scale(total_ml: float) -> float | None:
    """Return the known scale at which a total is that of a brain; None if there is none.

    Parameters
    ----------
    total_ml : float
        `MapValues.total_ml`.
    """
    low, high = GREY_MATTER_ML
    return next((scale for scale in KNOWN_SCALES if low <= total_ml / scale <= high), None)


def check_total(total_ml: float, scale: float, voxel_volume: float, *, where: str) -> None:
    """Refuse a total grey matter that no whole brain has.

    Parameters
    ----------
    total_ml : float
        As the file has it, before the division by ``scale``.
    scale : float
        What the values are to be divided by.
    voxel_volume : float
        In mm^3.
    where : str
        The file.

    Raises
    ------
    InputError
        With the scale that would make it plausible, if there is one.
    """
    low, high = GREY_MATTER_ML
    if low <= total_ml / scale <= high:
        return
    hint = suggested_scale(total_ml, voxel_volume)
    per = f", its values divided by {scale:g}," if scale != 1 else ""
    raise InputError(
        f"the map{per} adds up to {total_ml / scale:,.4g} ml of grey matter",
        where=where,
        why=f"a whole brain has {low:g} to {high:g} ml"
        + (f"; {hint[1]}" if hint else "; it may be no grey-matter map, or not of a whole brain"),
        remedy=f"Say so with a RAVENS scale of {hint[0]:g}" if hint else "State its RAVENS scale",
    )


def suggested_scale(total_ml: float, voxel_volume: float) -> tuple[float, str] | None:
    """Guess what a map was multiplied by, and say why, for the user to confirm."""
    low, high = GREY_MATTER_ML
    candidates = [
        (1.0, "the values look unscaled"),
        (1000.0, "the values look multiplied by 1000"),
        (voxel_volume, f"the values look like mm^3 a voxel ({voxel_volume:g} mm^3 each)"),
        (100.0, "the values look like per cent"),
        (255.0, "the values look stretched to 0-255"),
        (10.0, "the values look multiplied by 10"),
        (10_000.0, "the values look multiplied by 10,000"),
    ]
    return next(
        ((scale, why) for scale, why in candidates if low <= total_ml / scale <= high), None
    )
