"""Components and interrupted fits as ``.npz`` files without pickle."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from music_gui.core.atlas import argmax_labels
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.atomic import replacing

#: Raised when a change of the format makes older versions misread it.
FORMAT_VERSION = 1

#: `music_gui.core.factorization.FitState`, which is not imported: reading components needs no
#: factorisation.
_Arrays = dict[str, NDArray[Any]]

#: Voxels whose weights are looked at together when they are labelled.
_LABEL_BLOCK = 4096

_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, eq=False)
class StoredComponents:
    """Components of one scale, and where their voxels lie.

    Parameters
    ----------
    components : csr_array, shape (C, n_voxels), float32
        Non-negative weights, by decreasing explained energy.
    voxels : ndarray, shape (n_voxels,), int64
        Index of each voxel in the flattened grid (C order).
    grid : Grid
        The grid of the maps.
    """

    components: csr_array
    voxels: NDArray[np.int64]
    grid: Grid

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which voxels the columns are, shape of the grid."""
        mask = np.zeros(self.grid.n_voxels, np.bool_)
        mask[self.voxels] = True
        return mask.reshape(self.grid.shape)

    def label_image(self) -> NDArray[np.int32]:
        """Give each voxel the component with the largest weight (`argmax_labels`, eq. 4).

        Returns
        -------
        ndarray, shape of the grid, int32
            1 to C; 0 where no component has weight.
        """
        labels = np.zeros(self.grid.n_voxels, np.int32)
        by_voxel = self.components.tocsc()
        for start in range(0, len(self.voxels), _LABEL_BLOCK):
            block = slice(start, start + _LABEL_BLOCK)
            labels[self.voxels[block]] = argmax_labels(by_voxel[:, block].toarray())
        return labels.reshape(self.grid.shape)

    def component_image(self, index: int) -> NDArray[np.float32]:
        """Return one component, counted from 0, as an image of the grid's shape."""
        image = np.zeros(self.grid.n_voxels, np.float32)
        start, stop = self.components.indptr[index : index + 2]
        image[self.voxels[self.components.indices[start:stop]]] = self.components.data[start:stop]
        return image.reshape(self.grid.shape)


def write_components(
    path: Path, components: NDArray[np.float32], mask: NDArray[np.bool_], grid: Grid
) -> None:
    """Write components as compressed sparse rows; the same components give the same bytes.

    Parameters
    ----------
    path : Path
        ``components.npz``.
    components : ndarray, shape (C, n_voxels), float32
        Dense weights; zeros are left out.
    mask : ndarray, shape of the grid, bool
        Which voxels the columns are, in C order.
    grid : Grid
        Of the mask.

    Raises
    ------
    InputError
        If the mask has not one voxel a column.
    """
    voxels = np.flatnonzero(mask)
    if len(voxels) != components.shape[1]:
        raise InputError(
            f"the mask has {len(voxels)} voxels, the components have {components.shape[1]}",
            where=str(path),
        )
    # A component at a time, since scipy would hold the place of each weight in 16 bytes more.
    members = [np.flatnonzero(component).astype(np.int32) for component in components]
    weights = [component[mine] for component, mine in zip(components, members, strict=True)]
    indptr = np.cumsum([0, *map(len, members)])
    sparse = csr_array(
        (np.concatenate(weights), np.concatenate(members), indptr), shape=components.shape
    )
    write_stored_components(path, StoredComponents(sparse, voxels, grid))


def write_stored_components(path: Path, stored: StoredComponents) -> None:
    """Write components that are sparse already; as `write_components` in all else."""
    components = stored.components
    with replacing(path) as temporary:
        np.savez(
            temporary,
            format_version=np.array(FORMAT_VERSION),
            indptr=components.indptr.astype("<i8"),
            indices=components.indices.astype("<i4"),
            data=components.data.astype("<f4"),
            voxels=stored.voxels.astype("<i8"),
            grid_shape=np.array(stored.grid.shape, "<i4"),
            affine=stored.grid.affine.astype("<f8"),
        )


def read_components(path: Path) -> StoredComponents:
    """Read what `write_components` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or of a newer version.
    """
    arrays = _read(path, "Fit the scale again")
    try:
        version = int(arrays["format_version"])
        if version > FORMAT_VERSION:
            raise InputError(
                "the components were written by a newer version",
                where=str(path),
                why=f"their format has version {version}, "
                f"this application knows up to {FORMAT_VERSION}",
                remedy="Update MuSIC GUI to open them",
            )
        voxels = arrays["voxels"].astype(np.int64)
        i, j, k = arrays["grid_shape"].tolist()
        components = csr_array(
            (arrays["data"], arrays["indices"], arrays["indptr"]),
            shape=(len(arrays["indptr"]) - 1, len(voxels)),
        )
        components.check_format(full_check=True)
        return StoredComponents(components, voxels, Grid((i, j, k), arrays["affine"]))
    except (ValueError, KeyError, IndexError) as error:
        raise _damaged(path, error, "Fit the scale again") from error


def write_fit_state(path: Path, state: _Arrays) -> None:
    """Write the state of a fit, whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **state)


def read_fit_state(path: Path) -> _Arrays:
    """Read what `write_fit_state` wrote.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    return _read(path, "Start the fit anew")


def _read(path: Path, remedy: str) -> _Arrays:
    try:
        # Opened here, since numpy leaves a file open in which it finds no zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGE as error:
        raise _damaged(path, error, remedy) from error


def _damaged(path: Path, error: Exception, remedy: str) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError("the file is missing", where=str(path), remedy=remedy)
    return InputError("the file is damaged", where=str(path), why=str(error), remedy=remedy)
