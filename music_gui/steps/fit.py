"""Step: factorise the imported maps at one scale or several, and make the study's atlas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from music_gui.core.errors import ParameterError
from music_gui.core.factorization import (
    REFERENCE_FILL,
    BlockRunner,
    ExactONMF,
    SopNMF,
    voxel_energies,
)
from music_gui.core.progress import Progress
from music_gui.io.atlas_dseg import generation_of
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.study import Study, checked_name
from music_gui.steps.fit_maps import arrange
from music_gui.steps.fit_nesting import ScaleLabels, ScaleLadder
from music_gui.steps.fit_output import (
    FitDescription,
    FittedScale,
    finished_labels,
    write_fitted_scale,
)
from music_gui.steps.fit_scale import ScaleFits
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: How the window and the files name the algorithms.
ALGORITHMS = {"exact-onmf": "exact ONMF (fast)", "sopnmf": "sopNMF (as published)"}

#: The published maps were RAVENS maps, where 1000 is a whole voxel of tissue; ours are fractions.
#: The start is the published one up to scale if its fill shrinks by the root of that.
_NNDSVD_FILL = REFERENCE_FILL / 1000**0.5

#: Shares of the progress at which the maps are ready, and a scale is fitted.
_READY, _FITTED = 0.05, 0.9

_VANISHED_SHOWN = 10


def ascending(scales: tuple[int, ...]) -> tuple[int, ...]:
    """Bring scales into their order, each once.

    Raises
    ------
    ValueError
        If one is below 2.
    """
    if any(scale < 2 for scale in scales):
        raise ValueError("each scale must be at least 2")
    return tuple(sorted(set(scales)))


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
    nested: Literal["no", "start", "strict"] = Field(
        "no",
        description="no: each scale by itself; start: each scale starts from splits of the one "
        "before and is then free, so that scales nest where the maps allow; strict (exact-onmf): "
        "no component crosses a border of the scale before",
    )
    compare_nested: bool = Field(
        True,
        description="With nested scales, fit each by itself too, which tells what nesting costs "
        "in loss; that fit is not kept",
    )
    atlas: str = Field("study", description="Name of the atlas that the scales go into")

    _ascending = field_validator("scales")(ascending)


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
    check_scales(parameters, maps.n_images, maps.n_voxels)
    X = _maps_in_order(parameters, maps, workspace)
    fits = ScaleFits(X, study, maps, workspace)
    ladder = ScaleLadder(parameters.nested, _energies(parameters, X, workspace))
    fitted = []
    for C, share in zip(parameters.scales, _shares(parameters, progress), strict=True):
        free = None
        if ladder.coarser is not None and parameters.compare_nested:
            free = _fit_by_itself(parameters, C, fits, workspace, share.part(0, 0.5))
            share = share.part(0.5, 1)
        estimator = make_estimator(parameters, C, workspace.threads)
        fits.fit(estimator, share.part(0, _FITTED), coarser=ladder.coarser)
        share.update(_FITTED, f"C{C}: making the atlas")
        labels = finished_labels(estimator)
        nesting = ladder.add(labels, free)
        fitted.append(
            write_fitted_scale(study, workspace.output, estimator, labels, maps, about, nesting)
        )
    return _result(about, maps, fitted)


def inputs(study: Study, parameters: FitParameters) -> Sequence[Any]:
    """Name the description of the maps, which holds their checksums."""
    return [study.masked_maps / "maps.json"]


def make_estimator(
    parameters: FitParameters, C: int, threads: int, *, seed: int | None = None
) -> SopNMF | ExactONMF:
    """Return the estimator of a scale, not fitted yet, with the step's seed or another one."""
    seed = parameters.seed if seed is None else seed
    if parameters.algorithm == "exact-onmf":
        return ExactONMF(
            C,
            parameters.n_init,
            seed,
            max_epochs=parameters.max_epochs,
            nested="strict" if parameters.nested == "strict" else "start",
            n_jobs=threads,
        )
    return SopNMF(
        C,
        parameters.batch_size,
        parameters.max_epochs,
        seed,
        init=parameters.init,
        patience=parameters.patience,
        strict=parameters.strict,
        nndsvd_fill=_NNDSVD_FILL,
        n_jobs=threads,
    )


def _maps_in_order(
    parameters: FitParameters, maps: MaskedMaps, workspace: Workspace
) -> NDArray[np.float32]:
    """Return the maps as the algorithm reads them, if the largest scale fits the memory."""
    largest = make_estimator(parameters, parameters.scales[-1], workspace.threads)
    return arrange(
        maps,
        largest,
        workspace,
        workspace.progress.part(0, _READY),
        title=ALGORITHMS[parameters.algorithm],
        coarser=parameters.nested != "no",
    )


def _fit_by_itself(
    parameters: FitParameters,
    C: int,
    fits: ScaleFits,
    workspace: Workspace,
    progress: Progress,
) -> ScaleLabels:
    """Fit a scale that nests as if it did not, to compare."""
    estimator = make_estimator(parameters, C, workspace.threads)
    fits.fit(estimator, progress, for_comparison=True)
    return finished_labels(estimator)


def _shares(parameters: FitParameters, progress: Progress) -> list[Progress]:
    """Return the progress of each scale, which takes time as its components are many."""
    work = np.array(parameters.scales, float)
    if parameters.nested != "no" and parameters.compare_nested:
        work[1:] *= 2
    ends = np.cumsum(work) / work.sum()
    fits = progress.part(_READY, 1)
    return [fits.part(start, end) for start, end in zip([0.0, *ends], ends, strict=False)]


def _energies(
    parameters: FitParameters, X: NDArray[np.float32], workspace: Workspace
) -> NDArray[np.float64]:
    """Return what each voxel counts where scales are compared; a single scale needs none."""
    if len(parameters.scales) == 1:
        return np.empty(0)
    with BlockRunner(workspace.threads, workspace.progress) as runner:
        return voxel_energies(X, runner)


def check_scales(
    parameters: FitParameters, n_images: int, n_voxels: int, *, which: str = "maps"
) -> None:
    """Refuse, before anything is computed, scales that the maps can't have.

    Parameters
    ----------
    parameters : FitParameters
    n_images, n_voxels : int
        Shape of the maps.
    which : str
        What the images are called.

    Raises
    ------
    ParameterError
        If the largest scale is too large, or scales can't nest as asked.
    """
    largest = parameters.scales[-1]
    if largest > n_voxels:
        raise ParameterError(
            f"scale {largest} is larger than the number of voxels, {n_voxels}",
            remedy="Choose smaller scales",
        )
    if parameters.nested == "strict" and parameters.algorithm == "sopnmf":
        raise ParameterError(
            "sopNMF (as published) can't keep to the borders of a coarser scale",
            why="its components overlap, and holding them apart would not be the published update",
            remedy="Choose --nested start, which starts from splits of the coarser scale, or "
            "--algorithm exact-onmf",
        )
    needs_images = parameters.algorithm == "sopnmf" and parameters.init == "nndsvd"
    if needs_images and largest > n_images:
        raise ParameterError(
            f"scale {largest} is larger than the number of {which}, {n_images}",
            why="the NNDSVD start needs at least as many maps as components",
            remedy="Choose smaller scales, --init random, or --algorithm exact-onmf",
        )


def _result(about: FitDescription, maps: MaskedMaps, fitted: Sequence[FittedScale]) -> StepResult:
    vanished = [name for each in fitted for name in each.scale.vanished]
    losses = ", ".join(f"C{each.scale.scale} loss {each.loss:.4f}" for each in fitted)
    summary = f"Atlas {about.atlas} by {about.title} from {maps.n_images} maps: {losses}"
    for each in fitted:
        if each.nesting:
            summary += f"; {each.nesting.as_sentence()}"
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
                    "nesting": each.nesting.as_record() if each.nesting else None,
                }
                for each in fitted
            },
        },
    )


STEP = Step(
    name="fit",
    title="Fit the components",
    help="Factorise the imported maps at one scale or several, and make the study's atlas.",
    parameters=FitParameters,
    run=run,
    inputs=inputs,
)
