"""Make ``resources/template`` from the MNI152 template that comes with nilearn.

Run it when nilearn or the recipe changes: ``python packaging/make_template.py``. The same nilearn
gives the same bytes. The images are stored as 8 bits with a slope of 1 / 255, which changes no
value by more than 0.002; nilearn's own source has 8 bits too.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import (
    load_mni152_brain_mask,
    load_mni152_gm_template,
    load_mni152_template,
)
from numpy.typing import NDArray
from scipy import ndimage

from music_gui.core.grid import Grid
from music_gui.core.surface import build_region_surface

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "template"


def main() -> None:
    """Write all files of the template."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    t1 = load_mni152_template(resolution=2)
    grey_matter = load_mni152_gm_template(resolution=2)
    grey_matter_3mm = load_mni152_gm_template(resolution=3)
    mask = load_mni152_brain_mask(resolution=2)
    _write("tpl-MNI152_res-2_T1w.nii.gz", t1.get_fdata(), t1.affine)
    for resolution, image in ((2, grey_matter), (3, grey_matter_3mm)):
        name = f"tpl-MNI152_res-{resolution}_label-GM_probseg.nii.gz"
        _write(name, image.get_fdata(), image.affine)
    _write("tpl-MNI152_res-2_desc-brain_mask.nii.gz", mask.get_fdata() > 0, mask.affine)
    _write_glass_brain()
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.stat().st_size:>9,} {path.name}")


def _write(name: str, data: NDArray[np.floating] | NDArray[np.bool_], affine: NDArray) -> None:
    if data.dtype == bool:
        stored, slope = data.astype(np.uint8), 1.0
    else:
        stored, slope = np.rint(np.clip(data, 0, 1) * 255).astype(np.uint8), 1 / 255
    image = nib.Nifti1Image(stored, affine)
    image.set_sform(affine, code="mni")
    image.set_qform(affine, code="mni")
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(slope, 0)
    (FOLDER / name).write_bytes(gzip.compress(image.to_bytes(), 9, mtime=0))


def _write_glass_brain() -> None:
    """Write the surface of the filled brain, at 3 mm since it is only a context to look through.

    The mask is filled and its sulci are closed, since folds seen through each other confuse.
    """
    image = load_mni152_brain_mask(resolution=3)
    mask = np.pad(image.get_fdata() > 0, 4)
    affine = image.affine.copy()
    affine[:3, 3] -= 4 * affine[:3, :3].sum(axis=1)
    closed = ndimage.binary_closing(mask, ndimage.generate_binary_structure(3, 1), iterations=2)
    filled = ndimage.binary_fill_holes(closed)
    smooth = ndimage.gaussian_filter(filled.astype(np.float32), 1.0) > 0.5
    surface = build_region_surface(smooth, Grid(smooth.shape, affine), rounds=40)
    with (FOLDER / "glass_brain.npz").open("wb") as file:
        np.savez_compressed(file, vertices=surface.vertices, triangles=surface.triangles)
    print(f"glass brain: {len(surface.vertices):,} vertices, {len(surface.triangles):,} triangles")


if __name__ == "__main__":
    main()
