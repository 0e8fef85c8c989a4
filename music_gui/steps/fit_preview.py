"""The atlas as it stands, kept beside a running fit for whoever watches it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from music_gui.core.factorization import Epoch
from music_gui.core.grid import Grid
from music_gui.io.fit_preview_npz import PREVIEW_NAME, FitPreview, mask_hash, write_preview

#: Nobody follows an atlas that changes faster.
_SECONDS_BETWEEN = 2.0
#: Share of the time that may go into writing, on a slow disk.
_SHARE_OF_TIME = 0.02


class PreviewWriter:
    """Writes the labels of the present epoch, now and then.

    A result needs none of it: a preview that can't be written is left out.

    Parameters
    ----------
    scratch : Path
        Scratch folder of the job; the preview goes with it when the job is done.
    mask : ndarray, shape of the grid, bool
        Which voxels are fitted.
    grid : Grid
        Of the mask.
    seconds_between : float
        Least time between two writes; the first epoch is written at once.
    """

    def __init__(
        self,
        scratch: Path,
        mask: NDArray[np.bool_],
        grid: Grid,
        seconds_between: float = _SECONDS_BETWEEN,
    ) -> None:
        self._path = scratch / PREVIEW_NAME
        self._mask_hash = mask_hash(mask, grid)
        self._between = seconds_between
        self._next_write = time.monotonic()

    def show(self, scale: int, epoch: Epoch) -> None:
        """Write the labels of an epoch, if the last write is long enough ago."""
        started = time.monotonic()
        if started < self._next_write:
            return
        preview = FitPreview(scale, epoch.number, epoch.loss, epoch.labels, self._mask_hash)
        with suppress(OSError):
            write_preview(self._path, preview)
        ended = time.monotonic()
        self._next_write = ended + max(self._between, (ended - started) / _SHARE_OF_TIME)
