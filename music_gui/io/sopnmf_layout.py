"""Results laid out as the public reference package ``sopnmf`` lays out its own, without pickle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.atlas import AtlasScale
from music_gui.core.progress import Progress
from music_gui.io.atomic import replacing, write_text
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.nifti import write_image
from music_gui.io.sopnmf_package import ATLAS_FILE, LOADINGS_STEM, MASK_FILE, WEIGHTS_FILE

_README = """\
These files are laid out as the package sopnmf 0.0.4 lays out its results. Its functions that read
components_atlas.nii.gz (PSC extraction) take this folder as their output_dir. Those that read W
(apply_to_test) want it as a pickle, which is not written here. Make it in this folder with

  python -c "import pickle, numpy; W = numpy.load('W.npy'); pickle.dump({'iter': 0, \
'num_component': W.shape[1], 'W': W}, open('nmf_model.pickle', 'wb'))"

and give tissue_binary_mask.nii.gz as its tissue_binary_mask. The package looks at no affine: all
images must be stored with the axes in the order and direction of this mask.
"""


def write_sopnmf_scale(
    folder: Path, stored: StoredComponents, scale: AtlasScale, progress: Progress
) -> None:
    """Write a scale as the package does, with W as ``W.npy`` instead of its pickle.

    Parameters
    ----------
    folder : Path
        ``NMF/component_C``.
    stored : StoredComponents
        The weights.
    scale : AtlasScale
        The labels that are written; a component that has vanished gives an empty image.
    progress : Progress
        Told after each component.
    """
    grid = stored.grid
    write_image(folder / ATLAS_FILE, scale.labels.astype(np.float64), grid)
    for index in range(1, scale.scale + 1):
        progress.update(index / scale.scale, f"C{scale.scale}: component {index}")
        wins = (scale.labels == index).astype(np.float64)
        write_image(folder / f"component_{index}.nii.gz", wins, grid)
    write_image(folder / MASK_FILE, stored.mask, grid)
    with replacing(folder / WEIGHTS_FILE) as temporary:
        np.save(temporary, stored.components.toarray().T, allow_pickle=False)
    write_text(folder / "README.txt", _README)


def write_sopnmf_loadings(
    folder: Path,
    participants: pd.DataFrame,
    loadings: NDArray[np.float64],
    residual_norm: float,
) -> None:
    """Write ``loading_coefficient.tsv`` and ``reconstruction_error.tsv``.

    Parameters
    ----------
    folder : Path
        ``NMF/component_C``.
    participants : DataFrame
        ``participant_id``, ``session_id``, ``path``; n rows.
    loadings : ndarray, shape (n, C), float64
        Weighted means in the unit of the files.
    residual_norm : float
        Frobenius norm of X - W W'X in that unit.
    """
    names = [f"component_{k}" for k in range(1, loadings.shape[1] + 1)]
    values = pd.DataFrame(loadings, columns=names, index=participants.index)
    _write_table(folder / f"{LOADINGS_STEM}.tsv", pd.concat([participants, values], axis=1))
    error = pd.DataFrame({"num_component": [len(names)], "reconstruction_error": [residual_norm]})
    _write_table(folder / "reconstruction_error.tsv", error)


def write_sopnmf_participants(path: Path, participants: pd.DataFrame) -> None:
    """Write ``NMF/participant.tsv``, from which the package takes the maps."""
    _write_table(path, participants)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(sep="\t", index=False, lineterminator="\n"))
