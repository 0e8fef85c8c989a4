"""The atlas of a running fit, as it stands: read when the fit tells of an epoch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from music_gui.core.errors import MusicError
from music_gui.core.grid import Grid
from music_gui.io.study import Study
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.jobs.paths import JobPaths
from music_gui.state.job_list import JobList
from music_gui.state.label_matching import numbered_like
from music_gui.state.label_picture import LabelPlane, PictureFrame
from music_gui.state.slice_sampler import SliceSampler
from music_gui.state.study_reader import StudyReader

#: A preview is written every two seconds; it is looked for a little more often.
_SECONDS_BETWEEN = 1.0


@dataclass(frozen=True, eq=False)
class AtlasPreview:
    """The components of one scale after an epoch, ready to draw.

    Parameters
    ----------
    job_id : str
        The fit.
    scale, epoch : int
        C, and the epoch counted from 1.
    loss : float
        Relative squared Frobenius loss.
    voxels : ndarray, shape (n_voxels,), int32
        1 to C in the voxels of the mask, 0 where a voxel belongs to none. A component keeps its
        number from one preview to the next.
    sampler : SliceSampler
        Cuts slices out of the same as an image.
    planes : tuple of LabelPlane
        Three slices through it.
    """

    job_id: str
    scale: int
    epoch: int
    loss: float
    voxels: NDArray[np.int32]
    sampler: SliceSampler
    planes: tuple[LabelPlane, ...]

    @property
    def title(self) -> str:
        """What it is: ``C32, epoch 120``."""
        return f"C{self.scale}, epoch {self.epoch:,}"


@dataclass(frozen=True, eq=False)
class _Mask:
    stamp: int
    mask: NDArray[np.bool_]
    grid: Grid
    hash: str
    frame: PictureFrame


class FitPreviews:
    """The newest preview of each fit and scale, and the one that the brain views show.

    Parameters
    ----------
    jobs : JobList
        Its fits are followed.
    reader : StudyReader
        Reads the files.

    Attributes
    ----------
    in_brain : AtlasPreview or None
        What the slices show in place of the atlas; it follows its fit.

    Signals
    -------
    changed(job_id)
        A fit has another preview, or none any more.
    brain_changed(preview)
        The brain views show another preview, or None.
    """

    changed = Signal(str)
    brain_changed = Signal(object)

    def __init__(self, jobs: JobList, reader: StudyReader) -> None:
        self._jobs = jobs
        self._reader = reader
        self._previews: dict[tuple[str, int], AtlasPreview] = {}
        self._looked: dict[str, float] = {}
        self._mask: _Mask | None = None
        self.in_brain: AtlasPreview | None = None
        jobs.measured.connect(self._on_measured)
        jobs.finished.connect(self._on_finished)
        jobs.cleared.connect(self._clear)

    def of(self, job_id: str, scale: int) -> AtlasPreview | None:
        """Return the newest preview that was read."""
        return self._previews.get((job_id, scale))

    def load(self, job_id: str) -> None:
        """Read the preview that a fit has left; `changed` follows if there is one."""
        self._looked[job_id] = time.monotonic()
        before = {scale: each for (job, scale), each in self._previews.items() if job == job_id}

        def show(preview: AtlasPreview | None) -> None:
            if preview is not None and not self._is_done(job_id):
                self._previews[job_id, preview.scale] = preview
                self.changed.emit(job_id)
                if self.in_brain is not None and self.in_brain.job_id == job_id:
                    self._put_in_brain(preview)

        self._reader.read_from_study(
            lambda study: self._read(study, job_id, before), show, topic=f"preview {job_id}"
        )

    def show_in_brain(self, preview: AtlasPreview | None) -> None:
        """Show a preview in the slices, and those that follow on it; None shows the atlas."""
        self._put_in_brain(preview)

    def _put_in_brain(self, preview: AtlasPreview | None) -> None:
        if preview is not self.in_brain:
            self.in_brain = preview
            self.brain_changed.emit(preview)

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        if name == "fit" and time.monotonic() - self._looked.get(job_id, 0.0) > _SECONDS_BETWEEN:
            self.load(job_id)

    def _on_finished(self, snapshot: JobSnapshot) -> None:
        """Give way to the finished atlas; what a stopped fit has left can still be seen."""
        job_id = snapshot.spec.job_id
        if snapshot.state != JobState.DONE:
            if job_id in self._looked:
                self.load(job_id)
            return
        self._previews = {key: each for key, each in self._previews.items() if key[0] != job_id}
        self.changed.emit(job_id)
        if self.in_brain is not None and self.in_brain.job_id == job_id:
            self._put_in_brain(None)

    def _clear(self) -> None:
        self._previews.clear()
        self._looked.clear()
        self._put_in_brain(None)

    def _is_done(self, job_id: str) -> bool:
        job = self._jobs.job(job_id)
        return job is not None and job.state == JobState.DONE

    # -- in a thread -----------------------------------------------------------------------

    def _read(
        self, study: Study, job_id: str, before: dict[int, AtlasPreview]
    ) -> AtlasPreview | None:
        """Read a preview; None if there is no new one, or none that can be shown."""
        from music_gui.io.fit_preview_npz import PREVIEW_NAME, read_preview

        try:
            found = read_preview(JobPaths(study.jobs / job_id).scratch / PREVIEW_NAME)
            mask = self._read_mask(study)
        except (MusicError, OSError):  # not written yet, or gone with the job's end
            return None
        if found.mask_hash != mask.hash or len(found.labels) != np.count_nonzero(mask.mask):
            return None  # other maps were imported in the meantime
        last = before.get(found.scale)
        if last is not None and last.epoch == found.epoch:
            return None
        voxels = found.labels
        if last is not None and len(last.voxels) == len(voxels):
            voxels = numbered_like(voxels, last.voxels, found.scale)
        labels = np.zeros(mask.mask.shape, dtype=np.int32)
        labels[mask.mask] = voxels
        sampler = SliceSampler(labels, mask.grid)
        return AtlasPreview(
            job_id=job_id,
            scale=found.scale,
            epoch=found.epoch,
            loss=found.loss,
            voxels=voxels,
            sampler=sampler,
            planes=mask.frame.cut(sampler),
        )

    def _read_mask(self, study: Study) -> _Mask:
        """Return the mask of the study's maps, read again only after another import."""
        from music_gui.io.fit_preview_npz import mask_hash
        from music_gui.io.masked_maps import MaskedMaps

        stamp = (study.masked_maps / "maps.json").stat().st_mtime_ns
        known = self._mask
        if known is None or known.stamp != stamp:
            maps = MaskedMaps.open(study.masked_maps)
            known = _Mask(
                stamp,
                maps.mask,
                maps.grid,
                mask_hash(maps.mask, maps.grid),
                PictureFrame.of(maps.mask, maps.grid),
            )
            self._mask = known
        return known
