"""Label images from elsewhere."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.io.label_images import find_label_images, read_label_image, suggest_atlas_name

SHAPE = (6, 7, 5)


def save(path: Path, values, dtype=np.float64) -> Path:
    nib.save(nib.Nifti1Image(np.asarray(values, dtype=dtype), np.diag([2.0, 2, 2, 1])), path)
    return path


def labels(highest: int) -> np.ndarray:
    values = np.zeros(SHAPE)
    values.ravel()[:highest] = np.arange(1, highest + 1)
    return values


def test_labels_stored_as_floats_are_whole_numbers(tmp_path):
    image = read_label_image(save(tmp_path / "X_C8.nii.gz", labels(8)))
    assert image.scale.scale == 8
    assert image.scale.labels.dtype == np.int32
    assert image.scale.vanished == ()


def test_a_scale_in_the_name_counts_more_than_the_largest_label(tmp_path):
    image = read_label_image(save(tmp_path / "X_C10.nii.gz", labels(8)))
    assert image.scale.vanished == ("C10_9", "C10_10")


def test_without_a_scale_in_the_name_the_largest_label_counts(tmp_path):
    assert read_label_image(save(tmp_path / "atlas.nii.gz", labels(8))).scale.scale == 8


def test_a_stated_scale_counts_most(tmp_path):
    assert read_label_image(save(tmp_path / "X_C10.nii.gz", labels(8)), 12).scale.scale == 12


def test_more_labels_than_the_scale_are_refused(tmp_path):
    with pytest.raises(InputError, match="labels up to 8 in an image of scale 4"):
        read_label_image(save(tmp_path / "X_C4.nii.gz", labels(8)))


def test_labels_that_were_interpolated_are_refused(tmp_path):
    values = labels(8)
    values[3, 3, 3] = 2.5
    with pytest.raises(InputError, match="nearest neighbour"):
        read_label_image(save(tmp_path / "X_C8.nii.gz", values))


@pytest.mark.parametrize("fill", [-1, 0])
def test_an_image_without_labels_is_refused(tmp_path, fill):
    with pytest.raises(InputError, match="values run from"):
        read_label_image(save(tmp_path / "X_C8.nii.gz", np.full(SHAPE, fill)))


def test_an_image_of_intensities_is_refused(tmp_path):
    with pytest.raises(InputError, match="intensities"):
        read_label_image(save(tmp_path / "t1.nii.gz", labels(8) * 9000))


def test_names_come_from_the_bids_table_beside_the_image(tmp_path):
    path = save(tmp_path / "atlas-AAL_dseg.nii.gz", labels(2))
    (tmp_path / "atlas-AAL_dseg.tsv").write_text(
        "index\tname\n0\tBackground\n1\tHippocampus_L\n3\tNA\n", encoding="utf-8"
    )
    scale = read_label_image(path).scale
    assert scale.scale == 3
    assert scale.regions == ("Hippocampus_L", "", "NA")
    assert scale.vanished == ("C3_3",)


def test_names_that_only_repeat_the_number_are_no_names(tmp_path):
    path = save(tmp_path / "atlas-x_scale-C2_dseg.nii.gz", labels(2))
    table = tmp_path / "atlas-x_scale-C2_dseg.tsv"
    table.write_text("index\tname\n1\tC2_1\n2\tC2_2\n", encoding="utf-8")
    assert read_label_image(path).scale.regions == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("index\tregion_id\n1\tx\n", "lacks a column"), ("index\tname\none\tx\n", "line 2")],
)
def test_a_table_that_is_not_bids_is_named(tmp_path, text, complaint):
    path = save(tmp_path / "a_dseg.nii.gz", labels(2))
    (tmp_path / "a_dseg.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_label_image(path)


def test_a_folder_gives_its_label_images_by_scale_and_names_the_rest(tmp_path):
    for name in ("A_C128.nii.gz", "A_C32.nii.gz", "A_dseg.nii", "T1_template.nii.gz"):
        save(tmp_path / name, labels(4))
    for name in ("names.csv", "A_dseg.tsv", "A_dseg.json"):
        (tmp_path / name).write_text("")
    found, passed_over = find_label_images([tmp_path])
    assert [path.name for path in found] == ["A_dseg.nii", "A_C32.nii.gz", "A_C128.nii.gz"]
    assert passed_over == ["T1_template.nii.gz", "names.csv"]


def test_files_that_are_named_keep_their_order_and_count_once(tmp_path):
    paths = [save(tmp_path / name, labels(4)) for name in ("b.nii.gz", "a.nii.gz")]
    assert find_label_images([*paths, paths[0]])[0] == paths


def test_a_folder_without_label_images_says_what_it_saw(tmp_path):
    save(tmp_path / "T1_template.nii.gz", labels(4))
    with pytest.raises(InputError, match=r"passed over: T1_template\.nii\.gz"):
        find_label_images([tmp_path])


def test_what_is_not_there_or_no_image_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        find_label_images([tmp_path / "nothing.nii.gz"])
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match=r"a\.txt"):
        find_label_images([tmp_path / "a.txt"])


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["MuSIC_C32.nii.gz", "MuSIC_C1024.nii.gz"], "MuSIC"),
        (["atlas-AAL_scale-C8_dseg.nii.gz"], "AAL"),
        (["tpl-MNI_atlas-DK_res-2_dseg.nii"], "DK"),
        (["my atlas_C4.nii.gz"], "myatlas"),
        (["a_C4.nii.gz", "b_C8.nii.gz"], ""),
        (["C4.nii.gz"], ""),
    ],
)
def test_a_name_is_suggested_by_the_files(names, suggested):
    assert suggest_atlas_name([Path(name) for name in names]) == suggested
