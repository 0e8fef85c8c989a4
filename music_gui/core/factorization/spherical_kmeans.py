"""Weighted spherical k-means of voxels: the two steps of exact orthogonal NMF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner, slices
from music_gui.core.factorization.multiplicative_update import loadings

_ROWS_A_TASK = 2048
_CACHED_VALUES = 2**24


@dataclass(frozen=True, eq=False)
class VoxelRows:
    """The maps turned voxel-major: each voxel is a row of its values in all images.

    Parameters
    ----------
    values : ndarray or memmap, shape (n_voxels, n_images), float32
        C-contiguous.
    squared_norms : ndarray, shape (n_voxels,), float64
        Squared length of each row.
    """

    values: NDArray[np.float32]
    squared_norms: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray[np.float32], runner: BlockRunner) -> VoxelRows:
        """Turn maps, shape (n_images, n_voxels); Fortran-ordered maps are not copied."""
        n_images, n_voxels = X.shape
        squared_norms = np.empty(n_voxels)
        ready = X.T.flags.c_contiguous
        values = X.T if ready else np.empty((n_voxels, n_images), np.float32)

        def turn(block: slice) -> None:
            if not ready:
                values[block] = X[:, block].T
            rows = values[block]
            squared_norms[block] = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)

        runner.each(turn, slices(n_voxels, max(2**20 // n_images, 16)))
        return cls(values, squared_norms)

    @property
    def squared_norm(self) -> float:
        """|X|^2."""
        return float(self.squared_norms.sum())


@dataclass(frozen=True, eq=False)
class Partition:
    """Voxels parted among components.

    Parameters
    ----------
    labels : ndarray, shape (n_voxels,), int32
        Component of each voxel, from 0.
    weights : ndarray, shape (n_voxels,), float32
        Length of the voxel's projection on its component's direction.
    directions : ndarray, shape (C, n_images), float32
        Unit vectors; zero for a component without voxels.
    energies : ndarray, shape (C,), float64
        Explained part of |X|^2: sum of the squared weights of the component's voxels.
    """

    labels: NDArray[np.int32]
    weights: NDArray[np.float32]
    directions: NDArray[np.float32]
    energies: NDArray[np.float64]

    @property
    def n_vanished(self) -> int:
        """Number of components without voxels."""
        return int(np.count_nonzero(self.energies <= 0))

    def components(self, order: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the weights in an order, each component at length 1, shape (C, n_voxels)."""
        C, n_voxels = len(self.energies), len(self.labels)
        rank = np.empty(C, np.intp)
        rank[order] = np.arange(C)
        lengths = np.sqrt(np.where(self.energies > 0, self.energies, 1))
        components = np.zeros((C, n_voxels), np.float32)
        components[rank[self.labels], np.arange(n_voxels)] = self.weights / lengths[self.labels]
        return components


class MemberRows:
    """The rows of one component's voxels, gathered once if they are few enough.

    Parameters
    ----------
    rows : VoxelRows
    members : ndarray, shape (m,), intp
        The component's voxels.
    runner : BlockRunner
        Asked whether to stop where the rows are many.
    """

    def __init__(self, rows: VoxelRows, members: NDArray[np.intp], runner: BlockRunner) -> None:
        self._values = rows.values
        self._members = members
        self._runner = runner
        n_images = rows.values.shape[1]
        self._parts = slices(len(members), max(_CACHED_VALUES // n_images, 1))
        self._cached = rows.values[members] if len(self._parts) == 1 else None

    def project(self, direction: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the projection of each row on a direction, shape (m,)."""
        if self._cached is not None:
            projection: NDArray[np.float32] = self._cached @ direction
            return projection
        return np.concatenate([self._rows(part) @ direction for part in self._parts])

    def combine(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weighted sum of the rows, shape (n_images,)."""
        if self._cached is not None:
            combination: NDArray[np.float32] = weights @ self._cached
            return combination
        total = np.zeros(self._values.shape[1])
        for part in self._parts:
            total += weights[part] @ self._rows(part)
        return total.astype(np.float32)

    def _rows(self, part: slice) -> NDArray[np.float32]:
        self._runner.check()
        rows: NDArray[np.float32] = self._values[self._members[part]]
        return rows


def random_directions(
    rows: VoxelRows, n_components: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return the directions of different random voxels, shape (C, n_images), none of them zero.

    Directions that remain when there are fewer voxels than components are zero.
    """
    candidates = np.flatnonzero(rows.squared_norms > 0)
    chosen = generator.choice(candidates, min(n_components, len(candidates)), replace=False)
    directions = np.zeros((n_components, rows.values.shape[1]), np.float32)
    directions[: len(chosen)] = unit_rows(rows, chosen)
    return directions


def loading_directions(
    X: NDArray[np.float32], weights: NDArray[np.float32], runner: BlockRunner
) -> NDArray[np.float32]:
    """Return the unit vectors along the loadings X W of components, shape (C, n_images)."""
    H = loadings(X, weights, runner).T
    lengths = np.linalg.norm(H, axis=1, keepdims=True)
    return (H / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def unit_rows(rows: VoxelRows, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the rows of some voxels at length 1."""
    lengths = np.sqrt(rows.squared_norms[chosen]).astype(np.float32)
    directions: NDArray[np.float32] = rows.values[chosen] / lengths[:, None]
    return directions


def assign(
    rows: VoxelRows, directions: NDArray[np.float32], runner: BlockRunner
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Give each voxel the direction that explains most of it.

    The directions are non-negative as the data are, so the largest projection is also the one
    of the largest square.

    Returns
    -------
    labels : ndarray, shape (n_voxels,), int32
        From 0; of equal projections the first direction wins.
    weights : ndarray, shape (n_voxels,), float32
        The projection.
    """
    n_voxels, n_images = rows.values.shape
    labels, weights = np.empty(n_voxels, np.int32), np.empty(n_voxels, np.float32)
    turned = directions.T

    def look(block: slice) -> None:
        values = rows.values[block]
        scores = runner.buffer("scores", (len(values), len(directions)))
        np.matmul(values, turned, out=scores)
        winner = scores.argmax(axis=1)
        labels[block] = winner
        weights[block] = scores[np.arange(len(values)), winner]

    runner.each(look, slices(n_voxels, block_width(len(directions), n_images)))
    return labels, weights


def members_of(labels: NDArray[np.int32], n_components: int) -> list[NDArray[np.intp]]:
    """Return the voxels of each component, ascending."""
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(n_components + 1))
    return [order[bounds[c] : bounds[c + 1]] for c in range(n_components)]


def refine(
    rows: VoxelRows,
    labels: NDArray[np.int32],
    weights: NDArray[np.float32],
    n_components: int,
    runner: BlockRunner,
    *,
    n_steps: int = 2,
    tol: float = 0.0,
) -> Partition:
    """Turn each direction to the leading singular vector of its voxels by power steps.

    Parameters
    ----------
    rows : VoxelRows
    labels : ndarray, shape (n_voxels,), int32
    weights : ndarray, shape (n_voxels,), float32
        Projections to start from, as `assign` returns them.
    n_components : int
    runner : BlockRunner
        Runs groups of components.
    n_steps : int
        Most power steps.
    tol : float
        Stop a component earlier if its energy grows by less than this share.
    """
    members = members_of(labels, n_components)
    directions = np.zeros((n_components, rows.values.shape[1]), np.float32)
    energies = np.zeros(n_components)
    new_weights = np.zeros_like(weights)

    def turn(group: range) -> None:
        for c in group:
            if not weights[members[c]].any():
                continue
            mine = MemberRows(rows, members[c], runner)
            projection, energy = weights[members[c]], 0.0
            for _ in range(n_steps):
                direction = unit(mine.combine(projection))
                projection = mine.project(direction)
                before, energy = energy, squared_length(projection)
                if energy - before <= tol * energy:
                    break
            directions[c], energies[c] = direction, energy
            new_weights[members[c]] = projection

    runner.each(turn, groups(members))
    return Partition(labels, new_weights, directions, energies)


def groups(members: list[NDArray[np.intp]]) -> list[range]:
    """Group neighbouring components so that each group has voxels enough for a task."""
    result, start, held = [], 0, 0
    for c, mine in enumerate(members):
        held += len(mine)
        if held >= _ROWS_A_TASK or c == len(members) - 1:
            result.append(range(start, c + 1))
            start, held = c + 1, 0
    return result


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a vector at length 1; the zero vector stays."""
    length = squared_length(vector) ** 0.5
    scaled: NDArray[np.float32] = vector if length == 0 else vector / np.float32(length)
    return scaled


def squared_length(vector: NDArray[np.float32]) -> float:
    """Return the sum of squares in float64."""
    double = vector.astype(np.float64)
    return float(double @ double)


def block_width(n_components: int, n_images: int) -> int:
    """Rows a block: enough for a fast product, few enough for scores and rows to stay cached."""
    return max(min(2**19 // n_components, 2**21 // n_images, 2048), 256)
