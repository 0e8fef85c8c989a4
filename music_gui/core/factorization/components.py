"""Finished components: which weights count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization.epoch import hoyer_sparsity

#: Share of a component's largest weight below which a weight counts as zero. It is about the
#: resolution of float32: together such weights can't be seen in a loading.
NEGLIGIBLE = 1e-7


def drop_negligible(components: NDArray[np.float32]) -> None:
    """Set negligible weights to zero, in place.

    The published update never reaches zero; without this, nearly all its weights would have to
    be stored, and a voxel that belongs nowhere would be labelled by noise.

    Parameters
    ----------
    components : ndarray, shape (C, n_voxels), float32
    """
    for component in components:
        component[component < NEGLIGIBLE * component.max()] = 0


def sparsity(components: NDArray[np.float32]) -> float:
    """Return Hoyer's sparsity of all weights, 0 (all equal) to 1 (a single one)."""
    total = float(components.sum(dtype=np.float64))
    squares = sum(float(np.vdot(c.astype(np.float64), c)) for c in components)
    return hoyer_sparsity(total, squares, components.size)
