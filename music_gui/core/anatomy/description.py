"""The anatomy of a PSC in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.anatomy.overlap import AnatomyOverlap

#: Regions with less of a PSC than this are not named.
_LEAST_SHARE = 0.05

#: From this share on a PSC is said to lie on one side.
_ONE_SIDED = 0.8

#: From this share on one of a pair of regions stands for both.
_ONE_OF_PAIR = 0.9

_MOST_NAMED = 3


def region_text(overlap: AnatomyOverlap, row: int, *, most: int = _MOST_NAMED) -> str:
    """Name the regions that hold most of a PSC: ``61 % thalamus L, 24 % caudate L``.

    Left and right of the same name are added up, unless nine tenths are on one side.

    Parameters
    ----------
    overlap : AnatomyOverlap
        Of the PSC's scale.
    row : int
        The PSC's label - 1.
    most : int
        Name no more regions than this.

    Returns
    -------
    str
        Empty for a vanished PSC; ``outside all regions`` if none holds a twentieth of it.
    """
    if overlap.n_voxels[row] == 0:
        return ""
    shares: dict[str, dict[str, float]] = {}
    for place in np.flatnonzero(overlap.within[row]):
        region = overlap.regions[place]
        sides = shares.setdefault(region.name, {})
        sides[region.side] = sides.get(region.side, 0.0) + float(overlap.psc_shares[row, place])
    totals = sorted(((-sum(sides.values()), name) for name, sides in shares.items()))
    parts = []
    for negative, name in totals[:most]:
        if -negative < _LEAST_SHARE:
            break
        side, share = max(shares[name].items(), key=lambda each: each[1])
        mark = f" {side}" if side and share >= _ONE_OF_PAIR * -negative else ""
        parts.append(f"{percent(-negative)} {name}{mark}")
    return ", ".join(parts) or "outside all regions"


def side_text(overlap: AnatomyOverlap, row: int) -> str:
    """Say on which side a PSC lies: ``92 % left``, or ``both sides (52 % left)``."""
    left = float(overlap.left_shares[row])
    if np.isnan(left):
        return ""
    if left >= _ONE_SIDED:
        return f"{percent(left)} left"
    if left <= 1 - _ONE_SIDED:
        return f"{percent(1 - left)} right"
    return f"both sides ({percent(left)} left)"


def describe(overlap: AnatomyOverlap, row: int) -> str:
    """Describe a PSC in one line: sides, regions and centre.

    The centre is in MNI mm and lies inside the PSC.

    Examples
    --------
    ``92 % left; 61 % thalamus L, 24 % caudate L; centre −12 −18 8``
    """
    if overlap.n_voxels[row] == 0:
        return ""
    centre = point_text(overlap.inner_centres[row])
    return f"{side_text(overlap, row)}; {region_text(overlap, row)}; centre {centre}"


def point_text(point: NDArray[np.floating]) -> str:
    """Write a point in whole mm: ``−12 8 30``."""
    return " ".join(f"{int(value)}" for value in np.rint(point)).replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    """Write a share: ``62 %``; ``<1 %`` and ``>99 %`` where rounding would say all or nothing."""
    whole = round(share * 100)
    if whole == 0 and share > 0:
        return "<1 %"
    if whole == 100 and share < 1:
        return ">99 %"
    return f"{whole} %"
