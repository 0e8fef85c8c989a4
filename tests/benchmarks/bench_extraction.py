"""How long the extraction of all PSCs of a map takes, beside the bare cost of decompression.

By default maps and a six-scale atlas are made from the template (2 mm); real ones can be given:

    python tests/benchmarks/bench_extraction.py --maps FOLDER --atlas FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from isal import igzip
from paper_scale_cohort import SCALES, read_published
from scipy.spatial import cKDTree

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.psc import PscExtractor
from music_gui.core.surface import build_label_surface, build_region_surface
from music_gui.io.nifti import read_image, write_image
from music_gui.io.resources import TEMPLATE_GM, resource


def main() -> None:
    """Print milliseconds per image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, help="folder with maps (.nii.gz)")
    parser.add_argument("--atlas", type=Path, help="folder with label images")
    parser.add_argument("--images", type=int, default=10, help="number of maps")
    parser.add_argument("--nilearn", action="store_true", help="time nilearn's masker too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        atlas = read_published(arguments.atlas) if arguments.atlas else _made_atlas()
        folder = arguments.maps or _made_maps(Path(scratch), arguments.images)
        paths = sorted(folder.glob("*.nii.gz"))[: arguments.images]
        _report(atlas, paths, arguments.nilearn)


def _report(atlas: Atlas, paths: list[Path], with_nilearn: bool) -> None:
    n_present = len(atlas.names) - len(atlas.vanished)
    print(f"{n_present} PSCs in {len(atlas.scales)} scales, {atlas.grid.shape}, {len(paths)} maps")
    grid = read_image(paths[0]).grid
    extractor = PscExtractor(atlas, grid, max_shift=0.3)
    image = read_image(paths[0]).data

    def whole(path: Path) -> None:
        extractor.measure(read_image(path).data)

    _line("decompress with gzip", lambda path: gzip.decompress(path.read_bytes()), paths)
    _line("decompress with isal", lambda path: igzip.decompress(path.read_bytes()), paths)
    _line("read the image", read_image, paths)
    _line("measure all PSCs", lambda _: extractor.measure(image), paths)
    _line("read and measure", whole, paths)
    if with_nilearn:
        _line("nilearn's masker, all scales", _nilearn(atlas), paths[:2])
    largest = max(atlas.scales)
    labels = atlas.scales[largest].labels
    _line(f"surface of C{largest}", lambda _: build_label_surface(labels, atlas.grid), paths[:3])
    region = labels == labels.max()
    _line("surface of one PSC", lambda _: build_region_surface(region, atlas.grid), paths)


def _line(name: str, work: Callable[[Path], object], paths: list[Path]) -> None:
    times = []
    for path in paths:
        start = time.perf_counter()
        work(path)
        times.append((time.perf_counter() - start) * 1000)
    print(f"{name:32} median {statistics.median(times):9.2f} ms   best {min(times):9.2f} ms")


def _nilearn(atlas: Atlas) -> Callable[[Path], object]:
    import nibabel as nib
    from nilearn.maskers import NiftiLabelsMasker

    def extract(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = nib.load(path)
            for scale in atlas.scales.values():
                labels = nib.Nifti1Image(scale.labels, image.affine)
                NiftiLabelsMasker(labels, strategy="sum").fit_transform(image)

    return extract


def _made_atlas() -> Atlas:
    """Label each grey-matter voxel by the nearest of C random ones."""
    template = read_image(resource(TEMPLATE_GM))
    voxels = np.argwhere(template.data > 0.4)
    rng = np.random.default_rng(0)
    scales = {}
    for c in SCALES:
        centres = voxels[rng.choice(len(voxels), c, replace=False)]
        labels = np.zeros(template.grid.shape, dtype=np.int32)
        labels[tuple(voxels.T)] = cKDTree(centres).query(voxels)[1] + 1
        scales[c] = AtlasScale(c, labels)
    return Atlas("made", template.grid, scales)


def _made_maps(folder: Path, n: int) -> Path:
    template = read_image(resource(TEMPLATE_GM))
    rng = np.random.default_rng(1)
    for index in range(n):
        noise = rng.normal(1, 0.1, template.grid.shape).astype(np.float32)
        write_image(folder / f"{index:03d}.nii.gz", template.data * noise, template.grid)
    return folder


if __name__ == "__main__":
    main()
