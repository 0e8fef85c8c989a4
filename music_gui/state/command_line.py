"""A job as the command that does the same without a window."""

from __future__ import annotations

import shlex
from pathlib import Path

from music_gui.jobs.job import JobSpec
from music_gui.steps.arguments import as_arguments


def command_of(spec: JobSpec, study_root: Path) -> str:
    """Return one line for a shell that runs the job's step and gives the same result.

    Parameters
    ----------
    spec : JobSpec
        What was asked for.
    study_root : Path
        The study's folder.

    Returns
    -------
    str
        For example ``music-gui run fit --study /data/aging --threads 4 --scales 32``.
    """
    place = ["--study", str(study_root), "--threads", str(spec.threads)]
    return shlex.join(["music-gui", "run", spec.step, *place, *as_arguments(spec.parameters)])
