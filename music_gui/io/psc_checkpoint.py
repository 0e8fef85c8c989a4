"""Rows of PSC volumes as they are measured, so that an interrupted extraction goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from music_gui.io.atomic import write_text
from music_gui.io.disk_space import take_space

_KEY, _VALUES, _DONE = "key.txt", "values.npy", "done.npy"


class PscCheckpoint:
    """A table of numbers on scratch disk that survives the end of the process.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    key : str
        What the numbers hang on. A table that was begun with another key is begun anew.
    shape : tuple of int
        Rows and columns.
    """

    def __init__(self, folder: Path, key: str, shape: tuple[int, int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key = f"{key} {shape}"
        try:
            is_same = (folder / _KEY).read_text() == key
            mode = "r+" if is_same else "w+"
            self._open(folder, mode, shape)
        except (OSError, ValueError):
            self._open(folder, "w+", shape)
        write_text(folder / _KEY, key)

    @property
    def todo(self) -> NDArray[np.int64]:
        """Rows that are not yet there, ascending."""
        return np.flatnonzero(self._done == 0)

    @property
    def values(self) -> NDArray[np.float64]:
        """A copy of the numbers, NaN where a row is not there, shape (n, P), float64."""
        values = np.array(self._values)
        values[self._done == 0] = np.nan
        return values

    def keep(self, row: int, values: NDArray[np.float64]) -> None:
        """Keep a row, shape (P,)."""
        self._values[row] = values
        self._done[row] = 1

    def _open(self, folder: Path, mode: str, shape: tuple[int, int]) -> None:
        if mode == "w+":
            (folder / _KEY).unlink(missing_ok=True)
        self._values = np.lib.format.open_memmap(
            folder / _VALUES, mode=mode, dtype=np.float64, shape=shape
        )
        self._done = np.lib.format.open_memmap(
            folder / _DONE, mode=mode, dtype=np.uint8, shape=shape[:1]
        )
        if mode == "w+":
            for path in (folder / _VALUES, folder / _DONE):
                take_space(path, path.stat().st_size)
