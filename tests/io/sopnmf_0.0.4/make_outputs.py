"""Make the files of this folder: what the public package ``sopnmf`` 0.0.4 writes.

Run by a Python 3.9 that holds the package (with numpy 1.23.5, pandas 1.5.3, nibabel 4.0.2), with
the folder ``tests/fakes`` on its path:

    cd tests/io/sopnmf_0.0.4
    PYTHONPATH=../../fakes REFERENCE_PYTHON make_outputs.py .

The program trains on `reference_cohort`, is applied to its training maps and to new ones. What it
wrote is kept as it is, but for its checkpoints: they are pickles, of which W is saved as
``W.npy``, as our error message tells users to do.
"""

import os
import pickle
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import reference_cohort as cohort
from sopnmf.opnmf_core import sopnmf
from sopnmf.opnmf_post import apply_to_test, apply_to_training

KEPT = (
    "components_atlas.nii.gz",
    "component_1.nii.gz",
    "loading_coefficient.tsv",
    "loading_coefficient_new.tsv",
    "atlas_components_signal.tsv",
    "reconstruction_error.tsv",
    "W.npy",
)


def write_inputs() -> None:
    Path("maps").mkdir()
    affine = cohort.AFFINE
    nib.save(nib.Nifti1Image(cohort.mask().astype(np.uint8), affine), "mask.nii.gz")
    lines = []
    for name, values in zip(cohort.ids(), cohort.maps()):  # noqa: B905 - not in Python 3.9
        path = f"maps/{name}.nii.gz"
        nib.save(nib.Nifti1Image(values, affine), path)
        lines.append(f"{name}\tses-01\t{path}\n")
    head = "participant_id\tsession_id\tpath\n"
    Path("trained.tsv").write_text(head + "".join(lines[: cohort.N_TRAINED]))
    Path("new.tsv").write_text(head + "".join(lines[cohort.N_TRAINED :]))


def main() -> None:
    target = Path(sys.argv[1]).absolute()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_inputs()
        np.random.seed(0)  # noqa: NPY002 - what the package draws from
        sopnmf("trained.tsv", "trained.tsv", "out", "mask.nii.gz", cohort.C, cohort.C,
               batch_size=8, max_epoch=30)  # fmt: skip
        apply_to_training("out", cohort.C, "mask.nii.gz")
        apply_to_test("out", cohort.C, "mask.nii.gz", "new.tsv", output_suffix="new")
        made = Path("out/NMF") / f"component_{cohort.C}"
        with (made / "nmf_model.pickle").open("rb") as file:
            np.save(made / "W.npy", pickle.load(file)["W"])
        kept = target / "NMF" / made.name
        shutil.rmtree(target / "NMF", ignore_errors=True)
        kept.mkdir(parents=True)
        for name in KEPT:
            shutil.copy(made / name, kept / name)
        shutil.copy("out/NMF/participant.tsv", target / "NMF" / "participant.tsv")
        shutil.copy("mask.nii.gz", target / "mask.nii.gz")


main()
