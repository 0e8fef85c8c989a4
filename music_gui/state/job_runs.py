"""The fits that jobs make: their logs as they grow, and what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from psygnal import Signal

from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.state.fit_run import FitRun, GrowingLog
from music_gui.state.job_list import JobList
from music_gui.state.study_reader import StudyReader

Metrics = list[tuple[str, dict[str, Any]]]

_MOST_JOBS = 30


class JobRuns:
    """All scales that the fits of the job list have made or are making.

    Parameters
    ----------
    jobs : JobList
        Its fits are followed.
    reader : StudyReader
        Reads what is not in the list.
    load_metrics : callable
        ``load_metrics(job_id, on_done)`` reads what a job has published that had ended before.

    Signals
    -------
    grown(job_id, scale)
        A scale has another epoch.
    changed(job_id)
        More is known of a job, or it stands elsewhere.
    """

    grown = Signal(str, int)
    changed = Signal(str)

    def __init__(
        self,
        jobs: JobList,
        reader: StudyReader,
        load_metrics: Callable[[str, Callable[[Metrics], None]], None],
    ) -> None:
        self._jobs = jobs
        self._reader = reader
        self._load_metrics = load_metrics
        self._logs: dict[tuple[str, int], GrowingLog] = {}
        self._in_work: dict[str, int] = {}
        self._states: dict[str, JobState] = {}
        self._parameters: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        jobs.measured.connect(self._on_measured)
        jobs.changed.connect(self._on_job)

    def clear(self) -> None:
        """Forget all: another study is opened."""
        for known in (self._logs, self._in_work, self._states, self._parameters, self._asked):
            known.clear()

    # -- what there is ---------------------------------------------------------------------

    def all(self) -> list[tuple[str, int, str]]:
        """Return job id, scale and title of each run, the newest job first."""
        return [
            (job.spec.job_id, scale, _title(job, scale))
            for job in self._fits()
            for scale in self._scales(job)
        ]

    def newest(self) -> tuple[str, int] | None:
        """Return job id and scale of the run that was told of last, among those told here."""
        for job in self._fits():
            if (scale := self._in_work.get(job.spec.job_id)) is not None:
                return job.spec.job_id, scale
        return None

    def title(self, job_id: str, scale: int) -> str:
        """Return what the window calls a run; empty if there is no such job."""
        job = self._jobs.job(job_id)
        return "" if job is None else _title(job, scale)

    def run(self, job_id: str, scale: int) -> FitRun | None:
        """Return a run as far as it has come; None if nothing is known of it yet."""
        job, log = self._jobs.job(job_id), self._logs.get((job_id, scale))
        if job is None or log is None:
            return None
        parameters = self._parameters.get(job_id, {})
        return FitRun(
            key=f"job:{job_id}:{scale}",
            title=_title(job, scale),
            log=log.log(),
            scale=scale,
            algorithm=parameters.get("title", ""),
            atlas=str(parameters.get("atlas", "")),
            job_id=job_id,
            is_running=not job.state.is_final,
            is_finished=self._is_in_study(job, scale),
            parameters={name: each for name, each in parameters.items() if name != "title"},
        )

    def maker_of(self, folder: str) -> str:
        """Return the id of the job that has made a decomposition; empty if it is not listed."""
        for job in reversed(self._jobs.jobs):
            if job.state == JobState.DONE and folder in _outputs(job):
                return job.spec.job_id
        return ""

    # -- reading ---------------------------------------------------------------------------

    def load(self, job_id: str) -> None:
        """Read a job's parameters with defaults, and its log if it had ended before; once."""
        if job_id in self._asked or (job := self._jobs.job(job_id)) is None:
            return
        self._asked.add(job_id)
        given = job.spec.parameters

        def take(parameters: dict[str, Any]) -> None:
            self._parameters[job_id] = parameters
            self.changed.emit(job_id)

        self._reader.read_from_study(
            lambda _: _whole_parameters(given), take, topic=f"parameters {job_id}"
        )
        if job.state.is_final and not self._jobs.metrics_of(job_id):
            self._load_metrics(job_id, lambda metrics: self._take_metrics(job_id, metrics))

    def _take_metrics(self, job_id: str, metrics: Metrics) -> None:
        for name, values in metrics:
            if name == "fit":
                self._add(job_id, values)
        self.changed.emit(job_id)

    # -- following -------------------------------------------------------------------------

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        if name == "fit":
            self._add(job_id, values)
            self._in_work[job_id] = values["scale"]
            self.grown.emit(job_id, values["scale"])

    def _add(self, job_id: str, values: dict[str, Any]) -> None:
        self._logs.setdefault((job_id, values["scale"]), GrowingLog()).add(values)

    def _on_job(self, job_id: str) -> None:
        """Tell when a fit's state has changed: its progress changes ten times a second."""
        job = self._jobs.job(job_id)
        if job is not None and job.spec.step == "fit" and self._states.get(job_id) != job.state:
            self._states[job_id] = job.state
            self.changed.emit(job_id)

    # -- jobs ------------------------------------------------------------------------------

    def _fits(self) -> list[JobSnapshot]:
        fits = [job for job in reversed(self._jobs.jobs) if job.spec.step == "fit"]
        return [job for job in fits if job.state != JobState.QUEUED][:_MOST_JOBS]

    def _scales(self, job: JobSnapshot) -> list[int]:
        """Return the scales of a job: asked for, or seen where none was asked for."""
        asked = job.spec.parameters.get("scales") or ()
        seen = [scale for job_id, scale in self._logs if job_id == job.spec.job_id]
        result = (job.result or {}).get("details", {}).get("scales", {})
        return sorted({*asked, *seen, *map(int, result)})

    def _is_in_study(self, job: JobSnapshot, scale: int) -> bool:
        """Tell whether what a job has made has not been made again since."""
        made = [each for each in _outputs(job) if each.startswith("decompositions/")]
        return any(
            each.endswith(f"/C{scale}") and self.maker_of(each) == job.spec.job_id for each in made
        )


def _outputs(job: JobSnapshot) -> list[str]:
    return list((job.result or {}).get("outputs", ()))


def _whole_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """Return a fit's parameters with defaults, and under ``title`` the algorithm in words."""
    from music_gui.steps.fit import ALGORITHMS, FitParameters

    parameters = FitParameters.model_validate(given).model_dump(mode="json")
    return parameters | {"title": ALGORITHMS[parameters["algorithm"]]}


def _title(job: JobSnapshot, scale: int) -> str:
    time = datetime.fromisoformat(job.spec.created).astimezone()
    today = time.date() == datetime.now().astimezone().date()
    when = f"{time:%H:%M}" if today else f"{time:%d %b %Y %H:%M}"
    return f"C{scale}, {job.state}, {when}"
