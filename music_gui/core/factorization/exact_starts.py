"""A fit of exact ONMF under way: its starts, one after another."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from music_gui.core.factorization.alternation import (
    Alternation,
    partition_from_state,
    partition_to_state,
)
from music_gui.core.factorization.epoch import HISTORY_DTYPE, Epoch
from music_gui.core.factorization.fit_state import FitState
from music_gui.core.factorization.spherical_kmeans import Partition


@dataclass
class Starts:
    """The starts of one fit: those done, the best of them, and the one being searched.

    Parameters
    ----------
    seed : int
        Of the fit.
    search : Alternation or None
        The start that is being searched.
    best : Partition or None
        The best of the starts done.
    best_history : list of (iteration, loss, sparsity, n_vanished)
        Its course.
    losses : list of float
        Loss of each start done.
    lengths : list of int
        Iterations of each start done.
    """

    seed: int
    search: Alternation | None = None
    best: Partition | None = None
    best_history: list[tuple[int, float, float, int]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def end_start(self) -> None:
        """Keep the search's result if it is the best of all starts."""
        assert self.search is not None
        loss = self.search.accepted_loss
        if not self.losses or loss < min(self.losses):
            self.best, self.best_history = self.search.accepted, self.search.history
        self.losses.append(loss)
        self.lengths.append(len(self.search.history))
        self.search = None

    def as_epoch(self, partition: Partition, mark: str) -> Epoch:
        """Describe the last iteration of the search, which made this partition."""
        assert self.search is not None
        number, loss, sparsity, n_vanished = self.search.history[-1]
        labels = np.where(partition.weights > 0, partition.labels + 1, 0)
        return Epoch(
            number=sum(self.lengths) + number,
            loss=loss,
            sparsity=sparsity,
            n_vanished=n_vanished,
            labels=labels.astype(np.int32),
            state=lambda: self.to_state(mark),
        )

    def to_state(self, mark: str) -> FitState:
        """Return all as plain arrays, with the fingerprint of the fit."""
        state: FitState = {
            "fingerprint": np.array(mark),
            "seed": np.array(self.seed),
            "start_losses": np.array(self.losses),
            "start_lengths": np.array(self.lengths, np.int64),
            "best_history": np.array(self.best_history, HISTORY_DTYPE),
        }
        if self.best is not None:
            state |= partition_to_state("best", self.best)
        if self.search is not None:
            state |= self.search.to_state()
        return state

    @classmethod
    def from_state(cls, state: FitState) -> Starts:
        """Rebuild what `to_state` returned."""
        return cls(
            seed=int(state["seed"]),
            search=Alternation.from_state(state) if "search_seed" in state else None,
            best=partition_from_state("best", state),
            best_history=[tuple(row) for row in state["best_history"].tolist()],
            losses=state["start_losses"].tolist(),
            lengths=state["start_lengths"].tolist(),
        )
