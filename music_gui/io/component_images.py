"""Components as weights in 4D NIfTI images, one volume a component."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from music_gui.core.errors import InputError
from music_gui.core.factorization.components import NEGLIGIBLE
from music_gui.core.grid import Grid, check_same_grid
from music_gui.core.progress import Progress
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.nifti_header import Xform
from music_gui.io.nifti_volumes import Volumes, open_volumes, write_volumes


def write_component_images(path: Path, stored: StoredComponents, progress: Progress) -> None:
    """Write all components into one 4D image of float32, in bounded memory.

    Parameters
    ----------
    path : Path
        ``*_probseg.nii.gz``; the same components give the same bytes.
    stored : StoredComponents
        What to write; the voxels they do not name are 0.
    progress : Progress
        Told after each volume.
    """
    C = stored.components.shape[0]

    def volumes() -> Iterator[NDArray[np.float32]]:
        for index in range(C):
            progress.update(index / C, f"writing {path.name}: component {index + 1} of {C}")
            yield stored.component_image(index)

    write_volumes(path, volumes(), C, stored.grid, description=f"weights of {C} components")


def read_component_images(
    path: Path,
    progress: Progress,
    *,
    mask: NDArray[np.bool_] | None = None,
    mask_grid: Grid | None = None,
    xform: Xform = "auto",
) -> StoredComponents:
    """Read the weights of components from a 4D image, a volume at a time.

    Parameters
    ----------
    path : Path
        One volume a component, in their order.
    progress : Progress
        Told after each volume.
    mask : ndarray, shape of the grid, bool, optional
        The voxels that were factorised; by default those where any component has weight.
    mask_grid : Grid, optional
        Of the mask.
    xform : {"auto", "sform", "qform"}
        As in `music_gui.io.nifti.read_image`.

    Returns
    -------
    StoredComponents
        Weights below the share `NEGLIGIBLE` of their component's largest are left out.

    Raises
    ------
    GridMismatchError
        If the mask lies on another grid.
    InputError
        If it is no 4D image, or a weight is negative, infinite or missing, or outside the mask,
        or there is none.
    """
    indices: list[NDArray[np.int64]] = []
    weights: list[NDArray[np.float32]] = []
    with open_volumes(path, xform=xform) as volumes:
        grid, n_volumes = volumes.header.grid, len(volumes)
        _check_place(volumes)
        if n_volumes == 1:
            raise _not_four_dimensional(volumes)
        if mask_grid is not None:
            check_same_grid(grid, mask_grid, where=str(path), reference_name="the mask")
        for number, volume in enumerate(volumes):
            progress.update(number / n_volumes, f"reading component {number + 1} of {n_volumes}")
            flat = volume.ravel()
            _check_weights(flat, volume.shape, number, str(path))
            mine = np.flatnonzero(flat >= max(NEGLIGIBLE * flat.max(), np.finfo(np.float32).tiny))
            indices.append(mine)
            weights.append(flat[mine])
    if not any(map(len, indices)):
        raise InputError("all weights are zero", where=str(path))
    voxels = _voxels(indices, mask, str(path))
    columns = np.concatenate([np.searchsorted(voxels, mine) for mine in indices]).astype(np.int32)
    indptr = np.cumsum([0, *map(len, indices)])
    components = csr_array(
        (np.concatenate(weights), columns, indptr), shape=(n_volumes, len(voxels))
    )
    return StoredComponents(components, voxels, grid)


def _voxels(
    indices: list[NDArray[np.int64]], mask: NDArray[np.bool_] | None, where: str
) -> NDArray[np.int64]:
    weighted: NDArray[np.int64] = np.unique(np.concatenate(indices))
    if mask is None:
        return weighted
    voxels = np.flatnonzero(mask)
    n_outside = int((~np.isin(weighted, voxels, assume_unique=True)).sum())
    if n_outside:
        raise InputError(
            f"{n_outside:,} voxels with weight lie outside the mask of {len(voxels):,} voxels",
            where=where,
            remedy="Give the mask that was factorised, or none",
        )
    return voxels


def _check_place(volumes: Volumes) -> None:
    if volumes.header.needs_xform_choice:
        raise InputError(
            "sform and qform of the header place the image differently",
            where=volumes.where,
            why=next(text for text in volumes.warnings if "disagree" in text),
            remedy="Look at the image with both and choose the transform (xform)",
        )


def _check_weights(
    flat: NDArray[np.float32], shape: tuple[int, ...], number: int, where: str
) -> None:
    """Refuse what can't be a weight, naming the first."""
    wrong = np.flatnonzero(~(np.isfinite(flat) & (flat >= 0)))
    if not len(wrong):
        return
    voxel = tuple(int(index) for index in np.unravel_index(wrong[0], shape))
    value, place = float(flat[wrong[0]]), f"{where}, volume {number}, voxel {voxel}"
    more = f"{len(wrong):,} voxels of this component are so"
    if np.isfinite(value):
        raise InputError(
            f"a weight is negative ({value:g})",
            where=place,
            why=f"{more}; components of non-negative factorisation have none, those of ICA or "
            "PCA and maps of z-scores do",
            remedy="Give the non-negative weights W",
        )
    raise InputError(
        "a weight is missing (NaN)" if np.isnan(value) else "a weight is infinite",
        where=place,
        why=more,
        remedy="Write the components again, with 0 where a component has no weight",
    )


def _not_four_dimensional(volumes: Volumes) -> InputError:
    (only,) = list(volumes)
    whole = bool(np.isfinite(only).all() and (only == np.rint(only)).all())
    if whole and len(np.unique(only)) > 2:
        return InputError(
            f"this is a label image with labels up to {only.max():g}, not weights of components",
            where=volumes.where,
            why="it has one volume of whole numbers",
            remedy="Import it as an atlas (import-atlas); or give the 4D image with one volume a "
            "component",
        )
    return InputError(
        "this image has one volume, not one for each component",
        where=volumes.where,
        remedy="Give a 4D image with one volume a component",
    )
