"""Work on one job from claim to result: the same in a worker process and on the command line."""

from __future__ import annotations

import errno
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from music_gui.core.errors import Cancelled, JobError, MusicError, ParameterError
from music_gui.io.study import Study
from music_gui.jobs.events import Event, append_event
from music_gui.jobs.folder import JobFolder, claim, create_job, jobs_in
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.publication import (
    check_outputs,
    digest,
    end_publication,
    publish,
    resume_publication,
)
from music_gui.jobs.supervision import SupervisedJob
from music_gui.steps.memoization import (
    changed_inputs,
    computed_before,
    digest_inputs,
    result_key,
)
from music_gui.steps.registry import get_step
from music_gui.steps.reporter import Reporter
from music_gui.steps.step import Step, StepParameters, Workspace

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_CANCELLED = 130


def work_on(
    job_folder: Path,
    *,
    claimed: bool = False,
    make_reporter: type[Reporter] = Reporter,
) -> int:
    """Run a queued job in this process.

    Parameters
    ----------
    job_folder : Path
        ``STUDY/jobs/JOB_ID``.
    claimed : bool
        The job was created as this process's own (`music_gui.jobs.folder.create_job`).
    make_reporter : type
        The kind of reporter, where progress goes besides the job's events.

    Returns
    -------
    int
        0 done, 1 failed, 130 cancelled; the reason stands in the job's events.

    Raises
    ------
    JobError
        If the job is not waiting to be run, or another worker takes it first.
    """
    folder = JobFolder(job_folder)
    folder.refresh()
    paths, attempt = folder.paths, folder.attempt
    if not claimed:
        if folder.state != JobState.QUEUED:
            raise JobError(f"the job is not queued but {folder.state}", where=folder.spec.job_id)
        claim(paths, attempt)
    reporter = make_reporter(paths, attempt)
    with _stopping_on_signals(reporter):
        try:
            study = Study.open(job_folder.parent.parent)
            result = resume_publication(paths, study.root, check=reporter.check)
            result = result or _run(study, folder, reporter)
        except Cancelled:
            _conclude(paths, attempt, "cancelled", {})
            return EXIT_CANCELLED
        except Exception as error:
            _note_unexpected(paths, error)
            _conclude(paths, attempt, "failed", explain(error).as_dict())
            return EXIT_FAILED
        finally:
            reporter.close()
        _conclude(paths, attempt, "done", result)
        return EXIT_DONE


def run_job(
    study: Study, spec: JobSpec, *, make_reporter: type[Reporter] = Reporter
) -> JobSnapshot:
    """Make a job and work on it in this process, to its end.

    Publications of other jobs that a crash interrupted are finished first, so that the step
    never sees half a result.

    Parameters
    ----------
    study : Study
        Where the job belongs.
    spec : JobSpec
        What is asked for (`music_gui.jobs.runner.new_job`).
    make_reporter : type
        The kind of reporter, where progress goes besides the job's events.

    Returns
    -------
    JobSnapshot
        The job as it ended: done, failed or cancelled.
    """
    for path in jobs_in(study.jobs):
        if JobPaths(path).publication.exists():
            interrupted = SupervisedJob(JobFolder(path))
            interrupted.look()
            if interrupted.is_waiting:
                work_on(path)
    paths = create_job(study.jobs, spec, claimed=True)
    work_on(paths.folder, claimed=True, make_reporter=make_reporter)
    snapshot, _ = JobFolder(paths.folder).refresh()
    return snapshot


def explain(error: Exception) -> MusicError:
    """Turn any exception into one with words for the user."""
    if isinstance(error, MusicError):
        return error
    if isinstance(error, MemoryError):
        return MusicError(
            "the machine has not enough free memory for this step",
            why=str(error),
            remedy="Close other programs, or choose a smaller scale or batch",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MusicError(
            "the disk is full",
            where=str(error.filename or ""),
            why=error.strerror or "",
            remedy="Free some space and retry the job; the study is as it was before",
        )
    if isinstance(error, OSError) and error.strerror:
        return MusicError(
            "a file can't be read or written", where=str(error.filename or ""), why=error.strerror
        )
    return MusicError(
        f"an unexpected error: {type(error).__name__}",
        why=str(error),
        remedy="This is a fault of the program; the job's log has the details for a report",
    )


def parse_parameters(step: Step[Any], values: dict[str, Any]) -> StepParameters:
    """Check a step's parameters.

    Raises
    ------
    ParameterError
        Naming each parameter that is wrong and why.
    """
    try:
        parameters: StepParameters = step.parameters.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or step.name}: {each['msg']}"
            for each in error.errors()
        )
        raise ParameterError("the parameters do not fit", where=step.name, why=wrong) from error
    return parameters


def _run(study: Study, folder: JobFolder, reporter: Reporter) -> dict[str, Any]:
    """Run the step, or find that it ran before; return what the last event says."""
    paths, spec, attempt = folder.paths, folder.spec, folder.attempt
    step = get_step(spec.step)  # imports the numerical libraries, which must be there to be limited
    parameters = parse_parameters(step, spec.parameters)
    reporter.update(0.0, "checking the inputs")
    inputs = digest_inputs(step, study, parameters, reporter)
    key = result_key(step, parameters, spec.threads, inputs)
    if not spec.recompute and (earlier := computed_before(study, key)):
        return earlier
    output = paths.output(attempt)
    output.mkdir()
    paths.scratch.mkdir(exist_ok=True)
    started = time.monotonic()
    with threadpool_limits(spec.threads):
        workspace = Workspace(output, paths.scratch, paths.log, reporter, spec.threads)
        made = step.run(study, parameters, workspace)
    reporter.check()
    check_outputs(output, study.root, made.outputs)
    now = digest_inputs(step, study, parameters, reporter, known=inputs)
    if changed := changed_inputs(inputs, now):
        raise _changed_meanwhile(changed)
    result = {
        "summary": made.summary,
        "outputs": {name: digest(output / name) for name in made.outputs},
        "details": made.details,
        "key": key,
        "seconds": round(time.monotonic() - started, 3),
    }
    publish(paths, attempt, study.root, made.outputs, result, check=reporter.check)
    return result


def _changed_meanwhile(changed: list[str]) -> JobError:
    """Word why results are thrown away that may come from the old or from the new inputs."""
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return JobError(
        "the inputs changed while the step was running, so its results were not kept",
        where=", ".join(changed[:3]) + more,
        why="they may hold some of the old and some of the new content",
        remedy="Retry the job: it will use the inputs as they are now",
    )


def _conclude(paths: JobPaths, attempt: int, kind: str, data: dict[str, Any]) -> None:
    """Clear up and write the last event, with the held-back bytes if the disk is full."""
    if kind == "done":
        shutil.rmtree(paths.scratch, ignore_errors=True)
    if kind == "done" or not paths.publication.exists():
        for number in range(1, attempt + 1):
            shutil.rmtree(paths.output(number), ignore_errors=True)
    event = Event.model_validate({"kind": kind, "data": data})
    try:
        append_event(paths.events, event)
    except OSError:
        paths.reserve.unlink(missing_ok=True)
        append_event(paths.events, event)
    paths.reserve.unlink(missing_ok=True)
    if kind == "done":
        end_publication(paths)


def _note_unexpected(paths: JobPaths, error: Exception) -> None:
    """Keep the traceback of an error that has no words of its own."""
    if isinstance(error, MusicError):
        return
    try:
        with paths.log.open("a", encoding="utf-8", errors="replace") as log:
            traceback.print_exception(error, file=log)
    except OSError:
        return  # the disk is full: the last event matters more


@contextmanager
def _stopping_on_signals(reporter: Reporter) -> Iterator[None]:
    """Turn the usual signals into a request to stop, while the job runs.

    A signal that is ignored stays so: under ``nohup`` a job outlives its terminal.
    """

    def request_stop(number: int, frame: FrameType | None) -> None:
        reporter.request_stop()

    names = ("SIGTERM", "SIGINT", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # Python allows handlers in the main thread only
    before = {
        number: signal.signal(number, request_stop)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
