"""Which comparison of scales the window shows: one that runs, or one that the study holds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psygnal import Signal

from music_gui.io.scale_choice import (
    RECORD,
    ScaleChoiceTable,
    SplitComparison,
    WholeFit,
    read_scale_choice,
)
from music_gui.io.study import Study
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.state.job_list import JobList
from music_gui.state.scale_curves import ScaleCurve, scale_curves
from music_gui.state.study_reader import StudyReader

#: The comparison that changes by itself: the one in work, or what was made last.
NEWEST = "newest"

_STEP = "choose-scale"

#: The atlas whose scales can be looked at in the brain.
ATLAS = "study"
_SCALE_FILE = re.compile(r"_scale-C(\d+)_dseg\.nii\.gz$")


@dataclass(frozen=True)
class ScaleComparison:
    """A comparison of scales as far as it has come.

    Parameters
    ----------
    key : str
        Names it: ``job:ID`` or ``study:NAME``.
    title : str
        What the window calls it.
    rows : tuple of SplitComparison
    curves : tuple of ScaleCurve
        The same figures against C.
    is_running : bool
        Whether more are to come.
    """

    key: str
    title: str
    rows: tuple[SplitComparison, ...]
    curves: tuple[ScaleCurve, ...]
    is_running: bool = False

    @property
    def scales(self) -> list[int]:
        """All scales with a figure, ascending."""
        return sorted({point.scale for curve in self.curves for point in curve.points})


@dataclass
class _Growing:
    """What a job has told so far; what is told again takes the place of the old."""

    rows: dict[tuple[str, str, int, int], SplitComparison] = field(default_factory=dict)
    wholes: dict[tuple[str, int], WholeFit] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    max_epochs: float = math.inf

    def add(self, name: str, values: Mapping[str, Any]) -> None:
        if name == "scale_choice":
            row = SplitComparison.of(values)
            self.rows[row.algorithm, row.split, row.repeat, row.scale] = row
        else:
            whole = WholeFit.of(values)
            self.wholes[whole.algorithm, whole.scale] = whole
            self.titles[whole.algorithm] = str(values["title"])
            self.max_epochs = values["max_epochs"]


@dataclass(frozen=True)
class _Found:
    """What a look at the study's folders shows."""

    stamps: dict[str, int]
    atlas_scales: frozenset[int]


class ScaleChoice:
    """The comparisons of scales that there are, and the one that is shown.

    Parameters
    ----------
    jobs : JobList
        Its comparisons are followed while they run.
    reader : StudyReader
        Reads those that the study holds.

    Signals
    -------
    changed()
        What is shown is another one or has grown, or the atlas has other scales.
    choices_changed()
        Other comparisons can be chosen, or another one is.
    """

    changed = Signal()
    choices_changed = Signal()

    def __init__(self, jobs: JobList, reader: StudyReader) -> None:
        self._jobs, self._reader = jobs, reader
        self._growing: dict[str, _Growing] = {}
        self._found = _Found({}, frozenset())
        self._read: dict[str, tuple[int, ScaleChoiceTable]] = {}
        self._states: dict[str, JobState] = {}
        self._chosen = NEWEST
        jobs.measured.connect(self._on_measured)
        jobs.changed.connect(self._on_job)
        jobs.cleared.connect(self._clear)

    # -- choosing --------------------------------------------------------------------------

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Key and title of each comparison: jobs that run or stopped, then the study's."""
        jobs = [
            (f"job:{job.spec.job_id}", _title(job))
            for job in self._told()
            if job.state != JobState.DONE
        ]
        return jobs + [(f"study:{name}", name) for name in self._newest_first()]

    @property
    def chosen(self) -> str:
        """Key of what is chosen; `NEWEST` stays `NEWEST`."""
        return self._chosen

    def choose(self, key: str) -> None:
        """Show a comparison."""
        if key != self._chosen:
            self._chosen = key
            self._load()
            self.choices_changed.emit()
            self.changed.emit()

    # -- what is shown ---------------------------------------------------------------------

    @property
    def shown(self) -> ScaleComparison | None:
        """The comparison that is shown; None if there is none, or it is not read yet."""
        kind, _, name = (self._key() or "").partition(":")
        if kind == "job":
            return self._of_job(name)
        if kind == "study" and name in self._read:
            table = self._read[name][1]
            titles = dict(table.record.get("algorithms", {}))
            limit = table.record.get("parameters", {}).get("max_epochs", math.inf)
            curves = scale_curves(table.rows, (), titles, limit)
            return ScaleComparison(f"study:{name}", name, table.rows, curves)
        return None

    @property
    def is_preparing(self) -> bool:
        """Whether a job is at work that has told nothing yet."""
        return any(job.spec.step == _STEP and not job.state.is_final for job in self._jobs.jobs)

    @property
    def atlas_scales(self) -> frozenset[int]:
        """Scales of the study's own atlas."""
        return self._found.atlas_scales

    def _of_job(self, job_id: str) -> ScaleComparison | None:
        job, told = self._jobs.job(job_id), self._growing.get(job_id)
        if job is None or told is None:
            return None
        rows = tuple(told.rows.values())
        return ScaleComparison(
            f"job:{job_id}",
            _title(job),
            rows,
            scale_curves(rows, told.wholes.values(), told.titles, told.max_epochs),
            is_running=not job.state.is_final,
        )

    def _key(self) -> str | None:
        if self._chosen != NEWEST:
            return self._chosen
        told, stored = self._told(), self._newest_first()
        for job in told:
            if not job.state.is_final or job.state == JobState.DONE:
                return f"job:{job.spec.job_id}"
        if stored:
            return f"study:{stored[0]}"
        return f"job:{told[0].spec.job_id}" if told else None

    def _told(self) -> list[JobSnapshot]:
        """Return the jobs of whose figures the study holds none yet, newest first."""
        return [job for job in reversed(self._jobs.jobs) if job.spec.job_id in self._growing]

    def _newest_first(self) -> list[str]:
        return sorted(self._found.stamps, key=lambda name: (-self._found.stamps[name], name))

    # -- reading and following -------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what the study holds."""
        self._reader.read_from_study(_find, self._show_found, topic="scale choices")

    def _show_found(self, found: _Found) -> None:
        if found == self._found:
            return
        self._found = found
        if self._chosen.startswith("study:") and self._chosen[6:] not in found.stamps:
            self._chosen = NEWEST
        self._load()
        self.choices_changed.emit()
        self.changed.emit()

    def _load(self) -> None:
        """Read what is chosen, or the newest that the study holds, unless it is read already."""
        newest = self._newest_first()[:1]
        name = self._chosen.partition(":")[2] if self._chosen != NEWEST else "".join(newest)
        stamp = self._found.stamps.get(name)
        if stamp is None or self._read.get(name, (None,))[0] == stamp:
            return

        def take(table: ScaleChoiceTable) -> None:
            self._read[name] = (stamp, table)
            for job in self._told():
                if job.state == JobState.DONE:  # it is shown until its table is there
                    del self._growing[job.spec.job_id]
            self.changed.emit()

        self._reader.read_from_study(
            lambda study: read_scale_choice(study.scale_choice(name)), take, topic="scale choice"
        )

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        if not name.startswith("scale_choice"):
            return
        is_new = job_id not in self._growing
        self._growing.setdefault(job_id, _Growing()).add(name, values)
        if is_new:
            self.choices_changed.emit()
        if self._key() == f"job:{job_id}":
            self.changed.emit()

    def _on_job(self, job_id: str) -> None:
        """Tell when a job's state has changed: its progress changes ten times a second."""
        job = self._jobs.job(job_id)
        if job is None or job.spec.step != _STEP or self._states.get(job_id) == job.state:
            return
        self._states[job_id] = job.state
        if job.state == JobState.DONE and self._chosen == f"job:{job_id}":
            self._chosen = NEWEST
        self.choices_changed.emit()
        self.changed.emit()

    def _clear(self) -> None:
        """Forget the study."""
        for known in (self._growing, self._read, self._states):
            known.clear()
        self._found = _Found({}, frozenset())
        self._chosen = NEWEST
        self.choices_changed.emit()
        self.changed.emit()


def _find(study: Study) -> _Found:
    stamps = {
        path.parent.name: path.stat().st_mtime_ns
        for path in study.scale_choices.glob(f"[!.]*/{RECORD}")
    }
    files = study.atlas(ATLAS).glob("[!.]*_dseg.nii.gz")
    scales = (_SCALE_FILE.search(path.name) for path in files)
    return _Found(stamps, frozenset(int(found[1]) for found in scales if found))


def _title(job: JobSnapshot) -> str:
    time = datetime.fromisoformat(job.spec.created).astimezone()
    today = time.date() == datetime.now().astimezone().date()
    return f"{job.state}, {time:%H:%M}" if today else f"{job.state}, {time:%d %b %Y %H:%M}"
