"""Take the space of a file before it is written to through memory."""

from __future__ import annotations

import os
from pathlib import Path


def take_space(path: Path, n_bytes: int) -> None:
    """Give a file its size on the disk, keeping what it holds.

    A file that is only mapped gets its space page by page: where the disk is full then, the system
    kills the process in mid-write instead of raising an error.

    Parameters
    ----------
    path : Path
        Made if it is missing.
    n_bytes : int
        Its size.

    Raises
    ------
    OSError
        If the disk has not got the space.
    """
    with path.open("ab") as file:
        if n_bytes and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, n_bytes)
        file.truncate(n_bytes)
