"""A simulated cohort of the paper's size in a masked store, for the benchmarks that need one.

The voxels are those of a published atlas (label images of several scales); the regions of all its
scales are planted as factors, so that each scale has something to find, under smooth fields and
noise that follow no region.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from music_gui.core.atlas import Atlas
from music_gui.io.label_images import find_label_images, read_label_image
from music_gui.io.masked_maps import MaskedMaps, MaskedMapsWriter
from music_gui.io.nifti import read_image
from music_gui.io.study import Study

SCALES = (32, 64, 128, 256, 512, 1024)

#: Standard deviations of log volume: of the regions of each scale, of the smooth fields, of noise.
_REGION_SD = {32: 0.15, 64: 0.10, 128: 0.10, 256: 0.08, 512: 0.08, 1024: 0.08}
_SMOOTH_SD, _NOISE_SD = 0.10, 0.15
_N_FIELDS, _FIELD_WIDTH = 200, 4.0
_IMAGES_AT_ONCE = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `cohort_study` needs to a command line."""
    parser.add_argument("--study", type=Path, required=True, help="kept there; made if missing")
    parser.add_argument("--atlas", type=Path, required=True, help="folder with label images")
    parser.add_argument("--maps", type=Path, required=True, help="folder with a few real maps")
    parser.add_argument("--images", type=int, default=4000)


def cohort_study(arguments: argparse.Namespace, seed: int = 0) -> Study:
    """Open the study with the simulated maps, or make it."""
    if (arguments.study / "study.json").exists():
        study = Study.open(arguments.study)
        if MaskedMaps.open(study.masked_maps).n_images == arguments.images:
            return study
    study = Study.create(arguments.study, "Paper scale", simulated=True)
    atlas = read_published(arguments.atlas)
    mask = next(iter(atlas.scales.values())).labels > 0
    mean = _mean_map(sorted(arguments.maps.glob("*.nii.gz")))[mask]
    rng = np.random.default_rng(seed)
    with MaskedMapsWriter(study.masked_maps, mask, atlas.grid) as writer:
        for number, row in enumerate(_rows(atlas, mask, mean, arguments.images, rng)):
            writer.append(row, f"sub-{number:05d}", "ses-01")
    return study


def read_published(folder: Path) -> Atlas:
    """Read the label images of a folder as one atlas."""
    images = [read_label_image(path) for path in find_label_images([folder])[0]]
    scales = {image.scale.scale: image.scale for image in images}
    return Atlas(folder.name, images[0].grid, dict(sorted(scales.items())))


def _mean_map(paths: list[Path]) -> NDArray[np.float32]:
    """Return the mean of maps whose grid is taken to be the atlas's, at least 0.02."""
    total = sum(read_image(path).data for path in paths)
    return np.maximum(np.asarray(total, np.float32) / len(paths), 0.02)


def _rows(
    atlas: Atlas,
    mask: NDArray[np.bool_],
    mean: NDArray[np.float32],
    n_images: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.float32]]:
    """Yield the values of each map in the mask."""
    fields = []
    for _ in range(_N_FIELDS):
        field = gaussian_filter(rng.standard_normal(mask.shape, np.float32), _FIELD_WIDTH)[mask]
        fields.append(field / field.std())
    basis = np.stack(fields) * (_SMOOTH_SD / np.sqrt(_N_FIELDS))
    for start in range(0, n_images, _IMAGES_AT_ONCE):
        n = min(_IMAGES_AT_ONCE, n_images - start)
        log_values = rng.standard_normal((n, _N_FIELDS), np.float32) @ basis
        for C, sd in _REGION_SD.items():
            factors = sd * rng.standard_normal((n, C + 1), np.float32)
            log_values += factors[:, atlas.scales[C].labels[mask]]
        log_values += _NOISE_SD * rng.standard_normal(log_values.shape, np.float32)
        yield from mean * np.exp(log_values, out=log_values)
