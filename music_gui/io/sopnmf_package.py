"""What the public reference package ``sopnmf`` (0.0.4) writes, read without pickle.

It writes into ``OUT/NMF/component_C``: ``components_atlas.nii.gz`` (float64; 0 outside its mask,
then the number of the component with the largest weight, from 1), ``component_1.nii.gz`` and so on
(1 where that component wins), ``loading_coefficient.tsv`` and ``loading_coefficient_NAME.tsv``
(the participants table with ``component_1`` to ``component_C``), ``reconstruction_error.tsv``
(the Frobenius norm of the residual). A loading there is W'x with each column of W divided by its
sum: the mean of the map under the component's weights, in the unit of the files.

The weights W themselves it keeps in pickles only. A pickle can run any program when it is opened,
so none is opened here; `SAVE_WEIGHTS` tells a user how to save W as ``W.npy`` with the Python that
made it. Voxels are in C order of the image as it is stored, those where its mask is 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from music_gui.core.atlas import psc_name
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.factorization.components import NEGLIGIBLE
from music_gui.core.grid import Grid, check_same_grid
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.nifti import read_image, read_labels

#: Save W beside the pickle, in the pickle's folder, with the Python that made it.
SAVE_WEIGHTS = (
    'python -c "import pickle, numpy; '
    "numpy.save('W.npy', pickle.load(open('nmf_model.pickle', 'rb'))['W'])\""
)

#: Names of files in ``component_C``.
ATLAS_FILE, WEIGHTS_FILE, MASK_FILE = (
    "components_atlas.nii.gz",
    "W.npy",
    "tissue_binary_mask.nii.gz",
)
LOADINGS_STEM = "loading_coefficient"
_FOLDER = re.compile(r"component_(\d+)")
_COLUMN = re.compile(r"component_(\d+)")


@dataclass(frozen=True)
class SopnmfScale:
    """A folder ``component_C``.

    Parameters
    ----------
    folder : Path
        Where it is.
    scale : int
        C.
    """

    folder: Path
    scale: int

    @property
    def atlas(self) -> Path:
        """Its label image."""
        return self.folder / ATLAS_FILE

    @property
    def weights(self) -> Path:
        """W saved by the user (`SAVE_WEIGHTS`), or written by `music_gui.io.sopnmf_layout`."""
        return self.folder / WEIGHTS_FILE

    @property
    def loadings(self) -> list[Path]:
        """Its tables of loadings, that of the training maps first."""
        return sorted(self.folder.glob(f"{LOADINGS_STEM}*.tsv"), key=lambda path: len(path.name))

    def mask(self, given: Path | None) -> Path | None:
        """Return the mask that was given, else the one that lies in the folder."""
        own = self.folder / MASK_FILE
        return given or (own if own.is_file() else None)


def find_sopnmf_scales(source: Path) -> list[SopnmfScale]:
    """Find the scales in a folder of the package: its output, ``NMF`` in it, or one scale.

    Returns
    -------
    list of SopnmfScale
        By C.

    Raises
    ------
    InputError
        If there is none.
    """
    found = {}
    for folder in (source, *source.glob("component_*"), *source.glob("NMF/component_*")):
        match = _FOLDER.fullmatch(folder.name)
        if match and folder.is_dir():
            found[int(match[1])] = SopnmfScale(folder, int(match[1]))
    if not found:
        raise InputError(
            "the folder holds no results of the package sopnmf",
            where=str(source),
            why="there is no folder component_C, nor NMF/component_C, in it",
            remedy="Give its output folder, or a 4D image of components",
        )
    return [found[scale] for scale in sorted(found)]


def refuse_pickle(path: Path) -> None:
    """Refuse a checkpoint of the package, saying what to do instead; other files pass.

    Raises
    ------
    InputError
        If the file is called like a pickle.
    """
    if path.suffix.lower() in (".pickle", ".pkl", ".joblib"):
        raise pickle_error(path)


def pickle_error(path: Path) -> InputError:
    """Say why a pickle is not opened and what to do instead."""
    return InputError(
        "the weights W are in a pickle, which is not opened",
        where=str(path),
        why="a pickle can run any program when it is opened",
        remedy=f"If you made it yourself, go to its folder and run {SAVE_WEIGHTS} with the Python "
        "that made it; then import the folder again",
    )


def read_sopnmf_atlas(scale: SopnmfScale) -> tuple[NDArray[np.int32], Grid]:
    """Read ``components_atlas.nii.gz``.

    Returns
    -------
    labels : ndarray, int32
        0 to C.
    grid : Grid

    Raises
    ------
    InputError
        If it is missing, or a label is larger than C.
    """
    labels, grid = read_labels(scale.atlas)
    if labels.min() < 0 or labels.max() > scale.scale or not labels.any():
        raise InputError(
            f"the labels run from {labels.min()} to {labels.max()}",
            where=str(scale.atlas),
            why=f"its folder is of {scale.scale} components",
        )
    return labels, grid


def read_sopnmf_weights(scale: SopnmfScale, mask: Path | None = None) -> StoredComponents:
    """Read W from ``W.npy``.

    Parameters
    ----------
    scale : SopnmfScale
        Its folder.
    mask : Path, optional
        The ``tissue_binary_mask`` of the run; by default that in the folder, else the labelled
        voxels of the atlas, which are the same if every voxel of the mask has weight.

    Returns
    -------
    StoredComponents
        In the package's order, ``component_1`` first; weights below the share `NEGLIGIBLE` of
        their component's largest are left out, since its update never reaches zero.

    Raises
    ------
    InputError
        If W is still in a pickle, is no array of that shape, holds negative or missing weights, or
        does not give the labels of the atlas beside it.
    """
    W = _read_array(scale)
    labels, grid = read_sopnmf_atlas(scale) if scale.atlas.is_file() else (None, None)
    mask_path = scale.mask(mask)
    if mask_path is not None:
        image = read_image(mask_path)
        if grid is not None:
            check_same_grid(image.grid, grid, where=str(mask_path), reference_name=ATLAS_FILE)
        inside, grid = np.asarray(image.data == 1), image.grid  # as the package reads its mask
    elif labels is not None and grid is not None:
        inside = labels > 0
    else:
        raise InputError(
            "nothing says which voxels the rows of W are",
            where=str(scale.weights),
            why=f"there is neither {MASK_FILE} nor {ATLAS_FILE} beside it",
            remedy="Give the tissue_binary_mask of the run as the mask",
        )
    n_voxels = int(inside.sum())
    if W.shape != (n_voxels, scale.scale):
        raise InputError(
            f"W has shape {W.shape}",
            where=str(scale.weights),
            why=f"the mask has {n_voxels:,} voxels and its folder is of {scale.scale} components",
            remedy="Give the tissue_binary_mask of the run as the mask",
        )
    stored = StoredComponents(_sparse(W), np.flatnonzero(inside), grid)
    if labels is not None:
        _check_labels(stored, labels, scale)
    return stored


def read_sopnmf_loadings(path: Path) -> pd.DataFrame:
    """Read a table of loadings that the package wrote.

    Returns
    -------
    DataFrame
        ``participant_id``, ``session_id`` (texts), then ``C4_1`` and so on, float64: weighted means
        of the maps in the unit of their files.

    Raises
    ------
    InputError
        If it can't be read, or lacks ids or a component.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype={"participant_id": str, "session_id": str})
    except (OSError, ValueError) as error:
        raise InputError("the table can't be read", where=str(path), why=str(error)) from error
    numbers = [int(match[1]) for name in table if (match := _COLUMN.fullmatch(str(name)))]
    has_ids = {"participant_id", "session_id"} <= set(table.columns)
    if not has_ids or not numbers or sorted(numbers) != list(range(1, len(numbers) + 1)):
        raise InputError(
            "this is no table of loadings of the package sopnmf",
            where=str(path),
            why="it needs participant_id, session_id, and component_1 to the last in one piece",
        )
    columns = {f"component_{k}": psc_name(len(numbers), k) for k in sorted(numbers)}
    return table[["participant_id", "session_id", *columns]].rename(columns=columns)


def _read_array(scale: SopnmfScale) -> NDArray[np.floating]:
    if not scale.weights.is_file():
        pickles = sorted(scale.folder.glob("*.pickle"))
        if pickles:
            raise pickle_error(scale.folder / "nmf_model.pickle")
        raise InputError(
            "there are no weights here",
            where=str(scale.folder),
            why=f"it has neither {WEIGHTS_FILE} nor a checkpoint of which it could be saved",
        )
    try:
        W: NDArray[np.floating] = np.load(scale.weights, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            "the file is no array of numbers",
            where=str(scale.weights),
            why=str(error),
            remedy=f"Save W again with {SAVE_WEIGHTS}",
        ) from error
    if W.dtype.kind != "f" or W.ndim != 2:
        raise InputError(
            f"W is an array of {W.dtype} of {W.ndim} dimensions",
            where=str(scale.weights),
            remedy=f"Save W again with {SAVE_WEIGHTS}",
        )
    wrong = np.argwhere(~(np.isfinite(W) & (W >= 0)))
    if len(wrong):
        row, column = map(int, wrong[0])
        raise InputError(
            f"a weight is {W[row, column]:g}",
            where=f"{scale.weights}, row {row}, column {column}",
            why=f"{len(wrong):,} weights are negative, missing or infinite",
            remedy="Weights of a non-negative factorisation are finite and not negative",
        )
    return W


def _sparse(W: NDArray[np.floating]) -> csr_array:
    """Return W', shape (C, n_voxels), without its negligible weights."""
    members, weights = [], []
    for column in W.T:
        component = column.astype(np.float32)
        mine = np.flatnonzero(component >= max(NEGLIGIBLE * component.max(), _TINY))
        members.append(mine.astype(np.int32))
        weights.append(component[mine])
    indptr = np.cumsum([0, *map(len, members)])
    return csr_array((np.concatenate(weights), np.concatenate(members), indptr), shape=W.T.shape)


_TINY = float(np.finfo(np.float32).tiny)


def _check_labels(stored: StoredComponents, labels: NDArray[np.int32], scale: SopnmfScale) -> None:
    """Refuse weights that do not give the atlas beside them: their voxels are not these."""
    own = stored.label_image()
    n_different = int(((own != labels) & (own > 0)).sum())
    if n_different:
        raise GridMismatchError(
            f"W does not give the labels of {ATLAS_FILE}: {n_different:,} voxels differ",
            where=str(scale.weights),
            why="the mask is not the one of the run, or W is from another run",
            remedy="Give the tissue_binary_mask of the run as the mask",
        )
