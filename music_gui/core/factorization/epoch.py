"""What a fit tells after each epoch, and how it looks as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.fit_state import FitState

#: One row an epoch; ``pandas.DataFrame(history)`` makes a table of it.
HISTORY_DTYPE = np.dtype(
    [("epoch", np.int32), ("loss", np.float64), ("sparsity", np.float64), ("n_vanished", np.int32)]
)


@dataclass(frozen=True, eq=False)
class Epoch:
    """A pass over the data, as told to a fit's ``callback``.

    Parameters
    ----------
    number : int
        Counted from 1.
    loss : float
        Relative squared Frobenius loss ``|X - X W' W|^2 / |X|^2`` (eq. 3 of the paper).
    sparsity : float
        Hoyer sparsity of all weights, 0 (all equal) to 1 (a single one).
    n_vanished : int
        Components that win no voxel.
    labels : ndarray, shape (n_voxels,), int32
        Component with the largest weight, 1 to C in the order of work, 0 where all are zero.
    state : callable
        Returns the state to resume from. Its arrays are the fit's own: save or copy them
        before the callback returns.
    """

    number: int
    loss: float
    sparsity: float
    n_vanished: int
    labels: NDArray[np.int32]
    state: Callable[[], FitState]


def hoyer_sparsity(sum_of_weights: float, sum_of_squares: float, n_weights: int) -> float:
    """Return Hoyer's sparsity (2004) from the sums over all weights, which are non-negative."""
    root = n_weights**0.5
    if sum_of_squares == 0 or n_weights < 2:
        return 0.0
    return float((root - sum_of_weights / sum_of_squares**0.5) / (root - 1))


def energy_order(energies: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order of the components: decreasing explained energy, ties as they stood."""
    return np.argsort(-energies, kind="stable")
