"""Nothing is computed twice: find the earlier job that had the same inputs and parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class InputDigest:
    """What an input held when it was looked at.

    Parameters
    ----------
    stamp : tuple
        Names, sizes and times of its files: as long as it is the same, so is the content.
    content : str
        Digest of the content, or ``missing``.
    """

    stamp: tuple[tuple[str, int, int], ...]
    content: str


def digest_inputs(
    step: Step[Any],
    study: Study,
    parameters: StepParameters,
    progress: Progress,
    *,
    known: Mapping[str, InputDigest] | None = None,
) -> dict[str, InputDigest]:
    """Digest all files that decide a step's result.

    Parameters
    ----------
    step : Step
        The step.
    study : Study
        The study it works on; inputs inside it are named relative to it, so that a study that
        was moved keeps its results.
    parameters : StepParameters
        What the step is asked to do.
    progress : Progress
        Asked for a cancel between the inputs.
    known : mapping, optional
        An earlier answer; inputs whose stamp is still the same are not read again.

    Returns
    -------
    dict
        Name -> digest, in the order in which the step names them.
    """
    digests = {}
    for path in step.inputs(study, parameters):
        progress.check()
        inside = path.is_relative_to(study.root)
        name = (path.relative_to(study.root) if inside else path).as_posix()
        stamp = _stamp(path)
        if known is not None and name in known and known[name].stamp == stamp:
            digests[name] = known[name]
        else:
            content = digest(path) if path.exists() else "missing"
            digests[name] = InputDigest(stamp, content)
    return digests


def changed_inputs(
    before: Mapping[str, InputDigest], after: Mapping[str, InputDigest]
) -> list[str]:
    """Name the inputs whose content differs, those that are there on one side only included."""
    contents = [{name: each.content for name, each in side.items()} for side in (before, after)]
    return [name for name in {**before, **after} if contents[0].get(name) != contents[1].get(name)]


def result_key(
    step: Step[Any],
    parameters: StepParameters,
    threads: int,
    digests: Mapping[str, InputDigest],
) -> str:
    """Return a digest of all that decides a step's result.

    Parameters
    ----------
    step : Step
        The step.
    parameters : StepParameters
        What the step is asked to do.
    threads : int
        Threads it may use, since sums depend on their order.
    digests : mapping
        Of `digest_inputs`.

    Returns
    -------
    str
        Hexadecimal; equal only if step, parameters, inputs, threads and versions are.
    """
    hasher = hashlib.blake2b(digest_size=16)
    facts = [step.name, __version__, *map(_version, _LIBRARIES), threads]
    hasher.update(f"{facts} {parameters.model_dump_json()}".encode())
    for name, each in digests.items():
        hasher.update(f"{name}\0{each.content}\0".encode(errors="surrogateescape"))
    return hasher.hexdigest()


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    stamps = []
    for file in files:
        if file.exists():
            status = file.stat()
            stamps.append((file.as_posix(), status.st_size, status.st_mtime_ns))
    return tuple(stamps)


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
