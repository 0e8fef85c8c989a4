"""The main job: the steps from maps to a score, one after another, on the example study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from music_gui.core.errors import StudyError
from music_gui.io.study import Study
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.jobs.runner import new_job
from music_gui.steps.registry import get_step
from music_gui.steps.reporter import Reporter
from music_gui.steps.worker import run_job

#: The steps, each with its default parameters.
MAIN_JOB = (
    "import-maps",
    "fit",
    "extract",
    "harmonize",
    "gwas",
    "spare-train",
    "spare-score",
)


def create_example(root: Path) -> Study:
    """Make the example study's folder; its inputs are made by the step ``make-example``.

    Parameters
    ----------
    root : Path
        A new or empty folder, or an example study, which is opened as it is.

    Raises
    ------
    StudyError
        If the folder holds something else or can't be written.
    """
    try:
        study = Study.open(root)
    except StudyError:
        return Study.create(root, "Example (simulated)", simulated=True)
    if not study.manifest.simulated:
        raise StudyError(
            "the folder holds a study of real data",
            where=str(study.root),
            remedy="Choose a new or empty folder for the example",
        )
    return study


def run_steps(
    study: Study,
    steps: Iterable[str],
    *,
    make_reporter: type[Reporter] = Reporter,
    threads: int | None = None,
) -> Iterator[JobSnapshot]:
    """Run steps with their default parameters one after another, in this process.

    Parameters
    ----------
    study : Study
        The study.
    steps : iterable of str
        Their names.
    make_reporter : type
        The kind of reporter, where progress goes besides each job's events.
    threads : int, optional
        Threads that each step may use; all cores if not given.

    Yields
    ------
    JobSnapshot
        Each job as it ended; one that is not done is the last.
    """
    for name in steps:
        spec = new_job(name, {}, title=get_step(name).title, threads=threads)
        snapshot = run_job(study, spec, make_reporter=make_reporter)
        yield snapshot
        if snapshot.state != JobState.DONE:
            return
