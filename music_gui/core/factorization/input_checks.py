"""Refuse maps that can't be factorised, and say which images are to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
) -> NDArray[np.float64]:
    """Check that maps are finite, non-negative, not constant, and differ from each other.

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
    ndarray, shape (n_images,), float64
        Squared length of each image; their sum is the squared Frobenius norm |X|^2.

    Raises
    ------
    MapsError
        If a value is NaN, infinite or negative, if an image has one value everywhere (zero, for
        example), or if all images are the same. It names images and voxel counts.
    """
    low, high = check_finite(X, runner, names)
    if (low < 0).any():
        raise MapsError(
            "Negative values in data",
            where=_named(X, low < 0, lambda image: image < 0, names),
            why="the factorisation needs volumes, which are never negative",
            remedy="Give maps without z-scoring, and not smoothed by a filter that overshoots",
        )
    if (low == high).any():
        raise MapsError(
            "An image has the same value in all voxels",
            where=_named(X, low == high, lambda image: image == image[0], names),
            remedy="Leave it out, or check that it overlaps the mask",
        )
    if must_differ and not any((X[i] != X[0]).any() for i in range(1, len(X))):
        raise MapsError(
            "All images are the same",
            where=_named(X, np.ones(len(X), bool), lambda image: np.ones(len(image), bool), names),
            why="components are found from how the images differ",
            remedy="Give the maps of different participants",
        )
    squares = np.empty(len(X))

    def square(rows: slice) -> None:
        squares[rows] = np.einsum("ij,ij->i", X[rows], X[rows], dtype=np.float64)

    runner.each(square, _rows(X))
    return squares


def check_finite(
    X: NDArray[np.float32], runner: BlockRunner, names: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and largest value of each image, shape (n_images,) each.

    Raises
    ------
    MapsError
        If a value is NaN or infinite; it names images and voxel counts.
    """
    low, high = np.empty(len(X)), np.empty(len(X))

    def look(rows: slice) -> None:
        low[rows], high[rows] = X[rows].min(axis=1), X[rows].max(axis=1)

    runner.each(look, _rows(X))
    unusable = ~np.isfinite(low) | ~np.isfinite(high)
    if unusable.any():
        raise MapsError(
            "Values in data are NaN or infinite",
            where=_named(X, unusable, lambda image: ~np.isfinite(image), names),
            remedy="Repair these images or leave them out; NaN outside the brain can be set to 0",
        )
    return low, high


def _rows(X: NDArray[np.float32]) -> list[slice]:
    return slices(len(X), max(_BLOCK_VALUES // X.shape[1], 1))


def _named(
    X: NDArray[np.float32],
    rows: NDArray[np.bool_],
    is_bad: Callable[[NDArray[np.float32]], NDArray[np.bool_]],
    names: Sequence[str] | None,
) -> str:
    """Name the first of the images in question, each with its number of bad voxels."""
    which = np.flatnonzero(rows)
    named = ", ".join(
        f"{names[i] if names is not None else f'image {i}'} ({int(is_bad(X[i]).sum())} voxels)"
        for i in which[:_ROWS_NAMED]
    )
    more = f" and {len(which) - _ROWS_NAMED} more" if len(which) > _ROWS_NAMED else ""
    return named + more
