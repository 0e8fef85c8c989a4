"""Atlases from elsewhere come into a study."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from psc_study import run

from music_gui.core.errors import GridMismatchError, InputError, ParameterError
from music_gui.io.atlas_dseg import read_atlas, read_sidecars, read_surface
from music_gui.io.study import Study
from music_gui.steps.import_atlas import STEP

SHARED = Path(__file__).parents[2].parent / "shared"
AFFINE = np.array([[-2.0, 0, 0, 10], [0, -2, 0, 10], [0, 0, 2, -10], [0, 0, 0, 1]])


@pytest.fixture
def study(tmp_path) -> Study:
    return Study.create(tmp_path / "study", simulated=True)


def save(path: Path, c: int, *, present: int | None = None, affine=AFFINE) -> Path:
    """Save a ball cut into slabs, labels as float64 as the published atlas has them."""
    x = np.indices((12, 12, 12)) - 5.5
    slab = np.clip(np.floor((x[0] + 5) / 10 * (present or c)), 0, (present or c) - 1) + 1
    labels = np.where((x**2).sum(axis=0) < 25, slab, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels.astype(np.float64), affine), path)
    return path


def test_a_folder_becomes_an_atlas_with_surfaces_and_vanished_pscs_are_named(study, tmp_path):
    folder = tmp_path / "given"
    save(folder / "Toy_C2.nii.gz", 2)
    save(folder / "Toy_C6.nii.gz", 6, present=4)
    (folder / "names.csv").write_text("x")
    result, _ = run(study, STEP, tmp_path, source=(folder,))
    assert result.outputs == ["atlases/Toy"]
    assert result.summary == (
        "Imported atlas Toy: 6 PSCs in 2 scales (C2, C6); 2 have vanished: C6_5, C6_6"
    )
    assert result.details["passed_over"] == ["names.csv"]
    atlas = read_atlas(study.atlas("Toy"))
    assert list(atlas.scales) == [2, 6]
    assert atlas.vanished == ("C6_5", "C6_6")
    surface = read_surface(study.atlas("Toy"), 6)
    assert set(surface.labels) == {1, 2, 3, 4}
    assert surface.volume > 0
    sidecar = read_sidecars(study.atlas("Toy"))[2]
    assert sidecar.source == "imported from Toy_C2.nii.gz"
    assert not sidecar.simulated


def test_importing_twice_gives_the_same_bytes(study, tmp_path):
    path = save(tmp_path / "Toy_C2.nii.gz", 2)
    contents = []
    for _ in range(2):
        run(study, STEP, tmp_path, source=(path,))
        files = sorted(study.atlas("Toy").iterdir())
        contents.append({file.name: file.read_bytes() for file in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 4


def test_without_a_source_the_atlas_that_came_with_the_study_is_taken(study, tmp_path):
    save(study.source_data / "atlas-truth_scale-C3_dseg.nii.gz", 3)
    run(study, STEP, tmp_path)
    assert read_sidecars(study.atlas("truth"))[3].simulated


def test_without_any_atlas_it_says_how_to_give_one(study, tmp_path):
    with pytest.raises(ParameterError, match="--source"):
        run(study, STEP, tmp_path)


def test_anatomical_labels_keep_their_names(study, tmp_path):
    path = save(tmp_path / "atlas-AAL_dseg.nii.gz", 2)
    (tmp_path / "atlas-AAL_dseg.tsv").write_text("index\tname\n1\tPutamen_L\n2\tPutamen_R\n")
    run(study, STEP, tmp_path, source=(path,))
    assert read_atlas(study.atlas("AAL")).scales[2].regions == ("Putamen_L", "Putamen_R")


def test_scales_and_name_can_be_stated(study, tmp_path):
    paths = (save(tmp_path / "b.nii.gz", 4), save(tmp_path / "a.nii.gz", 2))
    run(study, STEP, tmp_path, source=paths, scales=(8, 2), name="mine")
    atlas = read_atlas(study.atlas("mine"))
    assert list(atlas.scales) == [2, 8]
    assert len(atlas.scales[8].vanished) == 4


def test_a_wrong_number_of_scales_is_refused(study, tmp_path):
    with pytest.raises(ParameterError, match="2 scales were given for 1 images"):
        run(study, STEP, tmp_path, source=(save(tmp_path / "a_C2.nii.gz", 2),), scales=(2, 3))


def test_two_images_of_one_scale_are_refused_by_name(study, tmp_path):
    paths = (save(tmp_path / "a_C2.nii.gz", 2), save(tmp_path / "b_C2.nii.gz", 2))
    with pytest.raises(InputError, match=r"a_C2.nii.gz and b_C2.nii.gz both have scale 2"):
        run(study, STEP, tmp_path, source=paths, name="x")


def test_scales_on_different_grids_are_refused(study, tmp_path):
    moved = AFFINE.copy()
    moved[0, 3] += 10
    paths = (
        save(tmp_path / "a_C2.nii.gz", 2),
        save(tmp_path / "a_C4.nii.gz", 4, affine=moved),
    )
    with pytest.raises(GridMismatchError, match=r"10\.00 mm apart"):
        run(study, STEP, tmp_path, source=paths)


def test_files_that_suggest_no_name_need_one(study, tmp_path):
    paths = (save(tmp_path / "a_C2.nii.gz", 2), save(tmp_path / "b_C4.nii.gz", 4))
    with pytest.raises(ParameterError, match="--name"):
        run(study, STEP, tmp_path, source=paths)


def test_the_name_of_the_studys_own_atlas_is_kept_free(study, tmp_path):
    path = save(tmp_path / "study_C2.nii.gz", 2)
    with pytest.raises(ParameterError, match="`fit`"):
        run(study, STEP, tmp_path, source=(path,))


def test_the_inputs_are_the_images_and_their_tables(study, tmp_path):
    folder = tmp_path / "given"
    path = save(folder / "Toy_C2.nii.gz", 2)
    (folder / "T1.nii.gz").write_bytes(b"")
    named = STEP.inputs(study, STEP.parameters(source=(folder,)))
    assert named == [path, folder / "Toy_C2.tsv"]
    assert STEP.inputs(study, STEP.parameters()) == []


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the published atlas in {SHARED}")
def test_the_published_atlas_has_six_scales_2003_pscs_and_13_vanished(study, tmp_path):
    result, _ = run(study, STEP, tmp_path, source=(SHARED / "data" / "music_atlas",))
    assert result.details["scales"] == [32, 64, 128, 256, 512, 1024]
    assert result.details["n_pscs"] == 2003
    assert len(result.details["vanished"]) == 13
    assert all(name in result.summary for name in result.details["vanished"])
    assert "T1_template_LPS.nii.gz" in result.details["passed_over"]
    atlas = read_atlas(study.atlas("MuSIC"))
    assert {scale: int((s.labels > 0).sum()) for scale, s in atlas.scales.items()} == dict.fromkeys(
        (32, 64, 128, 256, 512, 1024), 84_090
    )
    surface = read_surface(study.atlas("MuSIC"), 1024)
    assert 100_000 < len(surface.triangles) < 250_000
