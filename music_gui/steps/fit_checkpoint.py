"""Checkpoints of a fit on scratch disk, from which an interrupted job goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from music_gui.core.errors import InputError
from music_gui.core.factorization import Epoch, FitState
from music_gui.io.decomposition_npz import read_fit_state, write_fit_state

#: A fit goes on from any epoch to the same bits, so an epoch may go unsaved: epochs that take a
#: few hundredths of a second would otherwise wait for the disk.
_SECONDS_BETWEEN = 1.0
#: Share of the time that may go into writing.
_SHARE_OF_TIME = 0.1


class FitCheckpoint:
    """The last state of a fit, in one file.

    Parameters
    ----------
    path : Path
        ``.npz`` on scratch disk.
    seconds_between : float
        Least time between two writes; 0 writes every epoch.
    """

    def __init__(self, path: Path, seconds_between: float = _SECONDS_BETWEEN) -> None:
        self._path = path
        self._between = seconds_between
        self._next_write = time.monotonic() + seconds_between
        self._unwritten: Epoch | None = None

    def load(self) -> FitState | None:
        """Return the state of an earlier attempt; None if there is none or it is damaged."""
        if not self._path.exists():
            return None
        try:
            return read_fit_state(self._path)
        except InputError:
            return None

    def keep(self, epoch: Epoch) -> None:
        """Save the state after an epoch, if the last write is long enough ago."""
        self._unwritten = epoch
        if time.monotonic() >= self._next_write:
            self.flush()

    def flush(self) -> None:
        """Save the last state that was kept, so that a finished fit is not repeated."""
        if self._unwritten is None:
            return
        started = time.monotonic()
        state: dict[str, Any] = self._unwritten.state()
        write_fit_state(self._path, state)
        self._unwritten = None
        ended = time.monotonic()
        pause = (ended - started) / _SHARE_OF_TIME if self._between else 0.0
        self._next_write = ended + max(self._between, pause)
