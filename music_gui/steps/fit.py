"""Step: factorise the imported maps at one scale or several, and make the study's atlas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import psutil
from numpy.typing import NDArray
from pydantic import Field, field_validator

from music_gui.core.errors import ParameterError
from music_gui.core.factorization import (
    REFERENCE_FILL,
    BlockRunner,
    CheckpointError,
    Epoch,
    ExactONMF,
    FitState,
    SopNMF,
    image_gram,
)
from music_gui.core.progress import Progress
from music_gui.io.atlas_dseg import generation_of
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.study import Study, checked_name
from music_gui.io.voxel_major import turn_in_memory, turn_on_disk
from music_gui.steps.fit_checkpoint import FitCheckpoint
from music_gui.steps.fit_output import FitDescription, FittedScale, write_fitted_scale
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: How the window and the files name the algorithms.
ALGORITHMS = {"exact-onmf": "exact ONMF (fast)", "sopnmf": "sopNMF (as published)"}

#: The published maps were RAVENS maps, where 1000 is a whole voxel of tissue; ours are fractions.
#: The start is the published one up to scale if its fill shrinks by the root of that.
_NNDSVD_FILL = REFERENCE_FILL / 1000**0.5

#: Share of the free memory that the maps may take before they are left on disk.
_MAPS_SHARE = 0.5

#: Shares of the progress at which the maps are ready, and a scale is fitted.
_READY, _FITTED = 0.05, 0.9

_VANISHED_SHOWN = 10


class FitParameters(StepParameters):
    """Parameters of `fit`."""

    scales: tuple[int, ...] = Field(
        (32,), min_length=1, description="Numbers of components (C): one atlas scale for each"
    )
    algorithm: Literal["exact-onmf", "sopnmf"] = Field(
        "exact-onmf",
        description="exact-onmf: exact ONMF (fast), the published loss under its exact "
        "constraint, which gives another atlas than the published update; sopnmf: sopNMF (as "
        "published), multiplicative updates with batches of maps",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of everything random")
    n_init: int = Field(
        1, ge=1, le=1000, description="exact-onmf: random starts, of which the best is kept"
    )
    init: Literal["nndsvd", "random"] = Field("nndsvd", description="sopnmf: the start")
    batch_size: int = Field(
        32, ge=1, description="sopnmf: maps in a batch; as many as there are maps is opNMF"
    )
    max_epochs: int = Field(
        1000, ge=1, description="Most passes over the maps, for exact-onmf of each start"
    )
    patience: int = Field(
        100, ge=1, description="sopnmf: stop after this many epochs without a lower loss"
    )
    strict: bool = Field(
        False,
        description="sopnmf: divide by the true spectral norm after every batch, as the "
        "reference package does; slower, and no different but for rounding",
    )
    atlas: str = Field("study", description="Name of the atlas that the scales go into")

    @field_validator("scales")
    @classmethod
    def _ascending(cls, scales: tuple[int, ...]) -> tuple[int, ...]:
        if any(scale < 2 for scale in scales):
            raise ValueError("each scale must be at least 2")
        return tuple(sorted(set(scales)))


def run(study: Study, parameters: FitParameters, workspace: Workspace) -> StepResult:
    """Fit each scale; write its decomposition and its part of the atlas.

    An interrupted job goes on from the checkpoints in its scratch folder and ends with the same
    bits as if it had not been interrupted.

    Raises
    ------
    InputError
        If there are no maps, or they can't be factorised.
    ParameterError
        If a scale is too large for the maps or for the memory.
    """
    progress = workspace.progress
    progress.update(0.0, "opening the maps")
    maps = MaskedMaps.open(study.masked_maps)
    atlas = checked_name(parameters.atlas)
    about = FitDescription(
        algorithm=parameters.algorithm,
        title=ALGORITHMS[parameters.algorithm],
        parameters=parameters.model_dump(mode="json"),
        atlas=atlas,
        simulated=study.manifest.simulated,
        generation=generation_of(study.atlas(atlas), maps.checksum, maps.grid),
    )
    _check_scales(parameters, maps)
    X = _arrange(parameters, maps, workspace)
    gram = _SharedGram(X, workspace)
    fitted, done, total = [], 0, sum(parameters.scales)
    for C in parameters.scales:
        share = progress.part(_READY, 1).part(done / total, (done + C) / total)
        estimator = _estimator(parameters, C, workspace.threads)
        _fit_scale(estimator, X, maps, gram, workspace, share.part(0, _FITTED))
        share.update(_FITTED, f"C{C}: making the atlas")
        fitted.append(write_fitted_scale(study, workspace.output, estimator, maps, about))
        done += C
    return _result(about, maps, fitted)


def inputs(study: Study, parameters: FitParameters) -> Sequence[Any]:
    """Name the description of the maps, which holds their checksums."""
    return [study.masked_maps / "maps.json"]


def _estimator(parameters: FitParameters, C: int, threads: int) -> SopNMF | ExactONMF:
    if parameters.algorithm == "exact-onmf":
        return ExactONMF(
            C,
            parameters.n_init,
            parameters.seed,
            max_epochs=parameters.max_epochs,
            n_jobs=threads,
        )
    return SopNMF(
        C,
        parameters.batch_size,
        parameters.max_epochs,
        parameters.seed,
        init=parameters.init,
        patience=parameters.patience,
        strict=parameters.strict,
        nndsvd_fill=_NNDSVD_FILL,
        n_jobs=threads,
    )


def _check_scales(parameters: FitParameters, maps: MaskedMaps) -> None:
    """Refuse, before anything is computed, scales that the maps can't have."""
    largest = parameters.scales[-1]
    if largest > maps.n_voxels:
        raise ParameterError(
            f"scale {largest} is larger than the number of voxels, {maps.n_voxels}",
            remedy="Choose smaller scales",
        )
    needs_images = parameters.algorithm == "sopnmf" and parameters.init == "nndsvd"
    if needs_images and largest > maps.n_images:
        raise ParameterError(
            f"scale {largest} is larger than the number of maps, {maps.n_images}",
            why="the NNDSVD start needs at least as many maps as components",
            remedy="Choose smaller scales, --init random, or --algorithm exact-onmf",
        )


def _arrange(
    parameters: FitParameters, maps: MaskedMaps, workspace: Workspace
) -> NDArray[np.float32]:
    """Return the maps in the order that the algorithm reads, and tell what memory it needs."""
    bytes_of_maps = 4 * maps.n_images * maps.n_voxels
    estimator = _estimator(parameters, parameters.scales[-1], workspace.threads)
    needed = estimator.forecast_bytes(maps.n_images, maps.n_voxels)
    free = int(psutil.virtual_memory().available)
    exact = parameters.algorithm == "exact-onmf"
    on_disk = exact and bytes_of_maps > _MAPS_SHARE * free
    if on_disk:
        needed -= bytes_of_maps
    workspace.progress.log(
        f"{ALGORITHMS[parameters.algorithm]} of {maps.n_images} maps of {maps.n_voxels:,} voxels "
        f"needs {_gigabytes(needed)} of memory; {_gigabytes(free)} are free"
    )
    if needed > free:
        raise ParameterError(
            f"scale {parameters.scales[-1]} needs {_gigabytes(needed)} of memory",
            why=f"{_gigabytes(free)} are free",
            remedy="Close other programs, or choose smaller scales",
        )
    ready = workspace.progress.part(0, _READY)
    if not exact:
        return maps.maps
    if on_disk:
        workspace.progress.log("The maps stay on disk, since they would fill the memory")
        return turn_on_disk(maps.maps, workspace.scratch / "voxel_major.f4", ready)
    return turn_in_memory(maps.maps, ready)


class _SharedGram:
    """X X' for the NNDSVD starts: computed when the first scale needs it, once for all."""

    def __init__(self, X: NDArray[np.float32], workspace: Workspace) -> None:
        self._X, self._workspace = X, workspace
        self._gram: NDArray[np.float64] | None = None

    def get(self, progress: Progress) -> NDArray[np.float64]:
        """Return the matrix, shape (n_images, n_images)."""
        if self._gram is None:
            progress.update(0.0, "preparing the start")
            with BlockRunner(self._workspace.threads, progress) as runner:
                self._gram = image_gram(self._X, runner)
        return self._gram


def _fit_scale(
    estimator: SopNMF | ExactONMF,
    X: NDArray[np.float32],
    maps: MaskedMaps,
    gram: _SharedGram,
    workspace: Workspace,
    progress: Progress,
) -> None:
    """Fit one scale from its start or its checkpoint, telling of every epoch."""
    C = estimator.n_components
    named = _Named(progress, f"C{C}")
    checkpoint = FitCheckpoint(workspace.scratch / f"C{C}.npz")
    ids = zip(maps.participant_ids, maps.session_ids, strict=True)
    names = [f"{participant} {session}".strip() for participant, session in ids]

    def tell(epoch: Epoch) -> None:
        progress.metric(
            "fit",
            {
                "scale": C,
                "epoch": epoch.number,
                "loss": epoch.loss,
                "sparsity": epoch.sparsity,
                "n_vanished": epoch.n_vanished,
            },
        )
        checkpoint.keep(epoch)

    def fit(state: FitState | None) -> None:
        options: dict[str, Any] = {"progress": named, "callback": tell, "image_names": names}
        if isinstance(estimator, SopNMF) and estimator.init == "nndsvd" and state is None:
            options["gram"] = gram.get(named)
        estimator.fit(X, resume_from=state, **options)

    state = checkpoint.load()
    try:
        fit(state)
        if state is not None:
            progress.log(f"C{C}: went on from a checkpoint")
    except CheckpointError as error:
        progress.log(f"C{C}: starting anew. {error}")
        fit(None)
    checkpoint.flush()


class _Named:
    """A progress whose messages begin with the scale."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self.log, self.warn, self.metric = progress.log, progress.warn, progress.metric
        self.check = progress.check

    def update(self, fraction: float, message: str = "") -> None:
        self._progress.update(fraction, f"{self._name}: {message}")

    def part(self, start: float, stop: float) -> Progress:
        return _Named(self._progress.part(start, stop), self._name)


def _result(about: FitDescription, maps: MaskedMaps, fitted: Sequence[FittedScale]) -> StepResult:
    vanished = [name for each in fitted for name in each.scale.vanished]
    losses = ", ".join(f"C{each.scale.scale} loss {each.loss:.4f}" for each in fitted)
    summary = f"Atlas {about.atlas} by {about.title} from {maps.n_images} maps: {losses}"
    if vanished:
        more = ", ..." if len(vanished) > _VANISHED_SHOWN else ""
        summary += (
            f"; {len(vanished)} components have vanished: "
            f"{', '.join(vanished[:_VANISHED_SHOWN])}{more}"
        )
    return StepResult(
        outputs=[name for each in fitted for name in each.outputs],
        summary=summary,
        details={
            "atlas": about.atlas,
            "algorithm": about.algorithm,
            "scales": {
                str(each.scale.scale): {
                    "loss": each.loss,
                    "sparsity": each.sparsity,
                    "n_epochs": each.n_epochs,
                    "vanished": list(each.scale.vanished),
                }
                for each in fitted
            },
        },
    )


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"


STEP = Step(
    name="fit",
    title="Fit the components",
    help="Factorise the imported maps at one scale or several, and make the study's atlas.",
    parameters=FitParameters,
    run=run,
    inputs=inputs,
)
