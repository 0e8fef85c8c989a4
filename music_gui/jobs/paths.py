"""Where a job keeps its files: the one place that names them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class JobPaths:
    """The files of one job.

    Parameters
    ----------
    folder : Path
        ``STUDY/jobs/JOB_ID``.
    """

    folder: Path

    @property
    def spec(self) -> Path:
        """What was asked for (`JobSpec`)."""
        return self.folder / "job.json"

    @property
    def worker(self) -> Path:
        """Who works on it: process id and start time; there only once a worker has claimed it."""
        return self.folder / "worker.json"

    @property
    def cancel(self) -> Path:
        """There when the user asked for a stop."""
        return self.folder / "cancel"

    @property
    def events(self) -> Path:
        """Everything that happened, a JSON object a line."""
        return self.folder / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the worker and the programs it started printed."""
        return self.folder / "worker.log"

    @property
    def output(self) -> Path:
        """Results while they are made, laid out as in the study."""
        return self.folder / "output"

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
