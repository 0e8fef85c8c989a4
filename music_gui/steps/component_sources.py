"""Where components are imported from: 4D images, and folders of the package sopnmf."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import InputError, MusicError
from music_gui.core.grid import Grid
from music_gui.core.progress import Progress
from music_gui.io.component_images import read_component_images
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.io.nifti import read_image
from music_gui.io.sopnmf_package import (
    SopnmfScale,
    find_sopnmf_scales,
    pickle_error,
    read_sopnmf_atlas,
    read_sopnmf_weights,
    refuse_pickle,
)


@dataclass(frozen=True, eq=False)
class SourceScale:
    """One scale as its source has it.

    Parameters
    ----------
    scale : AtlasScale
        Its labels (eq. 4).
    grid : Grid
        Of the labels.
    stored : StoredComponents or None
        Its weights; None if the source has only labels that can be read.
    refusal : MusicError or None
        Why the weights could not be read, and what to do.
    """

    scale: AtlasScale
    grid: Grid
    stored: StoredComponents | None = None
    refusal: MusicError | None = None


@dataclass(frozen=True)
class ComponentSource:
    """One scale that is offered for import.

    Parameters
    ----------
    path : Path
        A 4D image, or a folder ``component_C``.
    sopnmf : SopnmfScale or None
        What the folder is; None for an image.
    """

    path: Path
    sopnmf: SopnmfScale | None = None

    @property
    def label(self) -> str:
        """What it is called in texts."""
        return self.path.name if self.sopnmf is None else f"{self.path.name} of sopnmf"

    @property
    def weights_path(self) -> Path:
        """The file that holds the weights."""
        return self.path if self.sopnmf is None else self.sopnmf.weights

    @property
    def files(self) -> list[Path]:
        """All files of it that decide what is imported; some need not exist."""
        if self.sopnmf is None:
            return [self.path, self._mask_beside, self._sidecar_beside]
        own_mask = self.sopnmf.mask(None)
        files = [self.sopnmf.weights, self.sopnmf.atlas, *self.sopnmf.loadings]
        return files if own_mask is None else [*files, own_mask]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """The record of the fit that `export-components` wrote beside an image, or empty."""
        if self.sopnmf is not None or not self._sidecar_beside.is_file():
            return {}
        try:
            record = json.loads(self._sidecar_beside.read_bytes()).get("decomposition", {})
        except (OSError, ValueError, AttributeError):
            return {}
        return record if isinstance(record, dict) else {}

    def read(self, mask: Path | None, progress: Progress) -> SourceScale:
        """Read labels and, where that is possible, weights.

        Parameters
        ----------
        mask : Path, optional
            The voxels that were factorised; by default the mask beside the source.
        progress : Progress
            Told of the volumes of an image.

        Raises
        ------
        InputError
            If neither can be read.
        """
        if self.sopnmf is None:
            return _with_labels(self._read_image(mask, progress))
        if self.sopnmf.weights.is_file():
            return _with_labels(read_sopnmf_weights(self.sopnmf, mask))
        refusal = pickle_error(self.sopnmf.folder / "nmf_model.pickle")
        if not self.sopnmf.atlas.is_file():
            raise refusal
        labels, grid = read_sopnmf_atlas(self.sopnmf)
        return SourceScale(AtlasScale(self.sopnmf.scale, labels), grid, refusal=refusal)

    def _read_image(self, mask: Path | None, progress: Progress) -> StoredComponents:
        chosen = mask or (self._mask_beside if self._mask_beside.is_file() else None)
        if chosen is None:
            return read_component_images(self.path, progress)
        image = read_image(chosen)
        return read_component_images(
            self.path, progress, mask=np.asarray(image.data == 1), mask_grid=image.grid
        )

    @property
    def _mask_beside(self) -> Path:
        """Where `export-components` puts the mask: ``*_probseg`` becomes ``*_mask``."""
        return self.path.with_name(f"{self._stem.removesuffix('_probseg')}_mask.nii.gz")

    @property
    def _sidecar_beside(self) -> Path:
        return self.path.with_name(f"{self._stem}.json")

    @property
    def _stem(self) -> str:
        return self.path.name.removesuffix(".gz").removesuffix(".nii")


def _with_labels(stored: StoredComponents) -> SourceScale:
    scale = AtlasScale(stored.components.shape[0], stored.label_image())
    return SourceScale(scale, stored.grid, stored)


def component_sources(paths: Sequence[Path]) -> list[ComponentSource]:
    """Tell what the files and folders that were named are.

    Raises
    ------
    InputError
        If one does not exist, or is neither an image nor a folder of the package; a pickle is
        named as such.
    """
    found = []
    for path in paths:
        refuse_pickle(path)
        if path.is_dir():
            found += [ComponentSource(scale.folder, scale) for scale in find_sopnmf_scales(path)]
        elif not path.exists():
            raise InputError("there is no such file or folder", where=str(path))
        elif path.name.lower().endswith((".nii", ".nii.gz")):
            found.append(ComponentSource(path))
        else:
            raise InputError(
                "this is no image of components",
                where=str(path),
                remedy="Give a 4D NIfTI image (.nii, .nii.gz) or a folder of the package sopnmf",
            )
    return found
