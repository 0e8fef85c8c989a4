"""Tell a worker's process apart from a later process that got the same number."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict

_DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


class WorkerMark(BaseModel):
    """A process, named so that it can be found again after a restart of the application.

    Attributes
    ----------
    host : str
        Name of the machine.
    boot : str
        Identity of the machine's current run; empty where the system has none.
    pid : int
        Process number.
    started : str
        When the process started, on a clock that no one sets.
    leads_group : bool
        Whether the process group with this number is its own: it may be killed as a whole.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    boot: str
    pid: int
    started: str
    leads_group: bool

    @classmethod
    def of_this_process(cls) -> Self:
        """Mark the calling process."""
        pid = os.getpid()
        return cls(
            host=socket.gethostname(),
            boot=_boot_id(),
            pid=pid,
            started=_started(psutil.Process(pid)),
            leads_group=hasattr(os, "getsid") and os.getsid(0) == pid,
        )

    @property
    def is_elsewhere(self) -> bool:
        """Whether the process belongs to another machine, so that it can't be seen from here."""
        return self.host != socket.gethostname() and self.boot != _boot_id()

    def process(self) -> psutil.Process | None:
        """Return the process if it is alive on this machine; a zombie counts as dead."""
        if self.is_elsewhere or self.boot != _boot_id():
            return None
        try:
            process = psutil.Process(self.pid)
            alive = _started(process) == self.started and process.status() not in _DEAD
        except (OSError, psutil.Error):
            return None
        return process if alive else None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs; one on another machine is taken to run."""
        return self.is_elsewhere or self.process() is not None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started(process: psutil.Process) -> str:
    """Return the start in clock ticks since boot: psutil's own moves when the clock is set."""
    if not sys.platform.startswith("linux"):
        return f"{process.create_time():.2f}"
    stat = Path(f"/proc/{process.pid}/stat").read_text(errors="replace")
    return stat.rpartition(")")[2].split()[19]  # field 22, proc(5); the name may hold spaces
