"""Let one job at a time move its results into a study, whatever process it runs in."""

from __future__ import annotations

import errno
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from music_gui.core.errors import JobError
from music_gui.io.atomic import write_json
from music_gui.jobs.worker_mark import WorkerMark

#: Moving renames files on one file system: whoever takes longer than this is stuck.
WAIT_SECONDS = 20.0
_POLL_SECONDS = 0.05

_MARK = "worker.json"


@contextmanager
def publishing(
    jobs_folder: Path, *, check: Callable[[], None] | None = None, wait: float = WAIT_SECONDS
) -> Iterator[None]:
    """Hold the study's right to publish while the block runs.

    The lock is the folder ``jobs/.publishing`` with its holder's mark: on every file system only
    one of two renames to it succeeds. That of a process that has died is put aside.

    Parameters
    ----------
    jobs_folder : Path
        ``STUDY/jobs``.
    check : callable, optional
        Called while another job is waited for; what it raises ends the wait.
    wait : float
        Seconds to wait at most.

    Raises
    ------
    JobError
        If another process, or one on another machine, holds the lock for longer.
    """
    place = jobs_folder / ".publishing"
    mine = jobs_folder / f".{uuid.uuid4().hex}"
    mine.mkdir(parents=True)
    try:
        write_json(mine / _MARK, WorkerMark.of_this_process().model_dump())
        deadline = time.monotonic() + wait
        while not _take(mine, place):
            if check is not None:
                check()
            if time.monotonic() > deadline:
                raise _held(place)
            time.sleep(_POLL_SECONDS)
    except BaseException:
        shutil.rmtree(mine, ignore_errors=True)
        raise
    try:
        yield
    finally:
        _let_go(place)


def _let_go(place: Path) -> None:
    """Remove the own lock; another job may take its place as soon as the mark is gone."""
    with suppress(OSError):
        (place / _MARK).unlink()
        place.rmdir()


def _take(mine: Path, place: Path) -> bool:
    """Rename the own folder to the lock's place; False if a living process holds it."""
    try:
        mine.rename(place)
    except OSError as error:
        if place.is_dir():
            _put_aside_if_dead(place)
        elif error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # else: released just now
            raise
        return False
    return True


def _put_aside_if_dead(place: Path) -> None:
    """Move the lock of a dead process out of the way.

    The new name tells the process and stays taken: of two that find the same dead holder, the
    slower one fails to rename and can't put aside the lock that the faster one took meanwhile.
    """
    holder = _holder(place)
    if holder is None or holder.is_alive:
        return
    aside = place.with_name(f"{place.name}-{holder.boot[:8]}-{holder.pid}-{holder.started}")
    with suppress(OSError):
        place.rename(aside)


def _holder(place: Path) -> WorkerMark | None:
    try:
        return WorkerMark.model_validate_json((place / _MARK).read_bytes())
    except (OSError, ValueError):
        return None


def _held(place: Path) -> JobError:
    holder = _holder(place)
    who = f"process {holder.pid} on {holder.host}" if holder else "an unknown process"
    return JobError(
        "the results can't be moved into the study: another job is moving its own",
        where=str(place),
        why=f"{who} holds the study and did not let go of it",
        remedy="Retry this job when the other has ended; if no such process runs any more, "
        "delete that folder first",
    )
