"""Read and write NIfTI images; whatever the storage order, the affine says what is where."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from music_gui.core.errors import InputError, ParameterError
from music_gui.core.grid import Grid, axis_change, check_same_grid
from music_gui.io.atomic import replacing
from music_gui.io.nifti_header import NiftiHeader, Xform, parse_header
from music_gui.io.nifti_stream import (
    check_end,
    header_bytes,
    opened,
    read_block,
    read_stored,
    scaled,
    skip_to,
)

_STORABLE = ["|u1", "|i1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8"]


@dataclass(frozen=True, eq=False)
class Image:
    """A three-dimensional image.

    Parameters
    ----------
    data : ndarray, shape of the grid, float32
        Values with the header's scaling applied; NaN is left as it is. Any memory order.
    grid : Grid
        Where the voxels lie.
    warnings : tuple of str
        What the reader had to decide, in plain words.
    needs_xform_choice : bool
        sform and qform of the header place the image differently: a person has to choose.
    """

    data: NDArray[np.float32]
    grid: Grid
    warnings: tuple[str, ...] = ()
    needs_xform_choice: bool = False


def read_image(path: Path, *, volume: int | None = None, xform: Xform = "auto") -> Image:
    """Read one volume of a ``.nii`` or ``.nii.gz`` file.

    Parameters
    ----------
    path : Path
        NIfTI-1 or NIfTI-2 in one file; whether it is compressed is told by its content.
    volume : int, optional
        Which volume of an image that has several, from 0.
    xform : {"auto", "sform", "qform"}
        Which transform of the header to use; ``auto`` takes the sform if it is coded, else the
        qform, and warns if both are coded and disagree.

    Returns
    -------
    Image

    Raises
    ------
    InputError
        If the file is missing, no NIfTI, damaged, cut off, or holds no single 3D volume.
    ParameterError
        If there is no such volume.
    """
    stored, header, warnings = _read_volume(path, volume, xform)
    return Image(scaled(stored, header), header.grid, warnings, header.needs_xform_choice)


def read_header(path: Path, *, xform: Xform = "auto") -> NiftiHeader:
    """Read only the header of a file; raises as `read_image` does."""
    with opened(path) as (file, _):
        return parse_header(read_block(file, str(path)), where=str(path), xform=xform)


def read_grid(path: Path, *, xform: Xform = "auto") -> Grid:
    """Read shape and affine of a file, without its voxels; raises as `read_image` does."""
    return read_header(path, xform=xform).grid


def read_labels(path: Path, *, xform: Xform = "auto") -> tuple[NDArray[np.int32], Grid]:
    """Read a label image exactly, whatever number type it is stored as.

    Returns
    -------
    labels : ndarray, int32
    grid : Grid

    Raises
    ------
    InputError
        As `read_image`, and if a voxel holds no whole number of at most 32 bits.
    """
    stored, header, _ = _read_volume(path, None, xform)
    values = stored
    if header.slope != 1.0 or header.intercept != 0.0:
        values = stored.astype(np.float64) * header.slope + header.intercept
    limits = np.iinfo(np.int32)
    if values.dtype.kind == "f":
        whole = np.isfinite(values) & (values == np.rint(values))
    else:
        whole = np.ones(values.shape, dtype=np.bool_)
    whole &= (values >= limits.min) & (values <= limits.max)
    if not whole.all():
        voxel = tuple(int(index) for index in np.argwhere(~whole)[0])
        raise InputError(
            f"a label is {values[voxel]:g}, not a whole number",
            where=f"{path}, voxel {voxel}",
            why="labels that were interpolated linearly, or an image that holds no labels",
            remedy="Give a label image; resample labels with nearest neighbour only",
        )
    return np.ascontiguousarray(values.astype(np.int32)), header.grid


def write_image(
    path: Path,
    data: NDArray[Any],
    grid: Grid,
    *,
    dtype: DTypeLike | None = None,
    description: str = "",
) -> None:
    """Write a ``.nii.gz`` (or ``.nii``) file; the same input gives the same bytes.

    Parameters
    ----------
    path : Path
        The file; written whole or not at all.
    data : ndarray, shape of the grid
        Real numbers, whole numbers or truth values.
    grid : Grid
        Written as sform, and as qform too where it can express it.
    dtype : dtype, optional
        How to store; by default as the array is (truth values as uint8, 64-bit whole numbers as
        int32). No scaling is used.
    description : str
        The header's ``descrip``, at most 79 ASCII characters.

    Raises
    ------
    InputError
        If the shape is not the grid's, or a value does not fit the number type.
    """
    if data.shape != grid.shape:
        raise InputError(
            f"the array has shape {data.shape}, its grid {grid.shape}", where=str(path)
        )
    stored = _storable(data, dtype, str(path))
    head = header_bytes(grid, stored.dtype, description=description)
    content = head + stored.tobytes(order="F")
    with replacing(path) as temporary:
        if path.suffix == ".gz":
            # Whole numbers shrink well; noise in floats doesn't, so no time is spent on it.
            level = 6 if stored.dtype.kind in "iu" else 1
            content = gzip.compress(content, compresslevel=level, mtime=0)
        temporary.write_bytes(content)


def reorient_to(image: Image, grid: Grid, *, where: str, reference_name: str) -> Image:
    """Bring an image onto a grid that differs only in order and direction of the axes.

    No value is interpolated: the same anatomy stored LAS, RAS or LPS comes out voxel by voxel
    the same.

    Parameters
    ----------
    image : Image
    grid : Grid
        Where it should lie.
    where, reference_name : str
        The file, and what the grid belongs to, for the error.

    Raises
    ------
    GridMismatchError
        If the voxels of the two grids do not coincide.
    """
    change = axis_change(image.grid, grid)
    if change is None:  # so that this raises
        check_same_grid(image.grid, grid, where=where, reference_name=reference_name)
        return image
    return replace(image, data=change.apply(image.data), grid=grid)


def _storable(data: NDArray[Any], dtype: DTypeLike | None, where: str) -> NDArray[Any]:
    if dtype is None:
        dtype = {"b": np.uint8, "i": np.int32, "u": np.uint32}.get(data.dtype.kind, data.dtype)
        if data.dtype.kind in "iu" and data.dtype.itemsize < 4:
            dtype = data.dtype
    target = np.dtype(dtype).newbyteorder("<")
    if target.str not in _STORABLE:
        raise InputError(f"numbers of type {np.dtype(dtype)} can't be stored", where=where)
    if target.kind in "iu":
        limits: Any = np.iinfo(target)
        fits = data.dtype.kind == "b" or (
            np.isfinite(data).all() and data.min() >= limits.min and data.max() <= limits.max
        )
        if not (fits and (data.dtype.kind in "biu" or bool((data == np.rint(data)).all()))):
            raise InputError(f"not all values fit whole numbers of type {target}", where=where)
    return data.astype(target)


def _read_volume(
    path: Path, volume: int | None, xform: Xform
) -> tuple[NDArray[Any], NiftiHeader, tuple[str, ...]]:
    """Return one volume as stored, the header, and all warnings."""
    where = str(path)
    with opened(path) as (file, warnings):
        header = parse_header(read_block(file, where), where=where, xform=xform)
        index = _chosen_volume(header, volume, where)
        skip_to(file, header.offset + index * header.volume_bytes, where)
        stored = read_stored(file, header, where)
        check_end(file, where)
    return stored, header, (*warnings, *header.warnings)


def _chosen_volume(header: NiftiHeader, volume: int | None, where: str) -> int:
    if volume is None:
        if header.n_volumes == 1:
            return 0
        raise InputError(
            f"the image has {header.n_volumes} volumes",
            where=where,
            remedy=f"Choose one (volume 0 to {header.n_volumes - 1}) or give a 3D image",
        )
    if not 0 <= volume < header.n_volumes:
        raise ParameterError(
            f"there is no volume {volume}",
            where=where,
            why=f"the image has {header.n_volumes}, counted from 0",
        )
    return volume
