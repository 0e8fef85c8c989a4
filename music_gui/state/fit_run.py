"""One fit of one scale whose convergence can be looked at, wherever it is recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.io.convergence_log import ConvergenceLog, read_convergence_log
from music_gui.io.study import Study
from music_gui.state import loading


@dataclass(frozen=True, eq=False)
class FitRun:
    """A fit of one scale.

    Parameters
    ----------
    key : str
        Names it among all runs.
    title : str
        What the window calls it.
    log : ConvergenceLog
        Its figures after each epoch.
    scale : int or None
        C; None if not known.
    algorithm : str
        In words; empty if not known.
    atlas : str
        Name of the atlas that the scale goes into; empty if not known.
    job_id : str
        The job that makes it or has made it; empty if it comes from a file.
    is_running : bool
        Whether more epochs are to come.
    is_finished : bool
        Whether the atlas stands in the study.
    parameters : dict
        Of the step; empty if not known.
    """

    key: str
    title: str
    log: ConvergenceLog
    scale: int | None = None
    algorithm: str = ""
    atlas: str = ""
    job_id: str = ""
    is_running: bool = False
    is_finished: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)

    def shown_loss(self, *, as_share: bool) -> NDArray[np.float64]:
        """Return the losses to draw: as they are, or divided by that of the first epoch."""
        loss = self.log.loss
        known = loss[np.isfinite(loss)]
        if not as_share or not len(known) or known[0] == 0:
            return loss
        shares: NDArray[np.float64] = loss / known[0]
        return shares


@dataclass(frozen=True)
class StoredFit:
    """A decomposition in a study, before it is read.

    Parameters
    ----------
    folder : str
        Under the study's root.
    scale : int
        C.
    atlas : str
        Name of the atlas; empty if not recorded.
    stamp : int
        When it was written, in nanoseconds.
    """

    folder: str
    scale: int
    atlas: str
    stamp: int


def find_stored_fits(study: Study) -> tuple[StoredFit, ...]:
    """Look at the study's fits: by atlas and scale; what can't be read is left out.

    So are components that were imported: they have a record but no history.
    """
    found = []
    for path in study.decompositions.rglob("run.json"):
        folder = path.parent.relative_to(study.root)
        if any(part.startswith(".") for part in folder.parts):
            continue
        if not path.with_name("convergence.tsv").is_file():
            continue
        try:
            record = json.loads(path.read_bytes())
            stored = StoredFit(
                folder.as_posix(), int(record["scale"]), str(record.get("atlas", "")),
                path.stat().st_mtime_ns,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append(stored)
    return tuple(sorted(found, key=lambda each: (each.atlas, each.scale, each.folder)))


def read_stored_fit(
    study: Study, stored: StoredFit, key: str, title: str, job_id: str = ""
) -> FitRun:
    """Read a decomposition's record and history.

    Parameters
    ----------
    study : Study
        The open study.
    stored : StoredFit
        Which one.
    key, title : str
        Of the run.
    job_id : str
        The job that has made it, whose events tell how long an epoch took; empty if not known.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    folder = study.root / stored.folder
    path = folder / "run.json"
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            "the record of the fit can't be read",
            where=str(path),
            why=str(error),
            remedy="Fit the scale again",
        ) from error
    log = read_convergence_log(folder / "convergence.tsv")
    return FitRun(
        key=key,
        title=title,
        log=_with_times(log, study, job_id, stored.scale),
        scale=stored.scale,
        algorithm=str(record.get("title", "")),
        atlas=stored.atlas,
        job_id=job_id,
        is_finished=True,
        parameters=dict(record.get("parameters", {})),
    )


def _with_times(log: ConvergenceLog, study: Study, job_id: str, scale: int) -> ConvergenceLog:
    """Add the times from the events of the job: files of results hold none."""
    if not job_id:
        return log
    told = GrowingLog()
    for name, values in loading.load_metrics(study, job_id):
        if name == "fit" and values.get("scale") == scale:
            told.add(values)
    timed = told.log()
    # Of several starts the files keep the best, the events tell of all.
    same = timed.n_epochs == log.n_epochs and np.allclose(timed.loss, log.loss, rtol=1e-6)
    return replace(log, seconds=timed.seconds) if same else log


def read_log_file(path: Path, key: str, title: str) -> FitRun:
    """Read a log that the user opened, with the record beside it if there is one."""
    run = FitRun(key, title, read_convergence_log(path))
    record_path = path.with_name("run.json")
    if path.is_dir() or not record_path.is_file():
        return run
    try:
        record = json.loads(record_path.read_bytes())
        return replace(
            run,
            scale=int(record["scale"]),
            algorithm=str(record["title"]),
            parameters=dict(record["parameters"]),
        )
    except (OSError, ValueError, KeyError, TypeError):  # another program's: the log is enough
        return run


class GrowingLog:
    """A log that grows by an epoch at a time."""

    def __init__(self) -> None:
        self._rows: list[dict[str, float | None]] = []

    def add(self, values: dict[str, Any]) -> None:
        """Take in an epoch as a fit tells it; one that is told again takes the place of the old.

        A fit that was killed goes on from its checkpoint, some epochs back.
        """
        while self._rows and (self._rows[-1]["epoch"] or 0) >= values["epoch"]:
            self._rows.pop()
        self._rows.append(values)

    def log(self) -> ConvergenceLog:
        """Return what there is so far."""
        return ConvergenceLog.of(self._rows)
