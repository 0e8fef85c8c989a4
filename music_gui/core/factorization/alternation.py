"""One start of exact ONMF: alternate, then move components, until the loss stops falling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.blocks import BlockRunner
from music_gui.core.factorization.epoch import HISTORY_DTYPE, hoyer_sparsity
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.parent_regions import NOBODY, ParentRegions
from music_gui.core.factorization.spherical_kmeans import (
    Partition,
    VoxelRows,
    assign,
    refine,
    unit_rows,
)
from music_gui.core.factorization.split_merge import propose

#: While components still move, a descent ends at a drop this many times larger than ``tol``.
_COARSER = 10
#: Drops of the loss below this are rounding of float32 weights.
_ROUNDING = 1e-8

#: After a set of moves that did not pay, this share of them is tried.
_FEWER_MOVES = 4


@dataclass
class Alternation:
    """The search from one start; all of its state, so that it can be saved between iterations.

    Parameters
    ----------
    seed : tuple of int
        Seed of the fit and number of the start; with the iteration's number it decides all that
        is random.
    directions : ndarray, shape (C, n_images), float32
        Unit vectors to assign voxels to next.
    owners : ndarray, shape (C,), int32, or None
        The region that each direction belongs to, where components stay within the regions of a
        coarser scale.
    accepted : Partition or None
        The best local optimum so far.
    accepted_loss : float
        Its loss.
    previous_loss : float
        Loss of the iteration before in the same descent; infinite at its start.
    max_moves : int
        Most split-and-merge moves to try at once.
    final : bool
        No moves are left to try; the last descent is under way.
    done : bool
        The last descent has ended.
    history : list of (iteration, loss, sparsity, n_vanished)
    """

    seed: tuple[int, int]
    directions: NDArray[np.float32]
    owners: NDArray[np.int32] | None = None
    accepted: Partition | None = None
    accepted_loss: float = np.inf
    previous_loss: float = np.inf
    max_moves: int = 0
    final: bool = False
    done: bool = False
    history: list[tuple[int, float, float, int]] = field(default_factory=list)

    def iterate(
        self,
        rows: VoxelRows,
        runner: BlockRunner,
        *,
        tol: float,
        moves: bool,
        parents: ParentRegions | None = None,
    ) -> Partition:
        """Assign each voxel, refine each direction, and decide what to do next.

        The loss of an iteration is ``1 - sum of squared weights / |X|^2``: that of eq. 3 once
        the directions have converged, and an upper bound of it before.

        Parameters
        ----------
        rows : VoxelRows
        runner : BlockRunner
        tol : float
            Share by which the loss must fall for the search to go on.
        moves : bool
            Whether to try split-and-merge moves.
        parents : ParentRegions, optional
            Regions that components stay within; then there are ``owners``.
        """
        C = len(self.directions)
        if parents is None or self.owners is None:
            labels, weights = assign(rows, self.directions, runner)
        else:
            labels, weights = parents.assign(rows, self.directions, self.owners, runner)
        partition = refine(rows, labels, weights, C, runner)
        loss = 1 - float(partition.energies.sum()) / rows.squared_norm
        self.history.append(
            (len(self.history) + 1, loss, _sparsity(partition), partition.n_vanished)
        )
        self.final |= not moves
        least = max(tol * (1 if self.final else _COARSER) * loss, _ROUNDING)
        if self.previous_loss - loss >= least:
            self.previous_loss = loss
            self._continue(rows, partition, parents)
            return partition
        better = self.accepted_loss - loss >= least
        if loss < self.accepted_loss or self.accepted is None:
            self.accepted, self.accepted_loss = partition, loss
        if self.final:
            self.done = True
        else:
            self._move(rows, self.accepted, runner, parents, better=better)
        return partition

    def _move(
        self,
        rows: VoxelRows,
        accepted: Partition,
        runner: BlockRunner,
        parents: ParentRegions | None,
        *,
        better: bool,
    ) -> None:
        """Begin a new descent: after moves of the best optimum, or the last one without."""
        if better:
            most = len(self.directions)
        else:
            most = max(self.max_moves // _FEWER_MOVES, 1) if self.max_moves > 1 else 0
        self.directions, self.max_moves, self.previous_loss = accepted.directions, 0, np.inf
        self.owners = _owners(parents, accepted)
        if most:
            moved = propose(rows, accepted, most, runner, self.owners)
            self.directions, self.owners = moved.directions, moved.owners
            self.max_moves = moved.n_moves
        self.final = self.max_moves == 0

    def stop(self, partition: Partition) -> None:
        """End before convergence, keeping the last partition if it is the best."""
        loss = self.history[-1][1]
        if loss < self.accepted_loss:
            self.accepted, self.accepted_loss = partition, loss
        self.done = True

    def _continue(
        self, rows: VoxelRows, partition: Partition, parents: ParentRegions | None
    ) -> None:
        """Go on from a partition.

        Dead components get the direction of voxels drawn by their unexplained energy.
        """
        self.directions, self.owners = partition.directions, _owners(parents, partition)
        dead = np.flatnonzero(partition.energies <= 0)
        if len(dead) == 0:
            return
        unexplained = rows.squared_norms - partition.weights.astype(np.float64) ** 2
        unexplained[unexplained < 1e-6 * rows.squared_norms] = 0  # rounding
        if parents is not None:
            unexplained[parents.labels == NOBODY] = 0
        dead = dead[: np.count_nonzero(unexplained)]
        if len(dead) == 0:
            return
        generator = np.random.default_rng([*self.seed, len(self.history)])
        chosen = generator.choice(
            len(unexplained), len(dead), replace=False, p=unexplained / unexplained.sum()
        )
        self.directions = partition.directions.copy()
        self.directions[dead] = unit_rows(rows, chosen)
        if parents is not None and self.owners is not None:
            self.owners[dead] = parents.labels[chosen]

    def to_state(self) -> FitState:
        """Return the search as plain arrays."""
        accepted = self.accepted
        state: FitState = {
            "search_seed": np.array(self.seed),
            "directions": self.directions,
            "losses": np.array([self.accepted_loss, self.previous_loss]),
            "max_moves": np.array(self.max_moves),
            "final": np.array(self.final),
            "done": np.array(self.done),
            "history": np.array(self.history, HISTORY_DTYPE),
        }
        if self.owners is not None:
            state["owners"] = self.owners
        if accepted is not None:
            state |= partition_to_state("accepted", accepted)
        return state

    @classmethod
    def from_state(cls, state: FitState) -> Alternation:
        """Rebuild what `to_state` returned."""
        first, second = state["search_seed"].tolist()
        return cls(
            seed=(first, second),
            directions=state["directions"].copy(),
            owners=state["owners"].copy() if "owners" in state else None,
            accepted=partition_from_state("accepted", state),
            accepted_loss=float(state["losses"][0]),
            previous_loss=float(state["losses"][1]),
            max_moves=int(state["max_moves"]),
            final=bool(state["final"]),
            done=bool(state["done"]),
            history=[tuple(row) for row in state["history"].tolist()],
        )


def partition_to_state(name: str, partition: Partition) -> FitState:
    """Return a partition as arrays whose names begin with ``name``."""
    return {
        f"{name}_labels": partition.labels,
        f"{name}_weights": partition.weights,
        f"{name}_directions": partition.directions,
        f"{name}_energies": partition.energies,
    }


def partition_from_state(name: str, state: FitState) -> Partition | None:
    """Rebuild a partition, or None if the state holds none of that name."""
    if f"{name}_labels" not in state:
        return None
    return Partition(
        *(
            state[f"{name}_{part}"].copy()
            for part in ("labels", "weights", "directions", "energies")
        )
    )


def _owners(parents: ParentRegions | None, partition: Partition) -> NDArray[np.int32] | None:
    if parents is None:
        return None
    return parents.owners_of(partition.labels, partition.energies)


def _sparsity(partition: Partition) -> float:
    """Hoyer sparsity of the weights, each component at length 1."""
    C = len(partition.energies)
    sums = np.bincount(partition.labels, partition.weights.astype(np.float64), minlength=C)
    alive = partition.energies > 0
    total = (sums[alive] / np.sqrt(partition.energies[alive])).sum()
    return hoyer_sparsity(float(total), float(alive.sum()), C * len(partition.labels))
