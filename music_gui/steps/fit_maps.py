"""The imported maps in the order that a factorisation reads, as far as the memory goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization import ExactONMF, SopNMF
from music_gui.core.progress import Progress
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.voxel_major import turn_in_memory, turn_on_disk
from music_gui.steps.step import Workspace

#: Share of the free memory that the maps may take before they are left on disk.
_MAPS_SHARE = 0.5

_VALUES_AT_ONCE = 2**22


def arrange(
    maps: MaskedMaps,
    estimator: SopNMF | ExactONMF,
    workspace: Workspace,
    progress: Progress,
    *,
    title: str,
    coarser: bool = False,
    halves: bool = False,
) -> NDArray[np.float32]:
    """Return the maps in the order that an algorithm reads, and tell what memory it needs.

    Parameters
    ----------
    maps : MaskedMaps
    estimator : SopNMF or ExactONMF
        The largest that will be fitted.
    workspace : Workspace
        Its scratch folder holds maps that are too large for the memory.
    progress : Progress
        Of turning them.
    title : str
        Of the algorithm.
    coarser : bool
        Scales start from coarser ones.
    halves : bool
        `part_of` will copy two parts of the maps, which together are as large as they.

    Returns
    -------
    ndarray or memmap, shape (n_images, n_voxels), float32

    Raises
    ------
    ParameterError
        If the memory is too small.
    """
    bytes_of_maps = 4 * maps.n_images * maps.n_voxels
    needed = estimator.forecast_bytes(maps.n_images, maps.n_voxels, coarser=coarser)
    free = int(psutil.virtual_memory().available)
    exact = isinstance(estimator, ExactONMF)
    on_disk = exact and bytes_of_maps > _MAPS_SHARE * free
    if on_disk:
        needed -= bytes_of_maps
    if halves and not on_disk and bytes_of_maps < _MAPS_SHARE * (free - needed):
        needed += bytes_of_maps
    progress.log(
        f"{title} of {maps.n_images} maps of {maps.n_voxels:,} voxels "
        f"needs {_gigabytes(needed)} of memory; {_gigabytes(free)} are free"
    )
    if needed > free:
        raise ParameterError(
            f"scale {estimator.n_components} needs {_gigabytes(needed)} of memory",
            why=f"{_gigabytes(free)} are free",
            remedy="Close other programs, or choose smaller scales",
        )
    if not exact:
        return maps.maps
    if on_disk:
        progress.log("The maps stay on disk, since they would fill the memory")
        return turn_on_disk(maps.maps, workspace.scratch / "voxel_major.f4", progress)
    return turn_in_memory(maps.maps, progress)


def part_of(
    X: NDArray[np.float32],
    images: NDArray[np.intp],
    path: Path,
    progress: Progress,
) -> NDArray[np.float32]:
    """Copy some of the maps in the order of all, to scratch disk if they would fill the memory.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        What `arrange` returned.
    images : ndarray of int
        Ascending positions of the maps.
    path : Path
        A scratch file, used if the memory is too small.
    progress : Progress
        Told how far it is.

    Returns
    -------
    ndarray or memmap, shape (len(images), n_voxels), float32
    """
    by_voxel = X.flags.f_contiguous
    shape = (X.shape[1], len(images)) if by_voxel else (len(images), X.shape[1])
    width = max(_VALUES_AT_ONCE // shape[1], 1)

    def blocks() -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for start in range(0, shape[0], width):
            progress.update(start / shape[0], "taking a part of the maps")
            lines = slice(start, start + width)
            yield lines, X.T[lines, images] if by_voxel else X[images[lines]]

    part: NDArray[np.float32]
    if 4 * shape[0] * shape[1] > _MAPS_SHARE * psutil.virtual_memory().available:
        with path.open("wb") as file:  # written, not mapped: a full disk then raises an error
            for _, block in blocks():
                file.write(np.ascontiguousarray(block, "<f4").data)
        part = np.memmap(path, "<f4", "r", shape=shape)
    else:
        part = np.empty(shape, np.float32)
        for lines, block in blocks():
            part[lines] = block
    return part.T if by_voxel else part


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
