"""Four-dimensional NIfTI images a volume at a time: memory holds one, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
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


@dataclass(frozen=True, eq=False)
class Volumes:
    """The volumes of an open file, to be gone through once.

    Parameters
    ----------
    header : NiftiHeader
        Of the file.
    file : binary stream
        Where it is read from.
    where : str
        Its name, for errors.
    warnings : tuple of str
        What the reader had to decide, in plain words.
    """

    header: NiftiHeader
    file: BinaryIO
    where: str
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return self.header.n_volumes

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Yield each volume, shape of the grid, with the header's scaling applied.

        Raises
        ------
        DamagedFileError
            If the file is cut off or damaged.
        """
        skip_to(self.file, self.header.offset, self.where)
        for _ in range(len(self)):
            yield scaled(read_stored(self.file, self.header, self.where), self.header)
        check_end(self.file, self.where)


@contextmanager
def open_volumes(path: Path, *, xform: Xform = "auto") -> Iterator[Volumes]:
    """Open an image of one volume or several.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``.
    xform : {"auto", "sform", "qform"}
        As in `music_gui.io.nifti.read_image`.

    Raises
    ------
    InputError
        If the file is missing or no NIfTI image.
    """
    where = str(path)
    with opened(path) as (file, warnings):
        header = parse_header(read_block(file, where), where=where, xform=xform)
        yield Volumes(header, file, where, (*warnings, *header.warnings))


def write_volumes(
    path: Path,
    volumes: Iterable[NDArray[np.float32]],
    n_volumes: int,
    grid: Grid,
    *,
    description: str = "",
) -> None:
    """Write a ``.nii.gz`` file of float32; the same volumes give the same bytes.

    Parameters
    ----------
    path : Path
        The file; written whole or not at all.
    volumes : iterable of ndarray, shape of the grid, float32
        Each is written before the next is asked for.
    n_volumes : int
        How many there are; one makes a 3D image.
    grid : Grid
        Of all volumes.
    description : str
        The header's ``descrip``, at most 79 ASCII characters.

    Raises
    ------
    InputError
        If there are more or fewer volumes, or one has another shape.
    """
    dtype = np.dtype("<f4")
    with (
        replacing(path) as temporary,
        temporary.open("wb") as plain,
        # Level 1: mostly zeros, and noise in floats hardly shrinks. No name and no time inside.
        igzip.IGzipFile(  # type: ignore[no-untyped-call]
            filename="", fileobj=plain, mode="wb", compresslevel=1, mtime=0
        ) as inflated,
    ):
        file = cast("BinaryIO", inflated)
        file.write(header_bytes(grid, dtype, n_volumes=n_volumes, description=description))
        n_written = 0
        for volume in volumes:
            if volume.shape != grid.shape:
                raise InputError(
                    f"volume {n_written} has shape {volume.shape}, its grid {grid.shape}",
                    where=str(path),
                )
            file.write(volume.astype(dtype, copy=False).tobytes(order="F"))
            n_written += 1
        if n_written != n_volumes:
            raise InputError(f"{n_written} volumes instead of {n_volumes}", where=str(path))
