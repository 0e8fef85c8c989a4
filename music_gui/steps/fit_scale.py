"""Fit a scale from its start or its checkpoint, telling of every epoch."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import MusicError
from music_gui.core.factorization import (
    BlockRunner,
    CheckpointError,
    Epoch,
    ExactONMF,
    FitState,
    SopNMF,
    image_gram,
)
from music_gui.core.progress import Progress
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.participants_tsv import read_participants
from music_gui.io.study import Study
from music_gui.steps.fit_checkpoint import FitCheckpoint
from music_gui.steps.fit_preview import PreviewWriter
from music_gui.steps.step import Workspace


class ScaleFits:
    """The fits of a job, which share the maps and what can be computed once for all.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        The maps in the order that the algorithm reads.
    study : Study
        Names the files that the maps are from.
    maps : MaskedMaps
        The same maps as they were imported.
    workspace : Workspace
        Its scratch folder holds the checkpoints.
    """

    def __init__(
        self, X: NDArray[np.float32], study: Study, maps: MaskedMaps, workspace: Workspace
    ) -> None:
        self._X, self._workspace = X, workspace
        self._names = _image_names(study, maps)
        self._preview = PreviewWriter(workspace.scratch, maps.mask, maps.grid)
        self._gram: NDArray[np.float64] | None = None

    def fit(
        self,
        estimator: SopNMF | ExactONMF,
        progress: Progress,
        *,
        coarser: NDArray[np.int32] | None = None,
        for_comparison: bool = False,
    ) -> None:
        """Fit one scale.

        Parameters
        ----------
        estimator : SopNMF or ExactONMF
            Fitted in place.
        progress : Progress
            Of this fit.
        coarser : ndarray, shape (n_voxels,), int32, optional
            Labels of the scale that it nests in.
        for_comparison : bool
            The fit has a checkpoint of its own, and its epochs are not published.
        """
        C = estimator.n_components
        named = _Named(progress, f"C{C} by itself" if for_comparison else f"C{C}")
        scratch = self._workspace.scratch
        checkpoint = FitCheckpoint(scratch / (f"C{C}_free.npz" if for_comparison else f"C{C}.npz"))
        started = time.monotonic()

        def tell(epoch: Epoch) -> None:
            if not for_comparison:
                self._preview.show(C, epoch)  # first, since who hears of the epoch looks for it
                progress.metric("fit", _figures(C, epoch, time.monotonic() - started))
            checkpoint.keep(epoch)

        def fit(state: FitState | None) -> None:
            options: dict[str, Any] = {"progress": named, "callback": tell, "coarser": coarser}
            if isinstance(estimator, SopNMF) and state is None and coarser is None:
                options["gram"] = self._shared_gram(named) if estimator.init == "nndsvd" else None
            estimator.fit(self._X, resume_from=state, image_names=self._names, **options)

        state = checkpoint.load()
        try:
            fit(state)
            if state is not None:
                named.log("went on from a checkpoint")
        except CheckpointError as error:
            named.log(f"starting anew. {error}")
            fit(None)
        checkpoint.flush()

    def _shared_gram(self, progress: Progress) -> NDArray[np.float64]:
        """Return X X' for the NNDSVD starts, shape (n_images, n_images)."""
        if self._gram is None:
            progress.update(0.0, "preparing the start")
            with BlockRunner(self._workspace.threads, progress) as runner:
                self._gram = image_gram(self._X, runner)
        return self._gram


class _Named:
    """A progress whose messages begin with a name."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self.warn, self.metric, self.check = progress.warn, progress.metric, progress.check

    def update(self, fraction: float, message: str = "") -> None:
        self._progress.update(fraction, f"{self._name}: {message}")

    def log(self, text: str) -> None:
        self._progress.log(f"{self._name}: {text}")

    def part(self, start: float, stop: float) -> Progress:
        return _Named(self._progress.part(start, stop), self._name)


def _figures(scale: int, epoch: Epoch, seconds: float) -> dict[str, Any]:
    return {
        "scale": scale,
        "epoch": epoch.number,
        "loss": epoch.loss,
        "sparsity": epoch.sparsity,
        "n_vanished": epoch.n_vanished,
        "seconds": round(seconds, 3),
    }


def _image_names(study: Study, maps: MaskedMaps) -> list[str]:
    """Name each map by participant, session and, if the study knows it, the file it is from."""
    ids = zip(maps.participant_ids, maps.session_ids, strict=True)
    names = [f"{participant} {session}".strip() for participant, session in ids]
    try:
        table = read_participants(study.participants)
    except MusicError:  # the maps are all that a fit needs
        return names
    if "path" not in table or len(table) != len(names):
        return names
    files = table["path"].fillna("").astype(str)
    return [
        f"{name} from {file}" if file else name for name, file in zip(names, files, strict=True)
    ]
