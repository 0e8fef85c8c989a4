"""Step: see how well each scale explains the maps and how well it repeats, to choose C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from music_gui.core.progress import Progress
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.scale_choice import SplitComparison, write_scale_choice
from music_gui.io.study import Study
from music_gui.steps.choose_scale_fits import ScaleComparisons
from music_gui.steps.choose_scale_splits import Splits, make_splits
from music_gui.steps.fit import ALGORITHMS, FitParameters, ascending, check_scales, make_estimator
from music_gui.steps.fit_maps import arrange
from music_gui.steps.fit_output import library_versions
from music_gui.steps.fit_scale import image_names
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

Algorithm = Literal["exact-onmf", "sopnmf"]

#: The largest scale of the published atlas.
_LARGEST_SCALE = 1024
#: Fewer can't tell a region from noise: 10 voxels of 2 mm are a cube of 4 mm.
_VOXELS_PER_COMPONENT = 10

#: Share of the progress at which an algorithm's maps are ready.
_READY = 0.02
#: How long the published update takes to its end, as a multiple of exact ONMF.
_RELATIVE_TIME = {"exact-onmf": 1.0, "sopnmf": 20.0}

_HOW = (
    "All maps are fitted with the step's seed, as the step fit does. Then each part of a split is "
    "fitted by itself with a seed and a start of its own. Components are brought to length 1 and "
    "matched one to one for the largest sum of inner products (Hungarian method); a vanished one "
    "counts as 0. Losses are |X - X W W'|^2 / |X|^2."
)


class ChooseScaleParameters(StepParameters):
    """Parameters of ``choose-scale``."""

    scales: tuple[int, ...] = Field(
        (),
        description="Numbers of components (C) to compare; by default 2, 4, 8 and so on, as far "
        "as the smaller part of a split has that many maps",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        ("exact-onmf",),
        min_length=1,
        description="exact-onmf: exact ONMF (fast); sopnmf: sopNMF (as published), which takes "
        "many times as long",
    )
    split: Literal["halves", "sex", "both"] = Field(
        "halves",
        description="halves: random halves of the participants, which share sites and sexes "
        "evenly; sex: women against men; both: one and the other",
    )
    n_repeats: int = Field(
        3, ge=1, le=100, description="Splits of each kind, from which the spread is known"
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the splits and of all fits")
    init: Literal["nndsvd", "random"] = Field(
        "nndsvd", description="sopnmf: the start, of each part from its own maps or seed"
    )
    batch_size: int = Field(32, ge=1, description="sopnmf: maps in a batch")
    max_epochs: int = Field(1000, ge=1, description="Most passes over the maps of a fit")
    patience: int = Field(
        100, ge=1, description="sopnmf: stop after this many epochs without a lower loss"
    )
    name: str = Field("study", description="Name under which the figures are kept")

    _ascending = field_validator("scales")(ascending)

    @field_validator("algorithms")
    @classmethod
    def _once(cls, algorithms: tuple[Algorithm, ...]) -> tuple[Algorithm, ...]:
        return tuple(dict.fromkeys(algorithms))


def run(study: Study, parameters: ChooseScaleParameters, workspace: Workspace) -> StepResult:
    """Fit all maps and parts of them at each scale; write how they compare.

    An interrupted job goes on from the fits that are finished and from the checkpoint of the one
    in work, and ends with the same bytes as if it had not been interrupted.

    Raises
    ------
    InputError
        If there are no maps, or they can't be split as asked.
    ParameterError
        If a scale is too large for the parts or for the memory.
    """
    progress = workspace.progress
    progress.update(0.0, "opening the maps")
    folder = study.scale_choice(parameters.name).relative_to(study.root)
    maps = MaskedMaps.open(study.masked_maps)
    splits = make_splits(study, maps, parameters.split, parameters.n_repeats, parameters.seed)
    scales = parameters.scales or scale_ladder(splits.n_smallest, maps.n_voxels)
    fits = [_fit_parameters(parameters, algorithm, scales) for algorithm in parameters.algorithms]
    for each in fits:
        check_scales(each, splits.n_smallest, maps.n_voxels, which="maps of the smaller part")
    progress.log(_plan(scales, splits))
    names = image_names(study, maps)
    rows: list[SplitComparison] = []
    for each, share in zip(fits, _shares(fits, progress), strict=True):
        rows += _compare_scales(each, splits, maps, names, workspace, share)
    record = _record(study, parameters, scales, splits, maps)
    write_scale_choice(workspace.output / folder, rows, splits.as_columns(maps), record)
    return StepResult(
        outputs=[folder.as_posix()],
        summary=_summary(rows, scales),
        details={"name": parameters.name, "scales": list(scales), "n_comparisons": len(rows)},
    )


def inputs(study: Study, parameters: ChooseScaleParameters) -> Sequence[Path]:
    """Name the description of the maps, which holds their checksums, and the participants."""
    return [study.masked_maps / "maps.json", study.participants]


def scale_ladder(n_smallest: int, n_voxels: int) -> tuple[int, ...]:
    """Return the powers of two that can be compared.

    Parameters
    ----------
    n_smallest : int
        Maps of the smallest part of a split: more components than maps can't be told apart.
    n_voxels : int
        Of the mask.
    """
    largest = min(n_smallest, n_voxels // _VOXELS_PER_COMPONENT, _LARGEST_SCALE)
    return tuple(2**power for power in range(1, max(largest, 2).bit_length()))


def _fit_parameters(
    parameters: ChooseScaleParameters, algorithm: Algorithm, scales: tuple[int, ...]
) -> FitParameters:
    shared = parameters.model_dump(include={"seed", "init", "batch_size", "max_epochs", "patience"})
    return FitParameters.model_validate({"scales": scales, "algorithm": algorithm, **shared})


def _compare_scales(
    parameters: FitParameters,
    splits: Splits,
    maps: MaskedMaps,
    names: Sequence[str],
    workspace: Workspace,
    progress: Progress,
) -> list[SplitComparison]:
    """Do all fits of an algorithm: all maps first, then one split after another.

    So there is a whole curve early on, and its spread comes with time.
    """
    title = ALGORITHMS[parameters.algorithm]
    progress.log(title)
    largest = make_estimator(parameters, parameters.scales[-1], workspace.threads)
    X = arrange(maps, largest, workspace, progress.part(0, _READY), title=title, halves=True)
    fits = ScaleComparisons(X, maps.checksum, parameters, names, workspace)
    shares = _turns(parameters.scales, 1 + len(splits.all), progress.part(_READY, 1))
    facts = {"title": title, "max_epochs": parameters.max_epochs}
    wholes = []
    for C in parameters.scales:
        wholes.append(fits.fit_whole(C, shares.pop(0)))
        progress.metric("scale_choice_whole", asdict(wholes[-1]) | facts)
    rows = []
    for split in splits.all:
        parts = fits.open_parts(split)
        n_repeats = max(each.repeat for each in splits.all)
        for whole in wholes:
            rows.append(fits.compare(parts, whole, shares.pop(0), n_repeats=n_repeats))
            progress.metric("scale_choice", asdict(rows[-1]))
    if n_stopped := sum(row.longest >= parameters.max_epochs for row in rows):
        progress.warn(
            f"{title}: fits of {n_stopped} of {len(rows)} comparisons were stopped after "
            f"{parameters.max_epochs} epochs, before their loss had settled"
        )
    return rows


def _turns(scales: Sequence[int], n_turns: int, progress: Progress) -> list[Progress]:
    """Return the progress of each scale in each turn, which takes time as its components are many.

    Two halves of the maps take as long as all of them.
    """
    ends = np.cumsum(np.tile(np.array(scales, float), n_turns))
    ends = ends / ends[-1]
    return [progress.part(a, b) for a, b in zip([0.0, *ends], ends, strict=False)]


def _shares(fits: Sequence[FitParameters], progress: Progress) -> list[Progress]:
    """Return the progress of each algorithm."""
    ends = np.cumsum([_RELATIVE_TIME[each.algorithm] for each in fits])
    ends = ends / ends[-1]
    return [progress.part(a, b) for a, b in zip([0.0, *ends], ends, strict=False)]


def _plan(scales: Sequence[int], splits: Splits) -> str:
    kinds = {split.kind: split.repeat for split in splits.all}
    said = [
        f"{n} splits in halves" if kind == "halves" else f"{n} by sex" for kind, n in kinds.items()
    ]
    if "halves" in kinds:
        evenly = " and ".join(splits.stratified_by) or "nothing, since site and sex tell no groups"
        said[0] += f" (sharing evenly: {evenly})"
    return f"C = {', '.join(map(str, scales))}; {', '.join(said)}"


def _record(
    study: Study,
    parameters: ChooseScaleParameters,
    scales: Sequence[int],
    splits: Splits,
    maps: MaskedMaps,
) -> dict[str, Any]:
    return {
        "name": parameters.name,
        "algorithms": {name: ALGORITHMS[name] for name in parameters.algorithms},
        "scales": list(scales),
        "splits": [
            {
                "split": split.kind,
                "repeat": split.repeat,
                "n_first": len(split.first),
                "n_second": len(split.second),
            }
            for split in splits.all
        ],
        "stratified_by": list(splits.stratified_by),
        "how": _HOW,
        "n_images": maps.n_images,
        "n_participants": len(set(maps.participant_ids)),
        "n_voxels": maps.n_voxels,
        "maps_checksum": maps.checksum,
        "simulated": study.manifest.simulated,
        "seed": parameters.seed,
        "parameters": parameters.model_dump(mode="json"),
        "versions": library_versions(),
    }


def _summary(rows: Sequence[SplitComparison], scales: Sequence[int]) -> str:
    indices: dict[tuple[str, str], dict[int, list[float]]] = {}
    for row in rows:
        by_scale = indices.setdefault((row.algorithm, row.split), {})
        by_scale.setdefault(row.scale, []).append(row.ri_mean)
    said = []
    for (algorithm, split), by_scale in indices.items():
        means = {C: float(np.mean(found)) for C, found in by_scale.items()}
        best = max(means, key=lambda C: means[C])
        said.append(f"{means[best]:.2f} at C{best} ({ALGORITHMS[algorithm]}, {split})")
    return f"{len(scales)} scales compared; highest reproducibility index {', '.join(said)}"


STEP = Step(
    name="choose-scale",
    title="Compare scales to choose C",
    help="Fit all maps and parts of them at several scales: error, sparsity and how well the "
    "parts agree.",
    parameters=ChooseScaleParameters,
    run=run,
    inputs=inputs,
)
