"""How well the components of two parts of a cohort agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.factorization.blocks import BlockRunner, slices
from music_gui.core.progress import Progress

_VOXELS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class ReproducibilityIndex:
    """Agreement of two sets of components.

    Parameters
    ----------
    inner_products : ndarray, shape (C,), float64
        Of each component of the first set with its match, both at length 1: from 0 to 1. A
        vanished component agrees with none, which counts as 0.
    matches : ndarray, shape (C,), int64
        The match of each component of the first set among those of the second.
    """

    inner_products: NDArray[np.float64]
    matches: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Mean inner product: the reproducibility index of the paper."""
        return float(self.inner_products.mean())

    @property
    def median(self) -> float:
        """Median inner product."""
        return float(np.median(self.inner_products))

    @property
    def standard_deviation(self) -> float:
        """Standard deviation of the inner products over components."""
        return float(self.inner_products.std())


def reproducibility_index(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> ReproducibilityIndex:
    """Match two sets of components one to one and compare the matched ones.

    Each component is brought to length 1; the matching is the one of the largest sum of inner
    products (Hungarian method), as in Sotiras et al., NeuroImage 108 (2015) and Wen et al. (2022).

    Parameters
    ----------
    first, second : ndarray, shape (C, n_voxels)
        Non-negative components on the same voxels.
    n_jobs : int or None
        Threads; None means all. The result does not depend on it.
    progress : Progress, optional
        Asked whether to stop.

    Returns
    -------
    ReproducibilityIndex

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if first.shape != second.shape:
        raise InputError(
            f"components of shape {first.shape} can't be matched with those of shape "
            f"{second.shape}",
            remedy="Compare fits of one scale on the same voxels",
        )
    C, n_voxels = first.shape
    products, squares = np.zeros((C, C)), np.zeros((2, C))

    def multiply(block: slice) -> tuple[NDArray[np.floating], list[NDArray[np.float64]]]:
        a, b = first[:, block], second[:, block]
        return a @ b.T, [np.einsum("cv,cv->c", x, x, dtype=np.float64) for x in (a, b)]

    with BlockRunner(n_jobs, progress) as runner:
        for part, part_squares in runner.map(multiply, slices(n_voxels, _VOXELS_AT_ONCE)):
            products += part
            squares += part_squares
    lengths = np.sqrt(np.where(squares > 0, squares, 1))
    products /= lengths[0][:, None] * lengths[1]
    rows, matches = linear_sum_assignment(products, maximize=True)
    return ReproducibilityIndex(products[rows, matches], matches.astype(np.int64))


def split_halves(
    participant_ids: Sequence[str], seed: int, strata: Sequence[object] | None = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split maps at random in two halves, all maps of a participant in the same one.

    Parameters
    ----------
    participant_ids : sequence of str, length n
        Whose map each is.
    seed : int
    strata : sequence, length n, optional
        Groups to share evenly between the halves, such as (site, sex); a participant belongs to
        the group of their first map.

    Returns
    -------
    first, second : ndarray of int
        Ascending positions of the maps of each half; together all of them. Numbers of
        participants differ by one at most.

    Raises
    ------
    ParameterError
        If there are fewer than two participants.
    """
    ids = np.asarray(participant_ids)
    people, first_map, owner = np.unique(ids, return_index=True, return_inverse=True)
    if len(people) < 2:
        raise ParameterError(
            f"the maps of {len(people)} participant can't be split in two halves",
            remedy="Import maps of more participants",
        )
    order = np.random.default_rng(seed).permutation(len(people))
    if strata is not None:
        groups = [strata[position] for position in first_map]
        number = {group: i for i, group in enumerate(dict.fromkeys(groups))}
        order = order[np.argsort([number[groups[i]] for i in order], kind="stable")]
    in_first = np.zeros(len(people), np.bool_)
    in_first[order[::2]] = True
    chosen = in_first[owner]
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def split_groups(
    groups: Sequence[object],
) -> dict[object, NDArray[np.intp]]:
    """Return the ascending positions of the maps of each group, such as of each sex.

    Maps whose group is missing (None or NaN) are in none.
    """
    positions: dict[object, list[int]] = {}
    for position, group in enumerate(groups):
        if group is not None and group == group:  # NaN differs from itself
            positions.setdefault(group, []).append(position)
    return {group: np.array(found, np.intp) for group, found in positions.items()}
