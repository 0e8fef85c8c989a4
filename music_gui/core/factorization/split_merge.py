"""Split-and-merge moves: how exact ONMF leaves a local optimum.

Alternation alone keeps components where they started: two may share one region while another
covers two. A move merges the two components that are cheapest to merge and splits one whose
split gains more. Costs come from the rank-1 summaries of the components, gains from a small
two-means within each, so that proposing moves is much cheaper than one assignment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.parent_regions import NOBODY
from music_gui.core.factorization.spherical_kmeans import (
    MemberRows,
    Partition,
    VoxelRows,
    groups,
    members_of,
    squared_length,
    unit,
)

_POWER_STEPS = 3
_TWO_MEANS_STEPS = 4
_PAIRS_PER_COMPONENT = 20


@dataclass(frozen=True, eq=False)
class Splits:
    """What splitting each component in two would bring.

    Parameters
    ----------
    gains : ndarray, shape (C,), float64
        Growth of the explained energy.
    directions : ndarray, shape (C, 2, n_images), float32
        Unit vectors of the two halves.
    """

    gains: NDArray[np.float64]
    directions: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Proposal:
    """Directions after moves.

    Parameters
    ----------
    directions : ndarray, shape (C, n_images), float32
        Unit vectors.
    n_moves : int
        How many moves they are.
    owners : ndarray, shape (C,), int32, or None
        The region of a coarser scale that each belongs to, where components stay within these.
    """

    directions: NDArray[np.float32]
    n_moves: int
    owners: NDArray[np.int32] | None = None


def propose(
    rows: VoxelRows,
    partition: Partition,
    max_moves: int,
    runner: BlockRunner,
    owners: NDArray[np.int32] | None = None,
) -> Proposal:
    """Return directions after the most profitable moves.

    Parameters
    ----------
    rows : VoxelRows
    partition : Partition
        A local optimum of the alternation.
    max_moves : int
        Most moves at once.
    runner : BlockRunner
        Runs groups of components.
    owners : ndarray, shape (C,), int32, optional
        Regions that components stay within: only components of one region merge. The freed
        component moves to the region of the one that is split.
    """
    splits = try_splits(rows, partition, runner)
    costs = merge_costs(partition.directions, partition.energies)
    directions = partition.directions.copy()
    if owners is not None:
        owners = owners.copy()
        alive = owners != NOBODY
        costs[(owners[:, None] != owners) & alive[:, None] & alive] = np.inf
    moves = _choose(costs, splits.gains, max_moves)
    for kept, freed, split in moves:
        merged = sum(
            (partition.energies[c] * partition.directions[c].astype(np.float64))
            for c in (kept, freed)
        )
        directions[kept] = unit(np.asarray(merged, dtype=np.float32))
        directions[split], directions[freed] = splits.directions[split]
        if owners is not None:
            owners[kept] = max(owners[kept], owners[freed])
            owners[freed] = owners[split]
    return Proposal(directions, len(moves), owners)


def merge_costs(
    directions: NDArray[np.float32], energies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the energy lost by merging each two components, shape (C, C).

    The merged component is the leading eigenvector of ``a u u' + b v v'``, whose eigenvalue is
    ``(a + b)/2 + sqrt(((a - b)/2)^2 + a b (u'v)^2)``.
    """
    cosines = directions.astype(np.float64) @ directions.T.astype(np.float64)
    a, b = energies[:, None], energies[None, :]
    costs: NDArray[np.float64] = (a + b) / 2 - np.sqrt(((a - b) / 2) ** 2 + a * b * cosines**2)
    return np.maximum(costs, 0)


def try_splits(rows: VoxelRows, partition: Partition, runner: BlockRunner) -> Splits:
    """Split each component in two by a few steps of two-means, without changing anything."""
    C, n_images = partition.directions.shape
    members = members_of(partition.labels, C)
    gains, directions = np.zeros(C), np.zeros((C, 2, n_images), np.float32)

    def split(group: range) -> None:
        for c in group:
            if len(members[c]) < 2:
                continue
            mine = MemberRows(rows, members[c], runner)
            gains[c], directions[c] = _split(
                mine,
                partition.weights[members[c]],
                partition.directions[c],
                rows.squared_norms[members[c]],
            )

    runner.each(split, groups(members))
    return Splits(gains, directions)


def _split(
    mine: MemberRows,
    weights: NDArray[np.float32],
    direction: NDArray[np.float32],
    squared_norms: NDArray[np.float64],
) -> tuple[float, NDArray[np.float32]]:
    """Return gain and directions of one component's split; a gain of 0 if there is none."""
    none = 0.0, np.zeros((2, len(direction)), np.float32)
    before = squared_length(weights)
    worst = int(np.argmax(squared_norms - weights.astype(np.float64) ** 2))
    start = np.zeros_like(weights)
    start[worst] = 1
    axis = mine.combine(start) - weights[worst] * direction
    for _ in range(_POWER_STEPS):  # towards the leading direction of the residual
        axis = unit(axis)
        residual = mine.project(axis) - weights * (direction @ axis)
        axis = mine.combine(residual) - (residual @ weights) * direction
    axis = unit(axis)
    first = mine.project(axis) - weights * (direction @ axis) > 0
    for _ in range(_TWO_MEANS_STEPS):
        halves = [unit(mine.combine(np.where(side, weights, 0))) for side in (first, ~first)]
        if not (halves[0].any() and halves[1].any()):
            return none
        a, b = mine.project(halves[0]), mine.project(halves[1])
        first, weights = a > b, np.maximum(a, b)
    return squared_length(weights) - before, np.stack(halves)


def _choose(
    costs: NDArray[np.float64], gains: NDArray[np.float64], max_moves: int
) -> list[tuple[int, int, int]]:
    """Match cheap merges with profitable splits; no component takes part in two moves.

    Returns
    -------
    list of (kept, freed, split)
    """
    C = len(gains)
    upper = np.triu_indices(C, 1)
    pair_costs = costs[upper]
    few = min(_PAIRS_PER_COMPONENT * C, len(pair_costs))
    cheap = np.argpartition(pair_costs, few - 1)[:few] if few else np.arange(0)
    cheap = cheap[np.argsort(pair_costs[cheap], kind="stable")]
    best_splits = iter(np.argsort(-gains, kind="stable").tolist())
    busy: set[int] = set()
    moves: list[tuple[int, int, int]] = []
    for pair in cheap:
        kept, freed = int(upper[0][pair]), int(upper[1][pair])
        if kept in busy or freed in busy:
            continue
        split = next((c for c in best_splits if c not in busy and c not in (kept, freed)), None)
        if len(moves) == max_moves or split is None or gains[split] <= pair_costs[pair]:
            break
        moves.append((kept, freed, split))
        busy |= {kept, freed, split}
    return moves
