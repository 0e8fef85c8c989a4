"""Which fits the convergence panel shows: one, or two to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psygnal import Signal

from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.state.fit_run import (
    FitRun,
    GrowingLog,
    StoredFit,
    find_stored_fits,
    read_log_file,
    read_stored_fit,
)
from music_gui.state.job_list import JobList
from music_gui.state.settings import Settings
from music_gui.state.study_reader import StudyReader

#: The run that changes by itself: the scale in work, or what was fitted last.
NEWEST = "newest"

_MOST_JOBS = 30
_MOST_FILES = 8


@dataclass(frozen=True)
class RunChoice:
    """A run that can be chosen.

    Parameters
    ----------
    key : str
        Names it among all runs.
    title : str
        What the window calls it.
    """

    key: str
    title: str


class ConvergenceState:
    """The runs there are, and the two that are shown.

    Parameters
    ----------
    jobs : JobList
        Its fits can be chosen, while they run and afterwards.
    reader : StudyReader
        Reads decompositions and logs.
    settings : Settings
        Remembers which files were opened.
    load_metrics : callable
        ``load_metrics(job_id, on_done)`` reads what a job has published that had ended before.

    Signals
    -------
    choices_changed()
        Other runs can be chosen, or other ones are.
    run_changed(slot)
        The run in a slot, 0 or 1, is another one or has grown.
    """

    choices_changed = Signal()
    run_changed = Signal(int)

    def __init__(
        self,
        jobs: JobList,
        reader: StudyReader,
        settings: Settings,
        load_metrics: Callable[[str, Callable[[list[tuple[str, dict[str, Any]]]], None]], None],
    ) -> None:
        self._jobs = jobs
        self._reader = reader
        self._settings = settings
        self._load_metrics = load_metrics
        self._chosen: list[str | None] = [NEWEST, None]
        self._logs: dict[tuple[str, int], GrowingLog] = {}
        self._newest_scale: dict[str, int] = {}
        self._states: dict[str, JobState] = {}
        self._parameters: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, StoredFit] = {}
        self._read: dict[str, FitRun] = {}
        self._asked: set[str] = set()
        jobs.measured.connect(self._on_measured)
        jobs.changed.connect(self._on_job)
        jobs.cleared.connect(self._clear)

    # -- choosing --------------------------------------------------------------------------

    @property
    def choices(self) -> list[RunChoice]:
        """All runs there are: of jobs, newest first, then the study's, then opened files."""
        runs = []
        for job in self._fits():
            for scale in self._scales(job):
                runs.append(RunChoice(f"job:{job.spec.job_id}:{scale}", _job_title(job, scale)))
        runs += [
            RunChoice(f"study:{each.folder}", _stored_title(each)) for each in self._stored.values()
        ]
        runs += [
            RunChoice(f"file:{path}", _file_title(Path(path)))
            for path in self._settings.convergence_files
        ]
        return runs

    @property
    def newest_title(self) -> str:
        """Title of the run that `NEWEST` stands for; empty if there is none."""
        key = self._newest() or ""
        kind, _, name = key.partition(":")
        if kind == "job":
            job_id, scale = _job_key(key)
            job = self._jobs.job(job_id)
            return "" if job is None else _job_title(job, scale)
        return _stored_title(self._stored[name]) if kind == "study" else ""

    def chosen(self, slot: int) -> str | None:
        """Return the key of the choice in a slot; `NEWEST` stays `NEWEST`."""
        return self._chosen[slot]

    def choose(self, slot: int, key: str | None) -> None:
        """Show a run in a slot, or none."""
        if key != self._chosen[slot]:
            self._chosen[slot] = key
            self.choices_changed.emit()
            self._renew(slot)

    def exchange(self) -> None:
        """Put each of the two runs in the place of the other."""
        if self._chosen[1] is not None:
            self._chosen.reverse()
            self.choices_changed.emit()
            self.run_changed.emit(0)
            self.run_changed.emit(1)

    def open_log(self, path: Path) -> None:
        """Read a log; it is shown as the second run, or as the first if there is none yet."""
        key = f"file:{path}"

        def show(run: FitRun) -> None:
            self._read[key] = run
            others = [each for each in self._settings.convergence_files if each != str(path)]
            self._settings.convergence_files = (str(path), *others)[:_MOST_FILES]
            slot = 0 if self.run(0) is None else 1
            if self._chosen[slot] == key:
                self.run_changed.emit(slot)
            self._chosen[slot] = key
            self.choices_changed.emit()
            self.run_changed.emit(slot)

        self._reader.read(
            lambda: read_log_file(path, key, _file_title(path)), show, topic=f"log {path}"
        )

    # -- what is shown ---------------------------------------------------------------------

    def run(self, slot: int) -> FitRun | None:
        """Return the run in a slot; None if none is chosen, or it is not read yet."""
        key = self._key(slot)
        if key is None:
            return None
        return self.job_run(*_job_key(key)) if key.startswith("job:") else self._read.get(key)

    @property
    def has_chosen(self) -> bool:
        """Whether a run is chosen, though it may not be read yet."""
        return any(self._key(slot) is not None for slot in (0, 1))

    def _key(self, slot: int) -> str | None:
        chosen = self._chosen[slot]
        return self._newest() if chosen == NEWEST else chosen

    def _newest(self) -> str | None:
        for job in self._fits():
            if (scale := self._newest_scale.get(job.spec.job_id)) is not None:
                return f"job:{job.spec.job_id}:{scale}"
        newest = max(self._stored.values(), key=lambda each: each.stamp, default=None)
        return None if newest is None else f"study:{newest.folder}"

    def job_run(self, job_id: str, scale: int) -> FitRun | None:
        """Return a scale of a fit as far as it has come; None if nothing is known of it."""
        job, log = self._jobs.job(job_id), self._logs.get((job_id, scale))
        if job is None or log is None:
            return None
        parameters = self._parameters.get(job_id, {})
        return FitRun(
            key=f"job:{job_id}:{scale}",
            title=_job_title(job, scale),
            log=log.log(),
            scale=scale,
            algorithm=parameters.get("title", ""),
            atlas=str(parameters.get("atlas", "")),
            job_id=job_id,
            is_running=not job.state.is_final,
            is_finished=self._is_in_study(job, scale),
            parameters={name: each for name, each in parameters.items() if name != "title"},
        )

    def _renew(self, slot: int) -> None:
        """Show what is known of a slot's run, and read it if it is not."""
        key = self._key(slot)
        self.run_changed.emit(slot)
        if key is not None:
            self._load(key)

    def _load(self, key: str) -> None:
        """Read a run, once."""
        kind, _, name = key.partition(":")
        if kind == "job":
            job_id, _ = _job_key(key)
            self._load_job(job_id)
        elif key in self._asked or key in self._read:
            return
        elif kind == "study" and name in self._stored:
            self._asked.add(key)
            stored = self._stored[name]
            job_id = self._maker_of(name)
            self._reader.read_from_study(
                lambda study: read_stored_fit(study, stored, key, _stored_title(stored), job_id),
                lambda run: self._take(key, run),
                topic=f"run {key}",
            )
        elif kind == "file":
            self._asked.add(key)
            path = Path(name)
            self._reader.read(
                lambda: read_log_file(path, key, _file_title(path)),
                lambda run: self._take(key, run),
                topic=f"run {key}",
            )

    def _load_job(self, job_id: str) -> None:
        """Read the metrics of a job that had ended before, and its parameters with defaults."""
        if job_id in self._asked or (job := self._jobs.job(job_id)) is None:
            return
        self._asked.add(job_id)
        given = job.spec.parameters

        def take(parameters: dict[str, Any]) -> None:
            self._parameters[job_id] = parameters
            self._tell(job_id)

        self._reader.read_from_study(
            lambda _: _whole_parameters(given), take, topic=f"parameters {job_id}"
        )
        if job.state.is_final and not self._jobs.metrics_of(job_id):
            self._load_metrics(job_id, lambda metrics: self._take_metrics(job_id, metrics))

    def _take(self, key: str, run: FitRun) -> None:
        self._read[key] = run
        for slot in (0, 1):
            if self._key(slot) == key:
                self.run_changed.emit(slot)

    def _take_metrics(self, job_id: str, metrics: list[tuple[str, dict[str, Any]]]) -> None:
        for name, values in metrics:
            if name == "fit":
                self._add(job_id, values)
        self.choices_changed.emit()
        self._tell(job_id)

    # -- following -------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at the study's decompositions."""
        self._reader.read_from_study(find_stored_fits, self._show_stored, topic="stored fits")

    def _show_stored(self, found: Iterable[StoredFit]) -> None:
        before, self._stored = self._stored, {each.folder: each for each in found}
        for folder, old in before.items():
            if self._stored.get(folder) != old:  # fitted again, or removed
                self._read.pop(f"study:{folder}", None)
                self._asked.discard(f"study:{folder}")
        if before != self._stored:
            self.choices_changed.emit()
        for slot in (0, 1):
            key = self._key(slot)
            if key is not None and key.startswith("study:") and key not in self._read:
                self._renew(slot)

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        if name != "fit":
            return
        before = self._key(0), self._key(1)
        self._add(job_id, values)
        if self._newest_scale.get(job_id) != values["scale"]:
            self._newest_scale[job_id] = values["scale"]
            self.choices_changed.emit()
        key = f"job:{job_id}:{values['scale']}"
        for slot in (0, 1):
            if self._key(slot) != before[slot]:
                self._renew(slot)
            elif self._key(slot) == key:
                self._load_job(job_id)
                self.run_changed.emit(slot)

    def _add(self, job_id: str, values: dict[str, Any]) -> None:
        self._logs.setdefault((job_id, values["scale"]), GrowingLog()).add(values)

    def _on_job(self, job_id: str) -> None:
        job = self._jobs.job(job_id)
        if job is None or job.spec.step != "fit" or self._states.get(job_id) == job.state:
            return
        self._states[job_id] = job.state
        self.choices_changed.emit()
        self._tell(job_id)

    def _tell(self, job_id: str) -> None:
        for slot in (0, 1):
            if (self._key(slot) or "").startswith(f"job:{job_id}:"):
                self.run_changed.emit(slot)

    def _clear(self) -> None:
        """Forget the study; opened files stay."""
        for known in (self._logs, self._newest_scale, self._states, self._parameters, self._stored):
            known.clear()
        self._read = {key: run for key, run in self._read.items() if key.startswith("file:")}
        self._asked.clear()
        self._chosen = [
            key if key in (None, NEWEST) or key.startswith("file:") else default
            for key, default in zip(self._chosen, (NEWEST, None), strict=True)
        ]
        self.choices_changed.emit()
        for slot in (0, 1):
            self.run_changed.emit(slot)

    # -- jobs ------------------------------------------------------------------------------

    def _fits(self) -> list[JobSnapshot]:
        fits = [job for job in reversed(self._jobs.jobs) if job.spec.step == "fit"]
        return [job for job in fits[:_MOST_JOBS] if job.state != JobState.QUEUED]

    def _scales(self, job: JobSnapshot) -> list[int]:
        """Return the scales of a job: asked for, or seen where none was asked for."""
        asked = job.spec.parameters.get("scales")
        seen = [scale for job_id, scale in self._logs if job_id == job.spec.job_id]
        result = (job.result or {}).get("details", {}).get("scales", {})
        return sorted({*(asked or ()), *seen, *map(int, result)})

    def _is_in_study(self, job: JobSnapshot, scale: int) -> bool:
        """Tell whether what a job has made has not been made again since."""
        made = [each for each in _outputs(job) if each.startswith("decompositions/")]
        return any(
            each.endswith(f"/C{scale}") and self._maker_of(each) == job.spec.job_id for each in made
        )

    def _maker_of(self, folder: str) -> str:
        """Return the job that has made a decomposition, if it is in the list."""
        for job in reversed(self._jobs.jobs):
            if job.state == JobState.DONE and folder in _outputs(job):
                return job.spec.job_id
        return ""


def _outputs(job: JobSnapshot) -> list[str]:
    return list((job.result or {}).get("outputs", ()))


def _whole_parameters(given: dict[str, Any]) -> dict[str, Any]:
    """Return a fit's parameters with defaults, and under ``title`` the algorithm in words."""
    from music_gui.steps.fit import ALGORITHMS, FitParameters

    parameters = FitParameters.model_validate(given).model_dump(mode="json")
    return parameters | {"title": ALGORITHMS[parameters["algorithm"]]}


def _job_key(key: str) -> tuple[str, int]:
    _, job_id, scale = key.split(":")
    return job_id, int(scale)


def _job_title(job: JobSnapshot, scale: int) -> str:
    time = datetime.fromisoformat(job.spec.created).astimezone()
    today = time.date() == datetime.now().astimezone().date()
    when = f"{time:%H:%M}" if today else f"{time:%d %b %Y %H:%M}"
    return f"C{scale}, job of {when}, {job.state}"


def _stored_title(stored: StoredFit) -> str:
    return f"C{stored.scale}, atlas {stored.atlas}" if stored.atlas else f"C{stored.scale}"


def _file_title(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name
