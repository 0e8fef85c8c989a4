"""Work on one job from claim to result: the same in a worker process and on the command line."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import signal
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from pydantic import ValidationError
from threadpoolctl import threadpool_limits

from music_gui import __version__
from music_gui.core.errors import Cancelled, MusicError, ParameterError
from music_gui.io.study import Study
from music_gui.jobs.events import Event, append_event
from music_gui.jobs.folder import JobFolder, claim, jobs_in
from music_gui.jobs.job import JobState
from music_gui.jobs.paths import JobPaths
from music_gui.jobs.publication import digest, finish_publication, publish
from music_gui.steps.registry import get_step
from music_gui.steps.reporter import Reporter
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_CANCELLED = 130


def work_on(job_folder: Path, reporter: Reporter | None = None) -> int:
    """Run a queued job in this process.

    Parameters
    ----------
    job_folder : Path
        ``STUDY/jobs/JOB_ID``.
    reporter : Reporter, optional
        Where progress goes besides the job's events.

    Returns
    -------
    int
        0 done, 1 failed, 130 cancelled; the reason stands in the job's events.
    """
    folder = JobFolder(job_folder)
    paths = folder.paths
    claim(paths)
    reporter = reporter or Reporter(paths)
    _stop_on_signals(reporter)
    try:
        study = Study.open(job_folder.parent.parent)
        finish_publication(paths, study.root)
        with threadpool_limits(folder.spec.threads):
            done = _run(study, folder, reporter)
        _conclude(paths, "done", done)
        return EXIT_DONE
    except Cancelled:
        _conclude(paths, "cancelled", {})
        return EXIT_CANCELLED
    except Exception as error:
        if not isinstance(error, MusicError):
            traceback.print_exc()
        _conclude(paths, "failed", explain(error).as_dict())
        return EXIT_FAILED


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
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MusicError(
            "the disk is full",
            where=str(error.filename or ""),
            remedy="Free some space and retry the job; the study is as it was before",
        )
    if isinstance(error, OSError) and error.strerror:
        return MusicError(error.strerror, where=str(error.filename or ""))
    return MusicError(
        f"an unexpected error: {type(error).__name__}",
        why=str(error),
        remedy="This is a fault of the program; its log has the details for a report",
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
    paths, spec = folder.paths, folder.spec
    step = get_step(spec.step)
    parameters = parse_parameters(step, spec.parameters)
    reporter.update(0.0, "checking the inputs")
    key = _key(step, study, parameters, spec.threads, reporter)
    if not spec.recompute and (earlier := _computed_before(study, paths, key)):
        return earlier
    shutil.rmtree(paths.output, ignore_errors=True)
    paths.output.mkdir()
    paths.scratch.mkdir(exist_ok=True)
    started = time.monotonic()
    result: StepResult = step.run(
        study, parameters, Workspace(paths.output, paths.scratch, paths.log, reporter, spec.threads)
    )
    reporter.check()
    seconds = time.monotonic() - started
    digests = {name: digest(paths.output / name) for name in result.outputs}
    publish(paths, study.root, result.outputs)
    shutil.rmtree(paths.output, ignore_errors=True)
    shutil.rmtree(paths.scratch, ignore_errors=True)
    return {
        "summary": result.summary,
        "outputs": digests,
        "details": result.details,
        "key": key,
        "seconds": round(seconds, 3),
    }


def _key(
    step: Step[Any], study: Study, parameters: StepParameters, threads: int, reporter: Reporter
) -> str:
    """Return a digest of all that decides the result."""
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(f"{step.name} {__version__} {threads} {parameters.model_dump_json()}".encode())
    for path in step.inputs(study, parameters):
        reporter.check()
        if path.exists():
            hasher.update(digest(path).encode())
    return hasher.hexdigest()


def _computed_before(study: Study, paths: JobPaths, key: str) -> dict[str, Any] | None:
    """Return the result of an earlier job with this key whose outputs still stand."""
    for path in reversed(jobs_in(study.jobs)):
        if path == paths.folder:
            continue
        try:
            snapshot, _ = JobFolder(path).refresh()
        except MusicError:
            continue
        result = snapshot.result
        if snapshot.state != JobState.DONE or not result or result.get("key") != key:
            continue
        outputs: dict[str, str] = result["outputs"]
        if all(
            (study.root / name).exists() and digest(study.root / name) == value
            for name, value in outputs.items()
        ):
            summary = result["summary"].removesuffix(_REUSED)
            return result | {"reused": path.name, "summary": summary + _REUSED}
    return None


_REUSED = " (as computed before)"


def _conclude(paths: JobPaths, kind: str, data: dict[str, Any]) -> None:
    """Write the last event, with the held-back bytes if the disk is full."""
    event = Event.model_validate({"kind": kind, "data": json.loads(json.dumps(data, default=str))})
    try:
        append_event(paths.events, event)
    except OSError:
        shutil.rmtree(paths.output, ignore_errors=True)
        paths.reserve.unlink(missing_ok=True)
        append_event(paths.events, event)
    else:
        paths.reserve.unlink(missing_ok=True)
    if kind != "done":
        shutil.rmtree(paths.output, ignore_errors=True)


def _stop_on_signals(reporter: Reporter) -> None:
    def request_stop(number: int, frame: FrameType | None) -> None:
        reporter.request_stop()

    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), request_stop)
