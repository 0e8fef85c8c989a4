"""Maps turned voxel-major: the values of a voxel in all images side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from music_gui.core.progress import Progress

_VALUES_AT_ONCE = 2**23


def turn_in_memory(maps: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
    """Copy image-major maps to a Fortran-ordered array.

    Parameters
    ----------
    maps : ndarray or memmap, shape (n_images, n_voxels), float32
    progress : Progress
        Told how far it is.

    Returns
    -------
    ndarray, shape (n_images, n_voxels), float32
    """
    turned = np.empty(maps.shape[::-1], np.float32)
    for voxels in _blocks(maps, progress):
        turned[voxels] = maps[:, voxels].T
    return turned.T


def turn_on_disk(maps: NDArray[np.float32], path: Path, progress: Progress) -> NDArray[np.float32]:
    """Copy image-major maps to a file and map it, for cohorts larger than the memory.

    Parameters
    ----------
    maps : ndarray or memmap, shape (n_images, n_voxels), float32
    path : Path
        A scratch file; written anew.
    progress : Progress
        Told how far it is.

    Returns
    -------
    memmap, shape (n_images, n_voxels), float32
        Fortran-ordered, read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:  # written, not mapped: a full disk then raises an error
        for voxels in _blocks(maps, progress):
            file.write(np.ascontiguousarray(maps[:, voxels].T, "<f4").data)
    return np.memmap(path, "<f4", "r", shape=maps.shape[::-1]).T


def _blocks(maps: NDArray[np.float32], progress: Progress) -> Iterator[slice]:
    n_images, n_voxels = maps.shape
    step = max(_VALUES_AT_ONCE // n_images, 1)
    for start in range(0, n_voxels, step):
        progress.update(start / n_voxels, "turning the maps voxel-major")
        yield slice(start, start + step)
