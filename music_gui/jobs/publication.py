"""Move a job's results into the study: all of them, even across a crash, losing nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from music_gui.core.errors import JobError
from music_gui.io.atomic import write_json
from music_gui.jobs.events import jsonable
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.publication_lock import publishing

_CHUNK = 1 << 20


def check_outputs(output: Path, study_root: Path, names: Iterable[str]) -> None:
    """Refuse outputs that were not written or would not come to lie in the study.

    Parameters
    ----------
    output : Path
        Folder they were written to.
    study_root : Path
        The study's folder.
    names : iterable of str
        Files and folders relative to both, with forward slashes.

    Raises
    ------
    JobError
        Naming the first output that is missing or lies outside the study.
    """
    root = study_root.resolve()
    for name in names:
        target = (study_root / name).resolve()
        if target == root or not target.is_relative_to(root):
            raise JobError("an output lies outside the study", where=name)
        if not (output / name).exists():
            raise JobError("a promised output was not written", where=name)


def publish(
    paths: JobPaths,
    attempt: int,
    study_root: Path,
    outputs: Iterable[str],
    result: dict[str, Any],
    *,
    check: Callable[[], None] | None = None,
) -> None:
    """Move finished outputs from the job's folder to the same place in the study.

    One job at a time: the results of two never mix. What stood there moves to the job's
    ``replaced`` folder. The list is written down first: if the process dies on the way,
    `resume_publication` moves the rest. If a move fails, those already done are undone and the
    study is as it was.

    Parameters
    ----------
    paths : JobPaths
        The job.
    attempt : int
        Number of the attempt whose output it is.
    study_root : Path
        The study's folder; on the same file system as the job's.
    outputs : iterable of str
        Files and folders relative to the output folder, with forward slashes.
    result : dict
        What the job's last event will say, ready for JSON; kept with the list.
    check : callable, optional
        Called while another job publishes; raises to give up.

    Raises
    ------
    JobError
        As `check_outputs`, or if another job does not end its publication.
    OSError
        If a file can't be moved.
    """
    names = list(outputs)
    check_outputs(paths.output(attempt), study_root, names)
    with publishing(paths.folder.parent, check=check):
        write_json(
            paths.publication, {"attempt": attempt, "outputs": names, "result": jsonable(result)}
        )
        _move_all(paths, attempt, study_root, names)


def _move_all(paths: JobPaths, attempt: int, study_root: Path, names: list[str]) -> None:
    """Move all outputs into the study, or none."""
    output = paths.output(attempt)
    moved: list[str] = []
    try:
        for name in names:
            moved.append(name)
            _move_in(output / name, study_root / name, paths.replaced / name)
    except OSError as error:
        try:
            for name in reversed(moved):
                _move_back(output / name, study_root / name, paths.replaced / name)
        except OSError:
            raise error from None  # the list stays, so that a retry moves the rest
        paths.publication.unlink()
        raise


def resume_publication(
    paths: JobPaths, study_root: Path, *, check: Callable[[], None] | None = None
) -> dict[str, Any] | None:
    """Move what a publication had not moved when its process died.

    Parameters
    ----------
    paths : JobPaths
        The job.
    study_root : Path
        The study's folder.
    check : callable, optional
        Called while another job publishes; raises to give up.

    Returns
    -------
    dict or None
        The ``result`` given to `publish`; None if no publication was under way.

    Raises
    ------
    JobError
        If the list of moves is damaged, or another job does not end its publication.
    OSError
        If a file can't be moved; the rest waits for another try.
    """
    if not paths.publication.exists():
        return None
    attempt, names, result = _read_list(paths.publication)
    output = paths.output(attempt)
    with publishing(paths.folder.parent, check=check):
        for name in names:
            if (output / name).exists():
                _move_in(output / name, study_root / name, paths.replaced / name)
    return result


def _read_list(path: Path) -> tuple[int, list[str], dict[str, Any]]:
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return int(written["attempt"]), list(written["outputs"]), dict(written["result"])
    except (ValueError, KeyError, TypeError) as error:
        raise JobError(
            "the list of results that wait to be moved into the study is damaged",
            where=str(path),
            why=str(error),
            remedy="Delete that file and run the step again",
        ) from error


def end_publication(paths: JobPaths) -> None:
    """Forget the list of moves, once the job's last event stands."""
    paths.publication.unlink(missing_ok=True)


def _move_in(source: Path, target: Path, aside: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.rename(aside)
    source.rename(target)


def _move_back(source: Path, target: Path, aside: Path) -> None:
    if not source.exists():
        target.rename(source)
    if aside.exists():
        aside.rename(target)


def digest(path: Path) -> str:
    """Return the BLAKE2b digest of a file, or of a folder's files and their names."""
    hasher = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        for folder, folders, files in os.walk(path):
            folders.sort()
            for file in sorted(files):
                whole = Path(folder) / file
                hasher.update(f"{whole.relative_to(path).as_posix()}\0".encode())
                hasher.update(bytes.fromhex(digest(whole)))
    else:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                hasher.update(chunk)
    return hasher.hexdigest()
