"""Masked maps: the voxels of a mask of all images as one array on disk, one row an image.

A folder holds ``maps.npy`` (float32, images x voxels), ``mask.nii.gz`` and ``maps.json``, which
is written last: without it the folder is not complete.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.core.progress import Progress, Silent
from music_gui.io.atomic import write_json
from music_gui.io.nifti import read_labels, write_image
from music_gui.io.nifti_header import Xform

#: Raised when a change of the format makes older versions misread it.
FORMAT_VERSION = 1

_MAPS, _MASK, _DESCRIPTION = "maps.npy", "mask.nii.gz", "maps.json"
_REMEDY = "Import the maps again"


class _Description(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    format_version: int
    n_images: int
    n_voxels: int
    unit: str
    ravens_scale: float | None
    mask_source: str
    xform: Xform = "auto"
    volume: int | None = None
    checksum: str
    participant_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    row_checksums: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class MaskedMaps:
    """Maps that share a mask, on disk.

    Attributes
    ----------
    folder : Path
        Where they are.
    maps : ndarray, shape (n_images, n_voxels), float32
        Read-only memory map; tissue as a fraction of the voxel's volume (1 = the whole voxel).
        Voxels are in the order of ``np.flatnonzero(mask)``.
    mask : ndarray, shape of the grid, bool
        Which voxels the columns are.
    grid : Grid
        The grid of the mask and of all images.
    participant_ids, session_ids : tuple of str
        One a row.
    row_checksums : tuple of str
        BLAKE2b of each row's bytes.
    checksum : str
        Identifies maps, mask and grid together.
    ravens_scale : float or None
        What the values of the files were divided by; None if not the same for all.
    mask_source : str
        Where the mask is from.
    xform, volume
        How the files were read: which transform of the header, and which volume of 4D images.
    """

    folder: Path
    maps: NDArray[np.float32]
    mask: NDArray[np.bool_]
    grid: Grid
    participant_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    row_checksums: tuple[str, ...]
    checksum: str
    ravens_scale: float | None
    mask_source: str
    xform: Xform
    volume: int | None

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open masked maps; contents are mapped, not read.

        Raises
        ------
        InputError
            If a file is missing, cut off, of another version, or does not fit the others.
        """
        description = _read_description(folder)
        labels, grid = read_labels(folder / _MASK)
        mask: NDArray[np.bool_] = labels > 0
        maps = _map_array(folder / _MAPS, (description.n_images, description.n_voxels))
        n_masked = int(mask.sum())
        if n_masked != description.n_voxels:
            raise _broken(
                folder / _MASK,
                f"the mask has {n_masked:,} voxels, the maps have {description.n_voxels:,}",
            )
        names = (description.participant_ids, description.session_ids, description.row_checksums)
        if any(len(each) != description.n_images for each in names):
            raise _broken(
                folder / _DESCRIPTION, f"it does not name all {description.n_images} maps"
            )
        if _whole_checksum(mask, grid, description.row_checksums) != description.checksum:
            raise _broken(folder / _MASK, "mask or list of rows are not those of the import")
        return cls(
            folder=folder,
            maps=maps,
            mask=mask,
            grid=grid,
            participant_ids=description.participant_ids,
            session_ids=description.session_ids,
            row_checksums=description.row_checksums,
            checksum=description.checksum,
            ravens_scale=description.ravens_scale,
            mask_source=description.mask_source,
            xform=description.xform,
            volume=description.volume,
        )

    @property
    def n_images(self) -> int:
        """Number of rows."""
        return len(self.participant_ids)

    @property
    def n_voxels(self) -> int:
        """Number of columns: voxels of the mask."""
        return int(self.maps.shape[1])

    def unmask(self, row: NDArray[Any], fill: float = 0) -> NDArray[Any]:
        """Put values of the mask's voxels back in place.

        Parameters
        ----------
        row : ndarray, shape (n_voxels,)
            For example a map or a component.
        fill : float
            Value outside the mask.

        Returns
        -------
        ndarray, shape of the grid, dtype of ``row``

        Raises
        ------
        InputError
            If there is not one value a voxel.
        """
        if row.shape != (self.n_voxels,):
            raise InputError(
                f"{row.shape} values can't be put into a mask of {self.n_voxels} voxels",
                where=str(self.folder),
            )
        volume = np.full(self.grid.shape, fill, dtype=row.dtype)
        volume[self.mask] = row
        return volume

    def holds(self, index: int, values: NDArray[np.float32]) -> bool:
        """Tell whether values, shape (n_voxels,), are byte for byte those of a row.

        The checksum is compared, so that the row itself is not read.
        """
        return _row_checksum(values.astype("<f4", copy=False)) == self.row_checksums[index]

    def verify(self, progress: Progress | None = None) -> None:
        """Read everything and compare it with the checksums.

        Raises
        ------
        InputError
            Naming the maps whose bytes have changed since the import.
        """
        progress = progress or Silent()
        changed = []
        for index, expected in enumerate(self.row_checksums):
            progress.update(index / self.n_images, "checking the maps")
            if _row_checksum(self.maps[index]) != expected:
                changed.append(f"{self.participant_ids[index]} {self.session_ids[index]}")
        if changed:
            raise _broken(
                self.folder / _MAPS,
                f"{len(changed)} of {self.n_images} maps differ from what was imported: "
                + _some(changed),
            )


class MaskedMapsWriter:
    """Writes masked maps row by row, in bounded memory.

    A context manager: the maps are complete when the block ends without an error.

    Parameters
    ----------
    folder : Path
        Made if it is missing; masked maps in it are replaced.
    mask : ndarray, shape of the grid, bool
    grid : Grid
    mask_source : str
        Where the mask is from, in plain words.
    xform, volume
        How the files are read, as in `music_gui.io.nifti.read_image`.

    Raises
    ------
    InputError
        If the mask is empty or not of the grid's shape.
    """

    def __init__(
        self,
        folder: Path,
        mask: NDArray[np.bool_],
        grid: Grid,
        *,
        mask_source: str = "",
        xform: Xform = "auto",
        volume: int | None = None,
    ) -> None:
        if mask.shape != grid.shape:
            raise InputError(f"the mask has shape {mask.shape}, its grid {grid.shape}")
        self._n_voxels = int(mask.sum())
        if self._n_voxels == 0:
            raise InputError("the mask has no voxels", where=mask_source)
        self._folder, self._mask, self._grid, self._source = folder, mask, grid, mask_source
        self._xform, self._volume = xform, volume
        self._ids: list[tuple[str, str]] = []
        self._checksums: list[str] = []
        self._scales: set[float] = set()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _DESCRIPTION).unlink(missing_ok=True)
        self._partial = folder / f".{_MAPS}.partial"
        self._file = self._partial.open("wb")
        self._header_bytes = self._write_header()

    def append(
        self,
        row: NDArray[np.float32],
        participant_id: str,
        session_id: str,
        ravens_scale: float = 1.0,
    ) -> str:
        """Add one map.

        Parameters
        ----------
        row : ndarray, shape (n_voxels,), float32
            Fractions of the voxel's volume.
        participant_id, session_id : str
        ravens_scale : float
            What the values of the file were divided by.

        Returns
        -------
        str
            The row's checksum; equal for equal maps.

        Raises
        ------
        InputError
            If there is not one value a voxel, or one is negative or not finite.
        """
        where = f"{participant_id} {session_id}"
        if row.shape != (self._n_voxels,):
            raise InputError(
                f"{row.shape} values for a mask of {self._n_voxels} voxels", where=where
            )
        values = np.ascontiguousarray(row, dtype="<f4")
        if not (np.isfinite(values).all() and values.min() >= 0):
            raise InputError("a value in the mask is negative or not finite", where=where)
        self._file.write(values.data)
        self._checksums.append(_row_checksum(values))
        self._ids.append((participant_id, session_id))
        self._scales.add(ravens_scale)
        return self._checksums[-1]

    def close(self) -> None:
        """Complete the maps.

        Raises
        ------
        InputError
            If no map was added.
        """
        if not self._ids:
            self._discard()
            raise InputError("there is no map to write", where=str(self._folder))
        self._file.seek(0)
        header_bytes = self._write_header()
        if header_bytes != self._header_bytes:
            raise AssertionError("the header of an npy file changed its length")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._folder / _MAPS)
        write_image(self._folder / _MASK, self._mask, self._grid)
        description = _Description(
            format_version=FORMAT_VERSION,
            n_images=len(self._ids),
            n_voxels=self._n_voxels,
            unit="fraction of the voxel's volume",
            ravens_scale=next(iter(self._scales)) if len(self._scales) == 1 else None,
            mask_source=self._source,
            xform=self._xform,
            volume=self._volume,
            checksum=_whole_checksum(self._mask, self._grid, self._checksums),
            participant_ids=tuple(participant for participant, _ in self._ids),
            session_ids=tuple(session for _, session in self._ids),
            row_checksums=tuple(self._checksums),
        )
        write_json(self._folder / _DESCRIPTION, description.model_dump(mode="json"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def _discard(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def _write_header(self) -> int:
        """Write the npy header for the rows so far; numpy pads it, so its length stays."""
        shape = (len(self._ids), self._n_voxels)
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        return self._file.tell()


def _read_description(folder: Path) -> _Description:
    path = folder / _DESCRIPTION
    try:
        description = _Description.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            "no maps have been imported here",
            where=str(folder),
            why=f"it has no {_DESCRIPTION}",
            remedy="Import the maps first",
        ) from error
    except ValidationError as error:
        raise _broken(path, f"{error.error_count()} of its fields can't be read") from error
    if description.format_version > FORMAT_VERSION:
        raise InputError(
            "the maps were written by a newer version",
            where=str(folder),
            why=f"their format has version {description.format_version}, "
            f"this application knows up to {FORMAT_VERSION}",
            remedy="Update MuSIC GUI to open them",
        )
    return description


def _map_array(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    try:
        maps = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise _broken(path, "the file is missing") from error
    except (ValueError, EOFError) as error:
        raise _broken(path, "the file is cut off or is no numpy array") from error
    if maps.shape != shape or maps.dtype != np.dtype("<f4"):
        raise _broken(
            path, f"it holds {maps.dtype} of shape {maps.shape}, not float32 of shape {shape}"
        )
    expected, found = maps.offset + maps.nbytes, path.stat().st_size
    if expected != found:
        raise _broken(path, f"it has {found:,} bytes, not {expected:,}")
    array: NDArray[np.float32] = maps
    return array


def _broken(path: Path, why: str) -> InputError:
    return InputError("the imported maps are damaged", where=str(path), why=why, remedy=_REMEDY)


def _row_checksum(row: NDArray[np.float32]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=16).hexdigest()


def _whole_checksum(mask: NDArray[np.bool_], grid: Grid, rows: Iterable[str]) -> str:
    """Digest of mask, grid and rows; the affine as NIfTI stores it, in float32."""
    hasher = hashlib.blake2b(str(grid.shape).encode(), digest_size=16)
    hasher.update((grid.affine.astype("<f4") + np.float32(0)).tobytes())  # -0 becomes 0
    hasher.update(np.packbits(mask).tobytes())
    hasher.update(" ".join(rows).encode())
    return hasher.hexdigest()


def _some(names: list[str], n_shown: int = 5) -> str:
    more = f" and {len(names) - n_shown} more" if len(names) > n_shown else ""
    return ", ".join(names[:n_shown]) + more
