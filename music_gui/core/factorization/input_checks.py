"""Refuse maps that can't be factorised, and say which images are to blame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.factorization.blocks import BlockRunner, slices

_ROWS_NAMED = 5
_BLOCK_VALUES = 2**22


class MapsError(InputError, ValueError):
    """Maps that can't be factorised; a ValueError too, as scikit-learn's conventions ask."""


def check_maps(
    X: NDArray[np.float32],
    runner: BlockRunner,
    names: Sequence[str] | None = None,
    *,
    must_differ: bool = True,
) -> float:
    """Check that maps are finite, non-negative, not zero, and differ from each other.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        The maps.
    runner : BlockRunner
        Runs the blocks.
    names : sequence of str, optional
        Name of each image for the messages; its row number (from 0) otherwise.
    must_differ : bool
        Refuse images that are all the same.

    Returns
    -------
    float
        The squared Frobenius norm |X|^2, summed in float64.

    Raises
    ------
    MapsError
        If a value is NaN, infinite or negative, if an image is zero everywhere, or if all
        images are the same.
    """
    finite, negative, square = [], [], []

    def look(rows: slice) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        block = X[rows]
        return (
            block.shape[1] - np.isfinite(block).sum(axis=1),
            (block < 0).sum(axis=1),
            np.einsum("ij,ij->i", block, block, dtype=np.float64),
        )

    width = max(_BLOCK_VALUES // X.shape[1], 1)
    for bad, below, squares in runner.map(look, slices(len(X), width)):
        finite.append(bad)
        negative.append(below)
        square.append(squares)
    _refuse(
        np.concatenate(finite),
        "not finite (NaN or infinite)",
        "Repair these images, or leave them out; NaN outside the brain can be set to 0",
        names,
    )
    _refuse(
        np.concatenate(negative),
        "negative",
        "The factorisation needs volumes, which are never negative: "
        "check that the maps were not smoothed with a filter that overshoots, or z-scored",
        names,
    )
    squares = np.concatenate(square)
    _refuse(
        np.where(squares == 0, X.shape[1], 0),
        "zero: the whole image",
        "Leave these images out, or check that they overlap the mask",
        names,
    )
    if must_differ and not any((X[i] != X[0]).any() for i in range(1, len(X))):
        raise MapsError(
            "all images are the same",
            why="components are found from how the images differ",
            remedy="Give the maps of different participants",
        )
    return float(squares.sum())


def _refuse(
    counts: NDArray[np.intp], trouble: str, remedy: str, names: Sequence[str] | None
) -> None:
    rows = np.flatnonzero(counts)
    if len(rows) == 0:
        return
    named = ", ".join(
        f"{names[i] if names is not None else f'image {i}'} ({counts[i]} voxels)"
        for i in rows[:_ROWS_NAMED]
    )
    more = f" and {len(rows) - _ROWS_NAMED} more" if len(rows) > _ROWS_NAMED else ""
    plural = "s have" if len(rows) > 1 else " has"
    raise MapsError(
        f"{len(rows)} image{plural} voxels that are {trouble}", where=named + more, remedy=remedy
    )
