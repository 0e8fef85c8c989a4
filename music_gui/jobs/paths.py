"""Where a job keeps its files: the one place that names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobPaths:
    """The files of one job.

    What belongs to one attempt carries its number, so that a retry never has to remove anything
    and two applications that look at the same job can't mistake one attempt for another.

    Parameters
    ----------
    folder : Path
        ``STUDY/jobs/JOB_ID``.
    """

    folder: Path

    @property
    def spec(self) -> Path:
        """What was asked for (`music_gui.jobs.job.JobSpec`)."""
        return self.folder / "job.json"

    @property
    def events(self) -> Path:
        """Everything that happened, a JSON object a line."""
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the worker and the programs it started printed."""
        return self.folder / "worker.log"

    def claim(self, attempt: int) -> Path:
        """Folder that is there once a worker has claimed an attempt, counted from 1."""
        return self.folder / "attempts" / str(attempt)

    def worker(self, attempt: int) -> Path:
        """Which process works on an attempt (`music_gui.jobs.worker_mark.WorkerMark`)."""
        return self.claim(attempt) / "worker.json"

    def cancel(self, attempt: int) -> Path:
        """File that is there when the user asked this attempt to stop."""
        return self.folder / f"cancel-{attempt}"

    def output(self, attempt: int) -> Path:
        """Results of an attempt while they are made, laid out as in the study."""
        return self.claim(attempt) / "output"

    @property
    def scratch(self) -> Path:
        """Checkpoints and intermediate files; kept between attempts."""
        return self.folder / "scratch"

    @property
    def replaced(self) -> Path:
        """Earlier results of the study that this job's results took the place of."""
        return self.folder / "replaced"

    @property
    def publication(self) -> Path:
        """What is being moved into the study; there only while it is moved."""
        return self.folder / "publication.json"

    @property
    def reserve(self) -> Path:
        """Some bytes held back, so that a failure can be written down on a full disk."""
        return self.folder / "reserve"
