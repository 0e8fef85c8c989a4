"""What the jobs of this window have made: only that is brought to the front unasked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from music_gui.jobs.job import JobSnapshot

#: Which folder of a study holds which kind of result.
_KIND_OF_FOLDER = {
    "atlases": "atlases",
    "psc": "psc_tables",
    "gwas": "gwas_runs",
    "spare": "spare_models",
    "scores": "scores",
    "anatomy": "anatomies",
}


class OwnResults:
    """Knows which jobs were asked for in this window, and what they have made.

    The command line and other windows work on the same study; what they make is listed, but does
    not take the place of what someone is reading here.
    """

    def __init__(self) -> None:
        self._jobs: set[str] = set()
        self._made: dict[str, set[str]] = {}

    def add_jobs(self, job_ids: Iterable[str]) -> None:
        """Remember that jobs were asked for here."""
        self._jobs.update(job_ids)

    def add_results(self, snapshot: JobSnapshot) -> None:
        """Take in what a job has made that has ended, if it was asked for here."""
        if snapshot.spec.job_id not in self._jobs or snapshot.result is None:
            return
        for output in snapshot.result.get("outputs", ()):
            folder, *inside = PurePosixPath(output).parts
            if inside and (kind := _KIND_OF_FOLDER.get(folder)):
                name = inside[0].removesuffix(".parquet").removesuffix(".json")
                self._made.setdefault(kind, set()).add(name)

    def take(self, kind: str) -> set[str]:
        """Return the names of a kind of result, and forget them."""
        return self._made.pop(kind, set())
