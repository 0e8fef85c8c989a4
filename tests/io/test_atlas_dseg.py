"""Atlases on disk: what is written comes back, what does not fit is named."""

from __future__ import annotations

import json
import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from music_gui.core.atlas import AtlasScale, label_hash
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.core.surface import build_label_surface
from music_gui.io.atlas_dseg import (
    ScaleSource,
    generation_of,
    read_atlas,
    read_sidecars,
    read_surface,
    scale_hashes,
    sniff_scale,
    stale_scales,
    write_scale,
    write_surface,
)

GRID = Grid((8, 9, 7), np.array([[-2.0, 0, 0, 9], [0, -2, 0, 8], [0, 0, 2, -7], [0, 0, 0, 1]]))


def labels_of(c: int, seed: int = 0, shape=GRID.shape) -> np.ndarray:
    labels = np.random.default_rng(seed).integers(0, c + 1, shape).astype(np.int32)
    labels[labels == 3] = 0
    return labels


def write(folder, c=5, *, seed=0, grid=GRID, name="study", when=None, **source):
    scale = AtlasScale(c, labels_of(c, seed, grid.shape))
    names = write_scale(folder, name, scale, grid, sidecar=ScaleSource(source="a test", **source))
    if when is not None:
        for file in names:
            os.utime(folder / file, (when, when))
    return scale, names


def test_an_atlas_comes_back_as_it_was_written(tmp_path):
    folder = tmp_path / "study"
    five, _ = write(folder, 5)
    twelve, _ = write(folder, 12)
    atlas = read_atlas(folder)
    assert atlas.name == "study"
    assert list(atlas.scales) == [5, 12]
    np.testing.assert_array_equal(atlas.scales[5].labels, five.labels)
    np.testing.assert_array_equal(atlas.scales[12].labels, twelve.labels)
    assert atlas.grid.is_same_as(GRID)
    assert atlas.vanished == ("C5_3", "C12_3")
    assert scale_hashes(folder) == {5: label_hash(five, GRID), 12: label_hash(twelve, GRID)}
    assert stale_scales(folder) == {}


def test_the_files_have_bids_names_and_other_tools_read_them(tmp_path):
    scale, names = write(tmp_path, 5)
    assert names == [f"atlas-study_scale-C5_dseg{end}" for end in (".nii.gz", ".tsv", ".json")]
    image = nib.load(tmp_path / names[0])
    np.testing.assert_array_equal(np.asarray(image.dataobj), scale.labels)
    np.testing.assert_allclose(image.affine, GRID.affine)
    table = pd.read_csv(tmp_path / names[1], sep="\t")
    assert list(table.columns) == ["index", "name", "n_voxels", "volume_mm3", "x", "y", "z"]
    assert table["n_voxels"].tolist() == scale.voxel_counts.tolist()
    assert table["volume_mm3"].tolist() == (scale.voxel_counts * 8.0).tolist()
    assert np.isnan(table.loc[2, "x"])
    i, j, k = np.rint(GRID.to_voxel(table.loc[0, ["x", "y", "z"]].to_numpy(float))).astype(int)
    assert scale.labels[i, j, k] == 1
    sidecar = json.loads((tmp_path / names[2]).read_text())
    assert sidecar["scale"] == 5
    assert sidecar["vanished"] == ["C5_3"]
    assert sidecar["source"] == "a test"


def test_the_same_labels_give_the_same_bytes(tmp_path):
    surface = build_label_surface(labels_of(5), GRID)
    for folder in (tmp_path / "a", tmp_path / "b"):
        write(folder)
        write_surface(folder, "study", 5, surface)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 4
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("c", [255, 256, 1024])
def test_large_scales_keep_every_label(tmp_path, c):
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels.ravel()[: min(c, labels.size)] = np.arange(c - min(c, labels.size) + 1, c + 1)
    write_scale(tmp_path, "x", AtlasScale(c, labels), GRID, sidecar=ScaleSource(source="a test"))
    np.testing.assert_array_equal(read_atlas(tmp_path).scales[c].labels, labels)


def test_names_in_words_are_kept(tmp_path):
    labels = np.zeros(GRID.shape, dtype=np.int32)
    labels[2, 2, 2], labels[4, 4, 4] = 1, 3
    scale = AtlasScale(3, labels, ("Left hippocampus", "", "NA"))
    write_scale(tmp_path, "x", scale, GRID, sidecar=ScaleSource(source="a test"))
    assert read_atlas(tmp_path).scales[3].regions == ("Left hippocampus", "", "NA")


def test_a_surface_comes_back(tmp_path):
    surface = build_label_surface(labels_of(5), GRID)
    write_surface(tmp_path, "study", 5, surface)
    again = read_surface(tmp_path, 5)
    np.testing.assert_array_equal(again.vertices, surface.vertices)
    np.testing.assert_array_equal(again.triangles, surface.triangles)
    np.testing.assert_array_equal(again.labels, surface.labels)
    assert (again.vertices.dtype, again.triangles.dtype) == (np.float32, np.int32)


def test_a_missing_or_damaged_surface_is_named(tmp_path):
    with pytest.raises(InputError, match="scale-C5_surface"):
        read_surface(tmp_path, 5)
    name = write_surface(tmp_path, "study", 5, build_label_surface(labels_of(5), GRID))
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="surface can't be read"):
        read_surface(tmp_path, 5)


def test_no_pickle_is_loaded_as_a_surface(tmp_path):
    np.savez(tmp_path / "atlas-x_scale-C5_surface.npz", vertices=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="surface can't be read"):
        read_surface(tmp_path, 5)


@pytest.mark.parametrize("times", [(1000, 2000, 1500), (2000, 1000, 3000)])
def test_the_newest_set_is_told_by_its_generation_whatever_the_times_of_the_files(tmp_path, times):
    write(tmp_path, 5, maps_checksum="old", generation=0, when=times[0])
    write(tmp_path, 8, maps_checksum="new", generation=1, when=times[1])
    write(tmp_path, 12, maps_checksum="old", generation=0, when=times[2])
    assert list(read_atlas(tmp_path).scales) == [8]
    stale = stale_scales(tmp_path)
    assert list(stale) == [5, 12]
    assert "other maps" in stale[5]


def test_the_scales_of_the_maps_that_are_asked_for_are_read(tmp_path):
    write(tmp_path, 5, maps_checksum="old", generation=0)
    write(tmp_path, 8, maps_checksum="new", generation=1)
    assert list(read_atlas(tmp_path, maps_checksum="old").scales) == [5]
    assert list(stale_scales(tmp_path, maps_checksum="old")) == [8]
    assert list(read_atlas(tmp_path, maps_checksum="neither").scales) == [8]


@pytest.mark.parametrize("times", [(1000, 2000, 1500), (2000, 1000, 3000)])
def test_without_generations_the_larger_set_is_read(tmp_path, times):
    for c, checksum, when in zip((5, 8, 12), ("a", "b", "a"), times, strict=True):
        _, names = write(tmp_path, c, maps_checksum=checksum)
        sidecar = json.loads((tmp_path / names[2]).read_text())
        del sidecar["generation"]
        (tmp_path / names[2]).write_text(json.dumps(sidecar))
        os.utime(tmp_path / names[2], (when, when))
    assert list(read_atlas(tmp_path).scales) == [5, 12]


def test_scales_of_the_same_maps_and_grid_share_a_generation(tmp_path):
    other_grid = Grid((8, 9, 7), np.diag([3.0, 3, 3, 1]))
    assert generation_of(tmp_path / "none", "a", GRID) == 0
    write(tmp_path, 5, maps_checksum="a", generation=4)
    assert generation_of(tmp_path, "a", GRID) == 4
    assert generation_of(tmp_path, "b", GRID) == 5
    assert generation_of(tmp_path, "a", other_grid) == 5
    write(tmp_path, 8, maps_checksum="b", generation=5)
    assert generation_of(tmp_path, "b", GRID) == 5
    assert generation_of(tmp_path, "a", GRID) == 6


def test_a_scale_on_another_grid_is_named_as_stale(tmp_path):
    write(tmp_path, 5)
    write(tmp_path, 8, generation=1, grid=Grid((8, 9, 7), np.diag([3.0, 3, 3, 1])))
    assert list(read_atlas(tmp_path).scales) == [8]
    assert "grid" in stale_scales(tmp_path)[5]


def test_a_label_image_that_was_changed_afterwards_is_named_as_stale(tmp_path):
    _, names = write(tmp_path, 5)
    write(tmp_path, 8)
    image = nib.load(tmp_path / names[0])
    data = np.asarray(image.dataobj).copy()
    data[0, 0, 0] = 5 - data[0, 0, 0]
    nib.save(nib.Nifti1Image(data, image.affine), tmp_path / names[0])
    assert list(read_atlas(tmp_path).scales) == [8]
    assert "changed" in stale_scales(tmp_path)[5]


def test_an_atlas_with_only_changed_images_is_refused(tmp_path):
    _, names = write(tmp_path, 5)
    nib.save(nib.Nifti1Image(np.ones(GRID.shape, np.uint8), GRID.affine), tmp_path / names[0])
    with pytest.raises(InputError, match="no scale of the atlas can be used"):
        read_atlas(tmp_path)


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_without_an_atlas_says_what_to_do(tmp_path, make):
    folder = tmp_path / "study"
    if make:
        folder.mkdir()
    with pytest.raises(InputError, match="`fit`"):
        read_atlas(folder)


def test_a_damaged_sidecar_is_named(tmp_path):
    _, names = write(tmp_path, 5)
    (tmp_path / names[2]).write_text("{}")
    with pytest.raises(InputError, match="description of an atlas"):
        read_sidecars(tmp_path)


def test_a_missing_label_image_is_named(tmp_path):
    _, names = write(tmp_path, 5)
    (tmp_path / names[0]).unlink()
    with pytest.raises(InputError, match="a file of the atlas is missing"):
        read_atlas(tmp_path)


def test_simulated_data_say_so(tmp_path):
    write(tmp_path, 5, simulated=True)
    assert read_sidecars(tmp_path)[5].simulated


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("atlas-study_scale-C32_dseg.nii.gz", 32),
        ("atlas-C2_scale-64_dseg.nii", 64),
        ("MuSIC_C1024.nii.gz", 1024),
        ("music-C16-final.nii.gz", 16),
        ("C8.nii.gz", 8),
        ("T1_template_LPS.nii.gz", None),
        ("sub-C01X_dseg.nii.gz", None),
        ("ABC32.nii.gz", None),
    ],
)
def test_the_scale_is_read_from_the_name(name, scale):
    assert sniff_scale(name) == scale
