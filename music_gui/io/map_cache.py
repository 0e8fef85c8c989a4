"""Decoded maps on scratch disk, without their zeros: a second look costs no second inflating."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class MapCache:
    """A folder of decoded maps, a file each, that an interrupted import goes on from.

    RAVENS maps are mostly zero: a bit a voxel and the values above zero take about an eighth of
    the dense array.

    Parameters
    ----------
    folder : Path
        Scratch space, made if it is missing.
    n_voxels : int
        Voxels of a map's grid.
    """

    def __init__(self, folder: Path, n_voxels: int) -> None:
        self._folder, self._n_voxels = folder, n_voxels
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, path: Path, settings: str) -> str:
        """Name what a file as it is now gives with certain settings."""
        state = path.stat()
        text = f"{path.absolute()}\0{state.st_size}\0{state.st_mtime_ns}\0{settings}"
        return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()

    def store(self, key: str, values: NDArray[np.float32], report: str) -> None:
        """Keep a map, shape (n_voxels,), and a text about it."""
        kept = values != 0  # True for NaN
        partial = self._folder / f"{key}.partial"
        with partial.open("wb") as file:
            np.savez(
                file,
                bits=np.packbits(kept),
                values=values[kept],
                report=np.frombuffer(report.encode(), dtype=np.uint8),
            )
        partial.replace(self._file(key))

    def load(self, key: str) -> tuple[NDArray[np.float32], str] | None:
        """Return a map, shape (n_voxels,), and its text; None if it is not there."""
        try:
            with np.load(self._file(key), allow_pickle=False) as arrays:
                kept = np.unpackbits(arrays["bits"], count=self._n_voxels).view(np.bool_)
                values = np.zeros(self._n_voxels, dtype=np.float32)
                values[kept] = arrays["values"]
                return values, arrays["report"].tobytes().decode()
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
