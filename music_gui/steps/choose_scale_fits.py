"""The fits from which C is chosen: all maps, and parts of them against each other."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from music_gui.core.factorization import (
    BlockRunner,
    ExactONMF,
    SopNMF,
    image_gram,
    sparsity,
    voxel_energies,
)
from music_gui.core.factorization.fit_state import array_digest
from music_gui.core.factorization.loss import reconstruction_loss
from music_gui.core.factorization.reproducibility import reproducibility_index
from music_gui.core.progress import Progress
from music_gui.io.atomic import write_json
from music_gui.io.scale_choice import SplitComparison, WholeFit
from music_gui.steps.choose_scale_splits import Split
from music_gui.steps.fit import FitParameters, make_estimator
from music_gui.steps.fit_checkpoint import FitCheckpoint
from music_gui.steps.fit_maps import part_of
from music_gui.steps.fit_output import finished_labels
from music_gui.steps.fit_scale import NamedProgress, fit_from_checkpoint
from music_gui.steps.step import Workspace

_ORDINALS = ("first", "second")

#: Share of a comparison's time after which both of its fits are done.
_FITTED = 0.95


@dataclass(frozen=True, eq=False)
class _PartFit:
    """Components, their labels, how many have vanished, and what it took."""

    components: NDArray[np.float32]
    labels: NDArray[np.int32]
    n_vanished: int
    loss: float
    n_epochs: int


class ScaleComparisons:
    """The fits of one algorithm; each finished one is kept on scratch disk.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        All maps in the order that the algorithm reads.
    checksum : str
        Of the maps: what was computed from others is computed anew.
    parameters : FitParameters
        The algorithm's; its seed is that of the fits of all maps.
    names : sequence of str, length n_images
        Of the maps, for error messages.
    workspace : Workspace
        Its scratch folder holds checkpoints and what is finished.
    """

    def __init__(
        self,
        X: NDArray[np.float32],
        checksum: str,
        parameters: FitParameters,
        names: Sequence[str],
        workspace: Workspace,
    ) -> None:
        self._X, self._checksum, self._parameters = X, checksum, parameters
        self._names, self._workspace = names, workspace

    def fit_whole(self, C: int, progress: Progress) -> WholeFit:
        """Fit all maps at a scale, as the step `fit` does with the same seed."""
        algorithm = self._parameters.algorithm
        finished = _Finished(self._scratch(f"{algorithm}_C{C}_all"), self._checksum)
        if (values := finished.load()) is not None:
            return WholeFit.of(values)
        estimator = make_estimator(self._parameters, C, self._workspace.threads)
        checkpoint = self._scratch(f"{algorithm}_C{C}_all", ".npz")
        part = self._fit(
            estimator, self._X, checkpoint, NamedProgress(progress, f"C{C}, all maps"),
            np.arange(len(self._X)),
        )  # fmt: skip
        whole = WholeFit(
            algorithm, C, part.loss, sparsity(part.components), part.n_vanished, part.n_epochs
        )
        finished.save(asdict(whole), checkpoint)
        return whole

    def open_parts(self, split: Split) -> Parts:
        """Return the two parts of a split, whose maps are copied when they are needed."""
        paths = [self._scratch(f"part_{name}", ".f4") for name in _ORDINALS]
        return Parts(self._X, split, paths, self._workspace)

    def compare(
        self, parts: Parts, whole: WholeFit, progress: Progress, *, n_repeats: int
    ) -> SplitComparison:
        """Fit the two parts of a split apart, at the scale of a fit of all maps.

        Parameters
        ----------
        parts : Parts
            Of `open_parts`.
        whole : WholeFit
            The fit of all maps.
        progress : Progress
            Of this comparison.
        n_repeats : int
            How many splits of this kind there are.
        """
        split, C, algorithm = parts.split, whole.scale, self._parameters.algorithm
        key = f"{algorithm}_C{C}_{split.kind}_{split.repeat}"
        mark = f"{self._checksum} {array_digest(*split.parts)}"
        finished = _Finished(self._scratch(key), mark)
        if (values := finished.load()) is not None:
            return SplitComparison.of(values)
        started = time.monotonic()
        seeds = split.seeds(self._parameters.seed, algorithm, C)
        title = f"C{C}, {split.kind} {split.repeat} of {n_repeats}"
        fits, checkpoints = [], []
        for place, (images, seed) in enumerate(zip(split.parts, seeds, strict=True)):
            named = NamedProgress(
                progress.part(place / 2 * _FITTED, (place + 1) / 2 * _FITTED),
                f"{title}, {_ORDINALS[place]} part",
            )
            checkpoints.append(self._scratch(f"{key}_{_ORDINALS[place]}", ".npz"))
            X = parts.maps(named)[place]
            estimator = make_estimator(self._parameters, C, self._workspace.threads, seed=seed)
            fits.append(self._fit(estimator, X, checkpoints[-1], named, images))
        named = NamedProgress(progress.part(_FITTED, 1), title)
        named.update(0.0, "comparing the parts")
        row = self._compared(parts, fits, seeds, whole, named)
        finished.save(asdict(row), *checkpoints)
        named.log(
            f"reproducibility index {row.ri_mean:.4f}, adjusted Rand index {row.ari:.4f}, "
            f"loss {row.own_loss:.5f}, held out {row.held_out_loss:.5f}, "
            f"{time.monotonic() - started:.1f} s"
        )
        return row

    def _compared(
        self,
        parts: Parts,
        fits: Sequence[_PartFit],
        seeds: tuple[int, int],
        whole: WholeFit,
        progress: Progress,
    ) -> SplitComparison:
        first, second = fits
        split, threads = parts.split, self._workspace.threads
        index = reproducibility_index(
            first.components, second.components, n_jobs=threads, progress=progress
        )
        X, norms = parts.maps(progress), parts.squared_norms
        with BlockRunner(threads, progress) as runner:
            crossed = [
                reconstruction_loss(X[1 - place], norms[1 - place], fit.components, runner)
                for place, fit in enumerate(fits)
            ]
        return SplitComparison(
            **asdict(whole),
            split=split.kind,
            repeat=split.repeat,
            n_first=len(split.first),
            n_second=len(split.second),
            seed_first=seeds[0],
            seed_second=seeds[1],
            loss_first=first.loss,
            loss_second=second.loss,
            loss_first_on_second=crossed[0],
            loss_second_on_first=crossed[1],
            n_vanished_first=first.n_vanished,
            n_vanished_second=second.n_vanished,
            n_epochs_first=first.n_epochs,
            n_epochs_second=second.n_epochs,
            ri_mean=index.mean,
            ri_median=index.median,
            ri_sd=index.standard_deviation,
            ari=float(adjusted_rand_score(first.labels, second.labels)),
        )

    def _fit(
        self,
        estimator: SopNMF | ExactONMF,
        X: NDArray[np.float32],
        checkpoint: Path,
        progress: Progress,
        images: NDArray[np.intp],
    ) -> _PartFit:
        def gram() -> NDArray[np.float64]:
            progress.update(0.0, "preparing the start")
            return self._gram[np.ix_(images, images)]

        fit_from_checkpoint(
            estimator,
            X,
            FitCheckpoint(checkpoint),
            progress,
            gram=gram,
            image_names=[self._names[image] for image in images],
        )
        labels = finished_labels(estimator).labels
        C = estimator.n_components
        n_used = int(np.count_nonzero(np.bincount(labels, minlength=C + 1)[1:]))
        loss, n_epochs = estimator.reconstruction_err_, estimator.n_iter_
        return _PartFit(estimator.components_, labels, C - n_used, loss, n_epochs)

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        """X X' of all maps, whose parts are those of the parts."""
        with BlockRunner(self._workspace.threads, self._workspace.progress) as runner:
            return image_gram(self._X, runner)

    def _scratch(self, name: str, suffix: str = ".json") -> Path:
        return self._workspace.scratch / f"{name}{suffix}"


class Parts:
    """The maps of the two parts of a split.

    Parameters
    ----------
    X : ndarray or memmap, shape (n_images, n_voxels), float32
        All maps.
    split : Split
    paths : sequence of Path
        Scratch files for parts that would fill the memory.
    workspace : Workspace
        Its threads sum the squares.
    """

    def __init__(
        self, X: NDArray[np.float32], split: Split, paths: Sequence[Path], workspace: Workspace
    ) -> None:
        self.split = split
        self._X, self._paths, self._workspace = X, paths, workspace
        self._maps: list[NDArray[np.float32]] | None = None

    def maps(self, progress: Progress) -> list[NDArray[np.float32]]:
        """Return the maps of both parts, copied at the first call, in the order of all."""
        if self._maps is None:
            # Progress stands while they are copied: the fit that waits for them starts at 0.
            held = progress.part(0, 0)
            self._maps = [
                part_of(self._X, images, path, held)
                for images, path in zip(self.split.parts, self._paths, strict=True)
            ]
        return self._maps

    @cached_property
    def squared_norms(self) -> list[float]:
        """|X|^2 of both parts, once their maps are there."""
        with BlockRunner(self._workspace.threads, self._workspace.progress) as runner:
            return [float(voxel_energies(X, runner).sum()) for X in self._maps or ()]


class _Finished:
    """Figures on scratch disk that belong to certain maps."""

    def __init__(self, path: Path, mark: str) -> None:
        self._path, self._mark = path, mark

    def load(self) -> dict[str, Any] | None:
        """Return what an earlier attempt has finished, if it was of the same maps."""
        try:
            kept = json.loads(self._path.read_bytes())
            values: dict[str, Any] | None = kept["values"] if kept["of"] == self._mark else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return values

    def save(self, values: Mapping[str, Any], *checkpoints: Path) -> None:
        """Keep figures, and drop the checkpoints of the fits that they come from."""
        write_json(self._path, {"of": self._mark, "values": dict(values)})
        for checkpoint in checkpoints:
            checkpoint.unlink(missing_ok=True)
