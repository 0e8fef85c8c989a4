"""Anatomical atlases from elsewhere come into a study, and wrong ones are refused with help."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from psc_study import run

from music_gui.core.errors import InputError, ParameterError
from music_gui.io.anatomical_atlas import (
    BUILT_IN,
    anatomy_folders,
    built_in_folder,
    read_anatomical_atlas,
    write_anatomical_atlas,
)
from music_gui.io.region_names import read_region_names, read_synonyms, readable
from music_gui.io.study import Study
from music_gui.io.template_spaces import read_spaces
from music_gui.state.catalog import read_catalog
from music_gui.steps.import_anatomy import STEP

SHARED = Path(__file__).parents[2].parent / "shared"
AFFINE = np.array([[4.0, 0, 0, -38], [0, 4, 0, -60], [0, 0, 4, -20], [0, 0, 0, 1]])


@pytest.fixture
def study(tmp_path) -> Study:
    return Study.create(tmp_path / "study")


def save(path: Path, *, affine=AFFINE, left=1, right=2, dtype=np.float64) -> Path:
    """Save a block in the middle of the MNI brain: left of x = 0 one label, right another."""
    labels = np.zeros((20, 20, 12))
    labels[4:10, 4:16, 3:9] = left
    labels[10:16, 4:16, 3:9] = right
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels.astype(dtype), affine), path)
    return path


def table(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


FORMS = {
    "bids.tsv": "index\tname\themisphere\n1\tThalamus\tL\n2\tThalamus\tR\n",
    "muse.csv": "Index,Code,Name\n702,MUSE_702,ICV\n2,MUSE_2,Thalamus_R\n1,MUSE_1,Thalamus_L\n",
    "windows.csv": "\ufeffID;Label\r\n1;Left-Thalamus\r\n2;Right-Thalamus\r\n",
    "lut.txt": "#No. Label Name: R G B A\n0 Unknown 0 0 0 0\n1 Left-Thalamus 0 118 14 0\n"
    "2 Right-Thalamus 0 118 14 0\n",
    "aal.txt": "1 Thalamus_L 7101\n2 Thalamus_R 7102\n",
    "abagen.csv": "id,label,hemisphere,structure\n1,thalamus,L,subcortex\n2,thalamus,R,subcortex\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_names_are_read_in_every_usual_form(study, tmp_path, form):
    image, names = save(tmp_path / "toy.nii.gz"), table(tmp_path / form, FORMS[form])
    result, _ = run(study, STEP, tmp_path, image=image, names=names)
    assert result.outputs == ["anatomy/toy"]
    atlas = read_anatomical_atlas(study.anatomy("toy"))
    assert [(r.index, r.name.lower(), r.side) for r in atlas.regions] == [
        (1, "thalamus", "L"),
        (2, "thalamus", "R"),
    ]
    assert atlas.region_at(np.array([-10.0, -20, 2])).side == "L"
    assert read_catalog(study).anatomies == ("toy",)


def test_a_table_beside_the_image_is_found_and_the_same_input_gives_the_same_bytes(study, tmp_path):
    image = save(tmp_path / "atlas-Toy_dseg.nii.gz")
    table(tmp_path / "atlas-Toy_dseg.tsv", FORMS["bids.tsv"])
    contents = []
    for _ in range(2):
        result, _ = run(study, STEP, tmp_path, image=image, reach=2.5)
        assert result.summary == "Imported the anatomical atlas Toy: 2 regions"
        folder = study.anatomy("Toy")
        contents.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert contents[0] == contents[1]
    assert read_anatomical_atlas(folder).reach == 2.5


def test_labels_without_a_name_and_names_without_a_label_are_told(study, tmp_path):
    image = save(tmp_path / "toy.nii.gz", right=7)
    names = table(tmp_path / "n.tsv", "index\tname\n1\tThalamus\n5\tCaudate\n6\tPutamen\n")
    result, _ = run(study, STEP, tmp_path, image=image, names=names)
    assert (
        "1 labels (50% of the labelled voxels) have no name and are left out: 7" in result.summary
    )
    assert "2 names have no voxel" in result.summary
    assert len(read_anatomical_atlas(study.anatomy("toy")).regions) == 1


def test_an_image_on_the_grid_of_the_published_atlas_is_brought_to_mni(study, tmp_path):
    (music,) = read_spaces()
    grid = music.grids[0]
    labels = np.zeros(grid.shape, dtype=np.int16)
    labels[48:52, 56:60, 38:42] = 1
    nib.save(nib.Nifti1Image(labels, grid.affine), tmp_path / "muse.nii.gz")
    table(tmp_path / "muse.csv", "Index,Name\n1,Thalamus_L\n")
    result, _ = run(study, STEP, tmp_path, image=tmp_path / "muse.nii.gz")
    assert "MuSIC space" in result.summary
    atlas = read_anatomical_atlas(study.anatomy("muse"))
    middle = grid.to_world(np.array([49.5, 57.5, 39.5]))
    assert np.allclose(atlas.centres[0], music.mni(middle), atol=2.0)


def refused(study, tmp_path, match, **parameters):
    with pytest.raises((InputError, ParameterError), match=match) as error:
        run(study, STEP, tmp_path, **parameters)
    assert error.value.remedy
    assert not (study.root / "anatomy").exists()


def test_wrong_files_are_refused_with_help(study, tmp_path):
    image = save(tmp_path / "toy.nii.gz")
    good = table(tmp_path / "good.tsv", FORMS["bids.tsv"])
    refused(study, tmp_path, "have no names", image=image)
    other = table(tmp_path / "other.tsv", "index\tname\n101\tCuneus\n")
    refused(study, tmp_path, "none of the labels has a name", image=image, names=other)
    poem = table(tmp_path / "poem.txt", "Tyger Tyger, burning bright\nIn the forests\n")
    refused(study, tmp_path, "no names of regions were found", image=image, names=poem)
    empty = table(tmp_path / "empty.tsv", "")
    refused(study, tmp_path, "it is empty", image=image, names=empty)
    twice = table(tmp_path / "twice.tsv", "index\tname\n1\tCuneus\n1\tInsula\n")
    refused(study, tmp_path, "has two names", image=image, names=twice)
    refused(study, tmp_path, "holds no label", image=save(tmp_path / "0.nii", left=0, right=0),
            names=good)  # fmt: skip
    halves = save(tmp_path / "halves.nii", right=2.5)
    refused(study, tmp_path, "not a whole number", image=halves, names=good)
    refused(study, tmp_path, BUILT_IN, image=image, names=good, name=BUILT_IN)
    refused(study, tmp_path, "no anatomical atlas was chosen")
    rng = np.random.default_rng(0)
    many = nib.Nifti1Image(rng.integers(0, 30_000, (40, 40, 40)).astype(np.int32), AFFINE)
    nib.save(many, tmp_path / "t1.nii.gz")
    refused(study, tmp_path, "different values", image=tmp_path / "t1.nii.gz", names=good)


def test_a_mirrored_image_is_refused(study, tmp_path):
    mirrored = AFFINE.copy()
    mirrored[0] *= -1
    image = save(tmp_path / "toy.nii.gz", affine=mirrored)
    names = table(tmp_path / "n.tsv", FORMS["bids.tsv"])
    refused(study, tmp_path, "left and right are exchanged", image=image, names=names)


def test_an_image_of_another_space_is_refused(study, tmp_path):
    shifted = AFFINE.copy()
    shifted[1, 3] += 110
    image = save(tmp_path / "toy.nii.gz", affine=shifted)
    names = table(tmp_path / "n.tsv", FORMS["bids.tsv"])
    refused(study, tmp_path, "lie in the brain of MNI152", image=image, names=names)


def test_damaged_folders_are_told(tmp_path):
    atlas = read_anatomical_atlas(built_in_folder())
    folder = tmp_path / "copy"
    write_anatomical_atlas(folder, atlas)
    (folder / "atlas-copy_dseg.json").write_text("{")
    with pytest.raises(InputError, match="sidecar"):
        read_anatomical_atlas(folder)
    (folder / "atlas-copy_dseg.nii.gz").unlink()
    with pytest.raises(InputError, match="0 label images"):
        read_anatomical_atlas(folder)


def test_the_built_in_atlas_lies_in_the_mni_brain_with_left_on_the_left():
    atlas = read_anatomical_atlas(built_in_folder())
    assert len(atlas.regions) == 87
    assert {region.index for region in atlas.regions} == set(np.unique(atlas.labels)) - {0}
    for region, centre in zip(atlas.regions, atlas.centres, strict=True):
        assert np.sign(centre[0]) == {"L": -1, "R": 1}.get(region.side, np.sign(centre[0]))
    # Textbook places, MNI mm: of the thalamus, the amygdala, and Heschl's gyrus.
    for point, name in (
        ((-11, -18, 8), "left thalamus"),
        ((23, -4, -19), "right amygdala"),
        ((-44, -22, 9), "left transverse temporal gyrus"),
        ((0, -28, -30), "brainstem"),
        ((30, -60, -40), "right cerebellum"),
        ((-8, -76, 8), "left pericalcarine cortex"),
    ):
        found = atlas.region_at(np.array(point, dtype=float))
        assert found is not None
        assert found.full_name == name
    licence = (built_in_folder() / "LICENSE").read_text(encoding="utf-8")
    assert "royalty-free, non-exclusive license" in licence
    assert sum(path.stat().st_size for path in built_in_folder().iterdir()) < 1_000_000


def test_every_synonym_means_regions_that_the_built_in_atlas_has():
    atlas = read_anatomical_atlas(built_in_folder())
    known = {region.name for region in atlas.regions} | {region.group for region in atlas.regions}
    synonyms = read_synonyms()
    assert len(synonyms) > 100
    assert not [(term, name) for term, names in synonyms for name in names if name not in known]
    terms = [term.casefold() for term, _ in synonyms]
    assert len(set(terms)) == len(terms)


def test_the_users_own_folder_is_looked_into_and_the_built_in_one_comes_first(tmp_path):
    atlas = read_anatomical_atlas(built_in_folder())
    write_anatomical_atlas(tmp_path / "config" / "mine", atlas)
    (tmp_path / "config" / "empty").mkdir()
    folders = anatomy_folders([tmp_path / "none", tmp_path / "config"])
    assert list(folders) == [BUILT_IN, "mine"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("AnteriorCingulateGyrus", "anterior cingulate gyrus"),
        ("Thalamus-Proper", "thalamus proper"),
        ("CerebellarVermalLobules_1to5", "cerebellar vermal lobules 1 to 5"),
        ("VentralDC", "ventral DC"),
        ("Superior frontal gyrus", "Superior frontal gyrus"),
        ("bankssts", "bankssts"),
    ],
)
def test_names_are_written_in_words(written, read):
    assert readable(written) == read


@pytest.mark.shared_data
def test_the_muse_names_are_read():
    regions = read_region_names(SHARED / "data" / "music_atlas" / "muse_names.csv")
    by_index = {region.index: region for region in regions}
    assert by_index[59].full_name == "right thalamus proper"
    assert by_index[101].full_name == "left anterior cingulate gyrus"
    assert by_index[35].full_name == "brain stem"
