"""The bytes of NIfTI files: inflated as they are read, headers and scaling applied."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from isal import igzip, isal_zlib
from nibabel.nifti1 import Nifti1Header
from numpy.typing import NDArray

from music_gui.core.errors import DamagedFileError, InputError
from music_gui.core.grid import Grid
from music_gui.io.nifti_header import HEADER_BYTES, NiftiHeader

_GZIP_MAGIC = b"\x1f\x8b"
_BAD_STREAM = (EOFError, gzip.BadGzipFile, cast("type[Exception]", isal_zlib.error))
_CHUNK = 2**20


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, tuple[str, ...]]]:
    """Open a file for reading, inflating it if its content is gzip, whatever its name.

    Yields
    ------
    file : binary stream
    warnings : tuple of str
        That name and content disagree.

    Raises
    ------
    InputError
        If there is no such file, or it may not be read.
    """
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(2) == _GZIP_MAGIC
            plain.seek(0)
            named_gzip = path.suffix.lower() == ".gz"
            if not is_gzip:
                warning = "named .nii.gz but not compressed; read as it is, rename it to .nii"
                yield plain, ((warning,) if named_gzip else ())
                return
            warning = "compressed but not named so; read as it is, rename it to .nii.gz"
            with igzip.open(plain, "rb") as inflated:  # type: ignore[no-untyped-call]
                yield inflated, (() if named_gzip else (warning,))
    except FileNotFoundError as error:
        raise InputError("the file does not exist", where=str(path)) from error
    except IsADirectoryError as error:
        raise InputError("this is a folder, not an image", where=str(path)) from error
    except PermissionError as error:
        raise InputError("the file may not be read", where=str(path)) from error


def read_block(file: BinaryIO, where: str) -> bytes:
    """Read as many bytes as a header of either version needs, or what there is."""
    block = np.empty(HEADER_BYTES, dtype=np.uint8)
    n_read = _fill(file, block, where)
    return block[:n_read].tobytes()


def skip_to(file: BinaryIO, start: int, where: str) -> None:
    """Go to a byte of the inflated file, which was read up to the header's end or less.

    Raises
    ------
    DamagedFileError
        If the file ends before.
    """
    rest = start - file.tell()
    if rest < 0:  # NIfTI-1 data start before the 540 bytes that were read
        file.seek(start)
        return
    chunk = np.empty(min(rest, _CHUNK), dtype=np.uint8)
    while rest > 0:
        n_read = _fill(file, chunk[: min(rest, _CHUNK)], where)
        if n_read == 0:
            raise _cut_off(where, file.tell(), start)
        rest -= n_read


def read_stored(file: BinaryIO, header: NiftiHeader, where: str) -> NDArray[Any]:
    """Read one volume as it is stored, from where the file stands.

    Returns
    -------
    ndarray, shape of the header, dtype of the header

    Raises
    ------
    DamagedFileError
        If the file ends before.
    """
    start = file.tell()
    buffer = np.empty(header.volume_bytes, dtype=np.uint8)
    n_read = _fill(file, buffer, where)
    if n_read < header.volume_bytes:
        raise _cut_off(where, start + n_read, start + header.volume_bytes)
    return buffer.view(header.dtype).reshape(header.shape, order="F")


def check_end(file: BinaryIO, where: str) -> None:
    """Read past the last voxel, so that the checksum at the end of a gzip stream is checked."""
    try:
        file.read(1)
    except _BAD_STREAM as error:
        raise _damaged(where, error) from error


def scaled(stored: NDArray[Any], header: NiftiHeader) -> NDArray[np.float32]:
    """Apply the header's scaling to stored numbers; beyond float32 becomes infinite."""
    with np.errstate(over="ignore"):
        if header.slope == 1.0 and header.intercept == 0.0:
            return stored.astype(np.float32, copy=False)
        return (stored.astype(np.float64) * header.slope + header.intercept).astype(np.float32)


def header_bytes(
    grid: Grid, dtype: np.dtype[Any], *, n_volumes: int = 1, description: str = ""
) -> bytes:
    """Return all that stands before the voxels of a NIfTI-1 file, 352 bytes.

    Parameters
    ----------
    grid : Grid
        Written as sform, and as qform too where it can express it.
    dtype : numpy.dtype
        How voxels are stored, little-endian; no scaling is used.
    n_volumes : int
        More than one makes a 4D image.
    description : str
        The header's ``descrip``, at most 79 ASCII characters.
    """
    header: Any = Nifti1Header(endianness="<")  # type: ignore[no-untyped-call]
    header.set_data_dtype(dtype)
    header.set_data_shape(grid.shape if n_volumes == 1 else (*grid.shape, n_volumes))
    header.set_xyzt_units("mm")
    header.set_sform(grid.affine, code="aligned")
    header.set_qform(grid.affine, code="aligned")
    if not np.allclose(header.get_qform(), grid.affine, atol=1e-3):  # sheared axes
        header["qform_code"] = 0
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["descrip"] = description.encode("ascii")
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + b"\0\0\0\0"


def _fill(file: BinaryIO, buffer: NDArray[np.uint8], where: str) -> int:
    """Read until the buffer is full or the file ends; return the number of bytes."""
    view, n_read = buffer.data, 0
    try:
        while n_read < len(view):
            n_new = file.readinto(view[n_read:])  # type: ignore[attr-defined]
            if not n_new:
                break
            n_read += n_new
    except _BAD_STREAM as error:
        raise _damaged(where, error) from error
    return n_read


def _cut_off(where: str, found: int, expected: int) -> DamagedFileError:
    return DamagedFileError(
        "the file is cut off",
        where=where,
        why=f"it ends after {found:,} of {expected:,} bytes",
        remedy="Copy or download it again",
    )


def _damaged(where: str, error: Exception) -> DamagedFileError:
    cut_off = isinstance(error, EOFError)
    return DamagedFileError(
        "the file is cut off" if cut_off else "the compressed file is damaged",
        where=where,
        why="the compressed data end too early" if cut_off else str(error),
        remedy="Copy or download it again",
    )
