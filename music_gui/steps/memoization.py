"""Nothing is computed twice: find the earlier job that had the same inputs and parameters."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from music_gui import __version__
from music_gui.core.errors import MusicError
from music_gui.core.progress import Progress
from music_gui.io.study import Study
from music_gui.jobs.folder import JobFolder, jobs_in
from music_gui.jobs.job import JobState
from music_gui.jobs.publication import digest
from music_gui.steps.step import Step, StepParameters

#: Libraries whose version can change the last digits of a result.
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "statsmodels", "nibabel", "pyarrow")

_REUSED = " (as computed before)"


def result_key(
    step: Step[Any], study: Study, parameters: StepParameters, threads: int, progress: Progress
) -> str:
    """Return a digest of all that decides a step's result.

    Parameters
    ----------
    step : Step
        The step.
    study : Study
        The study it works on; inputs inside it are named relative to it, so that a study that
        was moved keeps its results.
    parameters : StepParameters
        What the step is asked to do.
    threads : int
        Threads it may use, since sums depend on their order.
    progress : Progress
        Asked for a cancel between the inputs.

    Returns
    -------
    str
        Hexadecimal; equal only if step, parameters, inputs, threads and versions are.
    """
    hasher = hashlib.blake2b(digest_size=16)
    facts = [step.name, __version__, *map(_version, _LIBRARIES), threads]
    hasher.update(f"{facts} {parameters.model_dump_json()}".encode())
    for path in step.inputs(study, parameters):
        progress.check()
        name = path.relative_to(study.root) if path.is_relative_to(study.root) else path
        content = digest(path) if path.exists() else "missing"
        hasher.update(f"{name.as_posix()}\0{content}\0".encode(errors="surrogateescape"))
    return hasher.hexdigest()


def computed_before(study: Study, key: str) -> dict[str, Any] | None:
    """Return the result of an earlier job with this key whose outputs still stand unchanged."""
    for path in reversed(jobs_in(study.jobs)):
        try:
            snapshot, _ = JobFolder(path).refresh()
        except MusicError:
            continue
        result = snapshot.result
        if snapshot.state != JobState.DONE or not result or result.get("key") != key:
            continue
        if _still_stand(study.root, result["outputs"]):
            summary = str(result["summary"]).removesuffix(_REUSED)
            return result | {"reused": path.name, "summary": summary + _REUSED}
    return None


def _still_stand(root: Path, outputs: dict[str, str]) -> bool:
    return all(
        (root / name).exists() and digest(root / name) == value for name, value in outputs.items()
    )


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # in a bundle without metadata
        return "unknown"
