"""What a fit writes: the decomposition of each scale, and its part of the atlas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from music_gui import __version__
from music_gui.core.atlas import AtlasScale, argmax_labels
from music_gui.core.factorization import ExactONMF, SopNMF, drop_negligible, sparsity
from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import ScaleSource, write_scale, write_surface
from music_gui.io.atomic import write_json, write_text
from music_gui.io.decomposition_npz import write_components
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.study import Study
from music_gui.steps.fit_nesting import NestingReport, ScaleLabels


@dataclass(frozen=True, eq=False)
class FitDescription:
    """What the files say about a fit.

    Parameters
    ----------
    algorithm : str
        As a parameter of the step: ``exact-onmf``.
    title : str
        As the window names it: ``exact ONMF (fast)``.
    parameters : dict
        Of the step, ready for JSON.
    atlas : str
        Name of the atlas.
    simulated : bool
        The maps are made up.
    generation : int
        Of the scales (`music_gui.io.atlas_dseg.generation_of`).
    """

    algorithm: str
    title: str
    parameters: dict[str, Any]
    atlas: str
    simulated: bool
    generation: int


@dataclass(frozen=True, eq=False)
class FittedScale:
    """A scale that is written.

    Parameters
    ----------
    scale : AtlasScale
        Its labels.
    loss : float
        Relative squared Frobenius loss.
    sparsity : float
        Hoyer sparsity of the components.
    n_epochs : int
        Passes over the maps.
    outputs : tuple of str
        Files and folders, relative to the study.
    nesting : NestingReport or None
        How it nests in the scale before.
    """

    scale: AtlasScale
    loss: float
    sparsity: float
    n_epochs: int
    outputs: tuple[str, ...]
    nesting: NestingReport | None = None


def library_versions() -> dict[str, str]:
    """Return the versions of what a fit is computed with."""
    return {
        "music-gui": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def finished_labels(estimator: SopNMF | ExactONMF) -> ScaleLabels:
    """Set negligible weights of a fitted estimator to zero, and label each voxel (eq. 4)."""
    drop_negligible(estimator.components_)
    labels = argmax_labels(estimator.components_)
    return ScaleLabels(estimator.n_components, labels, estimator.reconstruction_err_)


def write_fitted_scale(
    study: Study,
    output: Path,
    estimator: SopNMF | ExactONMF,
    labels: ScaleLabels,
    maps: MaskedMaps,
    about: FitDescription,
    nesting: NestingReport | None,
) -> FittedScale:
    """Write decomposition, label image and surface of a fitted scale.

    The same fit gives the same bytes, and the same names: components stand by decreasing
    explained energy.

    Parameters
    ----------
    study : Study
        Its layout is followed; nothing in it is changed.
    output : Path
        Folder laid out as the study.
    estimator : SopNMF or ExactONMF
        Fitted.
    labels : ScaleLabels
        What `finished_labels` made of it.
    maps : MaskedMaps
        What it was fitted on.
    about : FitDescription
    nesting : NestingReport or None
        How it nests in the scale before.
    """
    C = estimator.n_components
    components = estimator.components_
    scale = AtlasScale(C, maps.unmask(labels.labels))
    loss, sparse = estimator.reconstruction_err_, sparsity(components)
    decomposition = study.decomposition(about.atlas, C).relative_to(study.root)
    folder = output / decomposition
    write_components(folder / "components.npz", components, maps.mask, maps.grid)
    write_text(folder / "convergence.tsv", _history_table(estimator.history_))
    record = _record(estimator, maps, about, scale, sparse)
    if nesting is not None:
        record["nesting"] = nesting.as_record()
        write_text(folder / "nesting.tsv", nesting.as_table())
    write_json(folder / "run.json", record)
    atlas = output / "atlases" / about.atlas
    source = ScaleSource(
        source=f"fitted by {about.title} on {maps.n_images} maps, seed {estimator.random_state}",
        maps_checksum=maps.checksum,
        simulated=about.simulated,
        generation=about.generation,
    )
    files = write_scale(atlas, about.atlas, scale, maps.grid, sidecar=source)
    surface = build_label_surface(scale.labels, maps.grid)
    files.append(write_surface(atlas, about.atlas, C, surface))
    outputs = [decomposition.as_posix(), *(f"atlases/{about.atlas}/{file}" for file in files)]
    return FittedScale(scale, loss, sparse, estimator.n_iter_, tuple(outputs), nesting)


def _record(
    estimator: SopNMF | ExactONMF,
    maps: MaskedMaps,
    about: FitDescription,
    scale: AtlasScale,
    sparse: float,
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "algorithm": about.algorithm,
        "title": about.title,
        "scale": scale.scale,
        "atlas": about.atlas,
        "reconstruction_err": estimator.reconstruction_err_,
        "sparsity": sparse,
        "n_epochs": estimator.n_iter_,
        "vanished": list(scale.vanished),
        "n_images": maps.n_images,
        "n_voxels": maps.n_voxels,
        "maps_checksum": maps.checksum,
        "simulated": about.simulated,
        "seed": estimator.random_state,
        "parameters": about.parameters,
        "versions": library_versions(),
    }
    if isinstance(estimator, ExactONMF):
        record["start_losses"] = estimator.start_losses_.tolist()
    return record


def _history_table(history: NDArray[Any]) -> str:
    names = history.dtype.names or ()
    lines = ["\t".join(names)]
    lines += ["\t".join(f"{value:.10g}" for value in row) for row in history.tolist()]
    return "\n".join(lines) + "\n"
