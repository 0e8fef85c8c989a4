"""Which fits the convergence panel shows: one, or two to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from psygnal import Signal

from music_gui.state.fit_run import (
    FitRun,
    StoredFit,
    find_stored_fits,
    read_log_file,
    read_stored_fit,
)
from music_gui.state.job_list import JobList
from music_gui.state.job_runs import JobRuns, Metrics
from music_gui.state.settings import Settings
from music_gui.state.study_reader import StudyReader

#: The run that changes by itself: the scale in work, or what was fitted last.
NEWEST = "newest"

_MOST_FILES = 8


@dataclass(frozen=True)
class RunChoice:
    """A run that can be chosen.

    Parameters
    ----------
    key : str
        Names it among all runs: ``job:ID:SCALE``, ``study:FOLDER`` or ``file:PATH``.
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

    Attributes
    ----------
    job_runs : JobRuns
        The runs of the jobs.

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
        load_metrics: Callable[[str, Callable[[Metrics], None]], None],
    ) -> None:
        self.job_runs = JobRuns(jobs, reader, load_metrics)
        self._reader = reader
        self._settings = settings
        self._chosen: list[str | None] = [NEWEST, None]
        self._shown: list[str | None] = [None, None]
        self._stored: dict[str, StoredFit] = {}
        self._read: dict[str, FitRun] = {}
        self._asked: set[str] = set()
        self.job_runs.grown.connect(self._on_grown)
        self.job_runs.changed.connect(self._on_job)
        jobs.cleared.connect(self._clear)

    # -- choosing --------------------------------------------------------------------------

    @property
    def choices(self) -> list[RunChoice]:
        """All runs there are: of jobs, newest first, then the study's, then opened files."""
        return [
            *(RunChoice(_job_key(job, scale), title) for job, scale, title in self.job_runs.all()),
            *(RunChoice(f"study:{each.folder}", _title(each)) for each in self._stored.values()),
            *(
                RunChoice(f"file:{path}", _file_title(Path(path)))
                for path in self._settings.convergence_files
            ),
        ]

    @property
    def newest_title(self) -> str:
        """Title of the run that `NEWEST` stands for; empty if there is none."""
        if (newest := self.job_runs.newest()) is not None:
            return self.job_runs.title(*newest)
        key = self._newest()
        return "" if key is None else _title(self._stored[key.removeprefix("study:")])

    def chosen(self, slot: int) -> str | None:
        """Return the key of the choice in a slot; `NEWEST` stays `NEWEST`."""
        return self._chosen[slot]

    @property
    def has_chosen(self) -> bool:
        """Whether a run is chosen, though it may not be read yet."""
        return any(self._key(slot) is not None for slot in (0, 1))

    def choose(self, slot: int, key: str | None) -> None:
        """Show a run in a slot, or none."""
        if key != self._chosen[slot]:
            self._chosen[slot] = key
            self.choices_changed.emit()
            self._renew(slot)

    def exchange(self) -> None:
        """Put each of the two runs in the place of the other; the newest one then stays."""
        if self._chosen[1] is not None:
            self._chosen = [self._key(1), self._key(0)]
            self.choices_changed.emit()
            self._renew(0)
            self._renew(1)

    def open_log(self, path: Path) -> None:
        """Read a log; it is shown as the second run, or as the first if there is none yet."""
        key = f"file:{path}"

        def show(run: FitRun) -> None:
            self._read[key] = run
            others = [each for each in self._settings.convergence_files if each != str(path)]
            self._settings.convergence_files = (str(path), *others)[:_MOST_FILES]
            slot = 0 if self.run(0) is None else 1
            self._chosen[slot] = key
            self.choices_changed.emit()
            self._renew(slot)

        self._reader.read(
            lambda: read_log_file(path, key, _file_title(path)), show, topic=f"log {path}"
        )

    # -- what is shown ---------------------------------------------------------------------

    def run(self, slot: int) -> FitRun | None:
        """Return the run in a slot; None if none is chosen, or it is not read yet."""
        key = self._key(slot)
        if key is None:
            return None
        if key.startswith("job:"):
            return self.job_runs.run(*_job_and_scale(key))
        return self._read.get(key)

    def _key(self, slot: int) -> str | None:
        chosen = self._chosen[slot]
        return self._newest() if chosen == NEWEST else chosen

    def _newest(self) -> str | None:
        if (newest := self.job_runs.newest()) is not None:
            return _job_key(*newest)
        stored = max(self._stored.values(), key=lambda each: each.stamp, default=None)
        return None if stored is None else f"study:{stored.folder}"

    def _renew(self, slot: int) -> None:
        """Show what is known of a slot's run, and read the rest."""
        key = self._shown[slot] = self._key(slot)
        if key is not None:
            self._load(key)
        self.run_changed.emit(slot)

    def _load(self, key: str) -> None:
        """Read a run, once."""
        kind, _, name = key.partition(":")
        if kind == "job":
            self.job_runs.load(_job_and_scale(key)[0])
        elif key in self._asked or key in self._read:
            return
        elif kind == "study" and (stored := self._stored.get(name)) is not None:
            self._asked.add(key)
            maker = self.job_runs.maker_of(name)
            self._reader.read_from_study(
                lambda study: read_stored_fit(study, stored, key, _title(stored), maker),
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

    def _take(self, key: str, run: FitRun) -> None:
        self._read[key] = run
        for slot in (0, 1):
            if self._key(slot) == key:
                self.run_changed.emit(slot)

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
            if key != self._shown[slot] or (key is not None and key not in self._read):
                self._renew(slot)

    def _on_grown(self, job_id: str, scale: int) -> None:
        key = _job_key(job_id, scale)
        for slot in (0, 1):
            if self._key(slot) != self._shown[slot]:  # the newest is another one
                self.choices_changed.emit()
                self._renew(slot)
            elif self._shown[slot] == key:
                self.run_changed.emit(slot)

    def _on_job(self, job_id: str) -> None:
        self.choices_changed.emit()
        for slot in (0, 1):
            if (self._key(slot) or "").startswith(f"job:{job_id}:"):
                self.run_changed.emit(slot)

    def _clear(self) -> None:
        """Forget the study; opened files stay."""
        self.job_runs.clear()
        self._stored.clear()
        self._read = {key: run for key, run in self._read.items() if key.startswith("file:")}
        self._asked.clear()
        for slot, default in enumerate((NEWEST, None)):
            if not (self._chosen[slot] or "").startswith("file:"):
                self._chosen[slot] = default
        self.choices_changed.emit()
        self._renew(0)
        self._renew(1)


def _job_key(job_id: str, scale: int) -> str:
    return f"job:{job_id}:{scale}"


def _job_and_scale(key: str) -> tuple[str, int]:
    _, job_id, scale = key.split(":")
    return job_id, int(scale)


def _title(stored: StoredFit) -> str:
    return f"C{stored.scale}, atlas {stored.atlas}" if stored.atlas else f"C{stored.scale}"


def _file_title(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name
