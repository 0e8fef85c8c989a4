"""Move a job's results into the study: all of them, even across a crash, losing nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from music_gui.core.errors import JobError
from music_gui.io.atomic import write_json
from music_gui.jobs.paths import JobPaths

_CHUNK = 1 << 20


def publish(paths: JobPaths, study_root: Path, outputs: Iterable[str]) -> None:
    """Move finished outputs from the job's folder to the same place in the study.

    What stood there moves to the job's ``replaced`` folder. The list is written down first; if
    the process dies on the way, `finish_publication` moves the rest.

    Parameters
    ----------
    paths : JobPaths
        The job.
    study_root : Path
        The study's folder; on the same file system as the job's.
    outputs : iterable of str
        Files and folders relative to ``output``, with forward slashes.

    Raises
    ------
    JobError
        If an output is missing or lies outside the study.
    """
    names = list(outputs)
    for name in names:
        target = (study_root / name).resolve()
        if not target.is_relative_to(study_root.resolve()):
            raise JobError("an output lies outside the study", where=name)
        if not (paths.output / name).exists():
            raise JobError("a promised output was not written", where=name)
    write_json(paths.publication, names)
    finish_publication(paths, study_root)


def finish_publication(paths: JobPaths, study_root: Path) -> bool:
    """Move what a publication has not moved yet.

    Returns
    -------
    bool
        Whether there was a publication to finish.
    """
    if not paths.publication.exists():
        return False
    for name in json.loads(paths.publication.read_text()):
        source, target = paths.output / name, study_root / name
        if not source.exists():
            continue  # moved before the crash
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            _move_aside(target, paths.replaced / name)
        source.rename(target)
    paths.publication.unlink()
    return True


def _move_aside(target: Path, place: Path) -> None:
    number = 1
    free = place
    while free.exists():
        number += 1
        free = place.with_name(f"{place.name}.{number}")
    free.parent.mkdir(parents=True, exist_ok=True)
    target.rename(free)


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
