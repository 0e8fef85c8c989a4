"""Anatomy and search on the published atlas: ``python tests/benchmarks/bench_anatomy.py``."""

from __future__ import annotations

import csv
import statistics
import time
from pathlib import Path

from music_gui.core.anatomy import anatomy_overlap, space_of
from music_gui.core.atlas import Atlas
from music_gui.io.anatomical_atlas import built_in_folder, read_anatomical_atlas
from music_gui.io.label_images import read_label_image
from music_gui.io.template_spaces import read_spaces
from music_gui.state.anatomy import make_anatomy
from music_gui.state.brain_scene import BrainScene
from music_gui.state.search import make_search
from music_gui.state.settings import Settings

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

#: MUSE's regions as the published table names them -> regions of the built-in atlas.
SAME = {
    "Right Amygdala": ("right amygdala",),
    "Right Hippocampus": ("right hippocampus",),
    "Left Hippocampus": ("left hippocampus",),
    "Right Pallidum": ("right pallidum",),
    "Right Putamen": ("right putamen",),
    "Right Thalamus Proper": ("right thalamus",),
    "Left Thalamus Proper": ("left thalamus",),
    "Right ACgG  anterior cingulate gyrus": (
        "right caudal anterior cingulate cortex",
        "right rostral anterior cingulate cortex",
    ),
    "Right Ent   entorhinal area": ("right entorhinal cortex",),
    "Right MOG   middle occipital gyrus": ("right lateral occipital cortex",),
    "Right OpIFG opercular part of the inferior frontal gyrus": ("right pars opercularis",),
}

TYPED = "right thalamus, thalmus, M1, inferior frontal gyrus, C128_3, c32, -12 8 30, voxel 30 40 50"


def main() -> None:
    """Print times, agreement with the published overlaps, and a few descriptions."""
    folder = SHARED / "music_atlas"
    images = [
        read_label_image(folder / f"MuSIC_C{c}.nii.gz") for c in (32, 64, 128, 256, 512, 1024)
    ]
    atlas = Atlas("MuSIC", images[0].grid, {each.scale.scale: each.scale for each in images})
    start = time.perf_counter()
    regions = read_anatomical_atlas(built_in_folder())
    read = time.perf_counter()
    space = space_of(atlas, read_spaces())
    overlaps = anatomy_overlap(atlas, regions, space)
    counted = time.perf_counter()
    anatomy = make_anatomy(atlas, regions, space)
    done = time.perf_counter()
    print(
        f"read {read - start:.2f} s, overlaps of {len(anatomy.texts)} PSCs {counted - read:.2f} s,"
    )
    print(f"overlaps, texts, names and centres {done - counted:.2f} s; space {space.name}")
    for name in ("C32_1", "C64_42", "C128_114", "C256_118", "C1024_500"):
        print(f"{name}: {anatomy.describe(name)}")
    _compare("with the affine", overlaps)
    _compare("mm for mm", anatomy_overlap(atlas, regions))
    scene = BrainScene()
    scene.show_atlas(atlas, 128)
    scene.anatomy = anatomy
    search = make_search(scene, Settings())
    times = []
    for text in TYPED.split(", "):
        for end in range(1, len(text) + 1):
            start = time.perf_counter()
            search.find(text[:end])
            times.append(1e3 * (time.perf_counter() - start))
    times.sort()
    print(
        f"search: {len(times)} keys, median {statistics.median(times):.1f} ms, "
        f"95th percentile {times[int(0.95 * len(times))]:.1f} ms, slowest {times[-1]:.1f} ms"
    )


def _compare(how: str, overlaps: dict) -> None:
    """Hold shares of regions in PSCs against the published excerpt."""
    path = SHARED / "bridgeport" / "muse_overlap_excerpt.tsv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    same, differences = 0, []
    for row in rows:
        for c in (32, 64, 128, 256) if row["ROI_NAME"] in SAME else ():
            overlap = overlaps[c]
            names = SAME[row["ROI_NAME"]]
            columns = [each.full_name in names for each in overlap.regions]
            inside = overlap.inside[:, columns].sum(axis=1)
            shares = inside / inside.sum()
            psc = int(row[f"C{c}"][1:])
            same += int(shares.argmax()) + 1 == psc
            differences.append(abs(shares[psc - 1] - float(row[f"C{c}_overlap"])))
    print(
        f"{how}: the PSC that holds most of a region is the published one in {same} of "
        f"{len(differences)}; its share differs by {statistics.median(differences):.3f} (median)"
    )


if __name__ == "__main__":
    main()
