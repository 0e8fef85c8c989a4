"""Number the components of a partition like those of an earlier one, so that colours stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def numbered_like(
    labels: NDArray[np.int32], before: NDArray[np.int32], n_labels: int
) -> NDArray[np.int32]:
    """Give each component the number of the earlier one with which it shares most voxels.

    Pairs are taken by decreasing overlap, each number once; what is left over takes the numbers
    that are left over.

    Parameters
    ----------
    labels, before : ndarray, shape (n_voxels,), int32
        1 to n_labels, 0 outside of all components.
    n_labels : int
        C.

    Returns
    -------
    ndarray, shape (n_voxels,), int32
        The same partition as ``labels``.
    """
    both = (labels > 0) & (before > 0)
    pairs, overlaps = np.unique(
        before[both].astype(np.int64) * (n_labels + 1) + labels[both], return_counts=True
    )
    numbers = np.zeros(n_labels + 1, dtype=np.int32)
    free = np.ones(n_labels + 1, dtype=bool)
    free[0] = False
    for pair in pairs[np.argsort(-overlaps, kind="stable")].tolist():
        old, new = divmod(pair, n_labels + 1)
        if free[old] and not numbers[new]:
            numbers[new], free[old] = old, False
    unmatched = np.flatnonzero(numbers[1:] == 0) + 1
    numbers[unmatched] = np.flatnonzero(free)
    return numbers[labels]
