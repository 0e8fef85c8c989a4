"""The inputs of the example study: complete, called simulated, and the same for one seed."""

import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from music_gui.core.errors import Cancelled, StudyError
from music_gui.core.progress import Silent
from music_gui.io.genotypes import Genotypes
from music_gui.io.study import Study
from music_gui.steps.example_study import SEED, write_inputs
from music_gui.steps.main_job import create_example, run_steps


@pytest.fixture(scope="module")
def inputs(small_example):
    return small_example.source_data


@pytest.fixture(scope="module")
def participants(inputs):
    return pd.read_csv(inputs / "participants.tsv", sep="\t", dtype={"participant_id": str})


def test_every_participant_has_a_map_on_one_grid(inputs, participants):
    assert len(participants) == 40
    columns = ["participant_id", "session_id", "path", "age", "sex", "site", "diagnosis", "icv"]
    assert list(participants) == columns
    assert len(list((inputs / "maps").iterdir())) == 40
    for path in participants["path"]:
        image = nibabel.load(inputs / path)
        assert image.shape == (67, 79, 64)
        np.testing.assert_allclose(image.header.get_zooms(), 3)
        total = np.asarray(image.dataobj).sum(dtype=np.float64) * 27 / 1000
        assert 430 < total < 820
        assert image.header["descrip"].item() == b"simulated"


def test_everyone_is_in_the_genotypes_under_the_same_id(inputs, participants):
    genotypes = Genotypes.open(inputs / "genotypes" / "example.bed")
    assert list(genotypes.samples["iid"]) == list(participants["participant_id"])
    assert list(genotypes.samples["sex"]) == list(participants["sex"])
    assert (genotypes.n_samples, genotypes.n_variants) == (40, 200)
    assert set(genotypes.variants["chromosome"]) == {str(number) for number in range(1, 23)}


def test_a_patient_and_a_control_are_held_out(inputs, participants):
    held_out = pd.read_csv(inputs / "held_out" / "participants.tsv", sep="\t")
    assert list(held_out["diagnosis"]) == ["PT", "CN"]
    assert not set(held_out["participant_id"]) & set(participants["participant_id"])
    assert all((inputs / "held_out" / path).is_file() for path in held_out["path"])


def test_everything_is_called_simulated(small_example, inputs):
    assert small_example.manifest.simulated
    assert (inputs / "README.txt").read_text().startswith("SIMULATED DATA. No person stands")
    assert json.loads((inputs / "truth.json").read_text())["simulated"] is True


def test_the_truth_names_what_was_put_in(inputs):
    truth = json.loads((inputs / "truth.json").read_text())
    genotypes = Genotypes.open(inputs / "genotypes" / "example.bed")
    variants = genotypes.variants.set_index("rsid")
    assert len(truth["causal_variants"]) == 6
    for causal in truth["causal_variants"]:
        row = variants.loc[causal["rsid"]]
        for column in ("chromosome", "base_pair_location", "effect_allele", "other_allele"):
            assert row[column] == causal[column]
        assert truth["regions"][causal["region"] - 1]["near"]
    labels = np.asarray(nibabel.load(inputs / "truth_dseg.nii.gz").dataobj)
    sizes = np.bincount(labels.ravel())[1:]
    assert list(sizes) == [region["n_voxels"] for region in truth["regions"]]
    assert sum(region["disease_effect"] < 0 for region in truth["regions"]) == 5


def test_one_seed_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        write_inputs(tmp_path / name, Silent(), 6, 44, SEED)
    first, second = (_digests(tmp_path / name) for name in ("first", "second"))
    assert first == second
    assert len(first) == 6 + 2 + 8


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class _CancelAt(Silent):
    def __init__(self, fraction):
        self._fraction = fraction

    def update(self, fraction, message=""):
        if fraction >= self._fraction:
            raise Cancelled

    def part(self, start, stop):
        return _CancelAt((self._fraction - start) / (stop - start))


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_it_can_be_cancelled(tmp_path, fraction):
    with pytest.raises(Cancelled):
        write_inputs(tmp_path / "new", _CancelAt(fraction), 6, 44, SEED)


def test_the_example_goes_into_a_new_folder_or_where_it_already_is(tmp_path):
    study = create_example(tmp_path / "new")
    assert study.manifest.simulated
    assert create_example(tmp_path / "new") == study
    Study.create(tmp_path / "real")
    with pytest.raises(StudyError, match="the folder holds a study of real data"):
        create_example(tmp_path / "real")
    (failed,) = run_steps(Study.open(tmp_path / "real"), ["make-example", "import-maps"])
    assert failed.state == "failed"
    assert "simulated data can't be put into a study of real data" in failed.error["what"]
