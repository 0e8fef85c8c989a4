"""A study of the cohort on which the package ``sopnmf`` was run, and its files in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import reference_cohort as cohort
from psc_study import run

from music_gui.io.study import Study
from music_gui.steps.import_maps import STEP as IMPORT_MAPS

WRITTEN = Path(__file__).parents[1] / "io" / "sopnmf_0.0.4"


def write_maps(folder: Path, rows: slice, scale: float = 1.0) -> Path:
    """Write maps as files and a table that names them; return the table."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["participant_id\tsession_id\tpath"]
    for name, values in zip(cohort.ids()[rows], cohort.maps()[rows], strict=True):
        image = nib.Nifti1Image(values * np.float32(scale), cohort.AFFINE)
        nib.save(image, folder / f"{name}.nii.gz")
        lines.append(f"{name}\tses-01\t{name}.nii.gz")
    table = folder / "people.tsv"
    table.write_text("\n".join(lines) + "\n")
    return table


def write_mask(folder: Path) -> Path:
    """Write the mask of the cohort."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mask.nii.gz"
    nib.save(nib.Nifti1Image(cohort.mask().astype(np.uint8), cohort.AFFINE), path)
    return path


def make_study(root: Path) -> Study:
    """Import the sixteen maps that the package was trained on, in its mask."""
    study = Study.create(root / "study", simulated=True)
    table, mask = write_maps(root / "maps", slice(cohort.N_TRAINED)), str(write_mask(root))
    # Regions vary more than those of brains, so some maps resemble the mean of the others little.
    run(study, IMPORT_MAPS, root, participants=table, mask=mask, min_likeness=0)
    return study


def copy_reference(root: Path) -> Path:
    """Copy the package's output folder, so that a test may change it."""
    shutil.copytree(WRITTEN / "NMF", root / "out" / "NMF")
    return root / "out"
