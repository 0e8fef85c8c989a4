"""Fit a scale from its start or its checkpoint, telling of every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
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
        self._names = image_names(study, maps)
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
        named = NamedProgress(progress, f"C{C} by itself" if for_comparison else f"C{C}")
        scratch = self._workspace.scratch
        checkpoint = FitCheckpoint(scratch / (f"C{C}_free.npz" if for_comparison else f"C{C}.npz"))
        started = time.monotonic()

        def tell(epoch: Epoch) -> None:
            if not for_comparison:
                self._preview.show(C, epoch)  # first, since who hears of the epoch looks for it
                progress.metric("fit", _figures(C, epoch, time.monotonic() - started))

        fit_from_checkpoint(
            estimator,
            self._X,
            checkpoint,
            named,
            tell=tell,
            gram=partial(self._shared_gram, named) if coarser is None else None,
            image_names=self._names,
            coarser=coarser,
        )

    def _shared_gram(self, progress: Progress) -> NDArray[np.float64]:
        """Return X X' for the NNDSVD starts, shape (n_images, n_images)."""
        if self._gram is None:
            progress.update(0.0, "preparing the start")
            with BlockRunner(self._workspace.threads, progress) as runner:
                self._gram = image_gram(self._X, runner)
        return self._gram


def fit_from_checkpoint(
    estimator: SopNMF | ExactONMF,
    X: NDArray[np.float32],
    checkpoint: FitCheckpoint,
    progress: Progress,
    *,
    tell: Callable[[Epoch], None] = lambda epoch: None,
    gram: Callable[[], NDArray[np.float64]] | None = None,
    image_names: Sequence[str] | None = None,
    coarser: NDArray[np.int32] | None = None,
) -> None:
    """Fit from where an earlier attempt came to, or anew if it was another fit's.

    Parameters
    ----------
    estimator : SopNMF or ExactONMF
        Fitted in place.
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        The maps in the order that the algorithm reads.
    checkpoint : FitCheckpoint
        Of this fit; at the end it holds the last state.
    progress : Progress
        Of this fit.
    tell : callable
        Called with each epoch.
    gram : callable, optional
        Returns X X', shape (n_images, n_images); called if an NNDSVD start needs it.
    image_names : sequence of str, optional
        Names of the maps for error messages.
    coarser : ndarray, shape (n_voxels,), int32, optional
        Labels of the scale that it nests in.
    """

    def on_epoch(epoch: Epoch) -> None:
        tell(epoch)
        checkpoint.keep(epoch)

    def fit(state: FitState | None) -> None:
        options: dict[str, Any] = {"progress": progress, "callback": on_epoch, "coarser": coarser}
        if isinstance(estimator, SopNMF) and state is None and estimator.init == "nndsvd" and gram:
            options["gram"] = gram()
        estimator.fit(X, resume_from=state, image_names=image_names, **options)

    state = checkpoint.load()
    try:
        fit(state)
        if state is not None:
            progress.log("went on from a checkpoint")
    except CheckpointError as error:
        progress.log(f"starting anew. {error}")
        fit(None)
    checkpoint.flush()


class NamedProgress:
    """A progress whose messages begin with a name.

    Parameters
    ----------
    progress : Progress
        Told in its place.
    name : str
        Of the part of the work.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self.warn, self.metric, self.check = progress.warn, progress.metric, progress.check

    def update(self, fraction: float, message: str = "") -> None:
        """Say how much is done."""
        self._progress.update(fraction, f"{self._name}: {message}")

    def log(self, text: str) -> None:
        """Add a line to the log."""
        self._progress.log(f"{self._name}: {text}")

    def part(self, start: float, stop: float) -> Progress:
        """Return the progress of a part, of the same name."""
        return NamedProgress(self._progress.part(start, stop), self._name)


def _figures(scale: int, epoch: Epoch, seconds: float) -> dict[str, Any]:
    return {
        "scale": scale,
        "epoch": epoch.number,
        "loss": epoch.loss,
        "sparsity": epoch.sparsity,
        "n_vanished": epoch.n_vanished,
        "seconds": round(seconds, 3),
    }


def image_names(study: Study, maps: MaskedMaps) -> list[str]:
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
