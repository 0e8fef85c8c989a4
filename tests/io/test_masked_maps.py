import json

import nibabel as nib
import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.masked_maps import MaskedMaps, MaskedMapsWriter

GRID = Grid((6, 5, 4), np.array([[-3.0, 0, 0, 7.1], [0, 3, 0, -8], [0, 0, 3, -2], [0, 0, 0, 1]]))
MASK = np.random.default_rng(0).random(GRID.shape) > 0.4
ROWS = np.random.default_rng(1).random((7, MASK.sum())).astype(np.float32)


def written(folder, rows=ROWS, mask=MASK, **options):
    with MaskedMapsWriter(folder, mask, GRID, mask_source="a test", **options) as writer:
        for index, row in enumerate(rows):
            writer.append(row, f"sub-{index:02}", "ses-01", 1000.0)
    return folder


def test_what_is_written_row_by_row_opens_as_one_array(tmp_path):
    maps = MaskedMaps.open(written(tmp_path / "maps", xform="qform", volume=2))
    np.testing.assert_array_equal(maps.maps, ROWS)
    np.testing.assert_array_equal(maps.mask, MASK)
    assert maps.grid.is_same_as(GRID)
    assert maps.participant_ids == tuple(f"sub-{index:02}" for index in range(7))
    assert maps.session_ids == ("ses-01",) * 7
    assert (maps.ravens_scale, maps.mask_source) == (1000.0, "a test")
    assert (maps.xform, maps.volume) == ("qform", 2)
    assert (maps.n_images, maps.n_voxels) == ROWS.shape
    maps.verify()


def test_the_array_is_an_ordinary_npy_file_and_the_mask_an_ordinary_nifti(tmp_path):
    folder = written(tmp_path / "maps")
    np.testing.assert_array_equal(np.load(folder / "maps.npy", allow_pickle=False), ROWS)
    mask = nib.load(folder / "mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, MASK)
    np.testing.assert_allclose(mask.affine, GRID.affine, atol=1e-6)
    assert sorted(path.name for path in folder.iterdir()) == [
        "maps.json",
        "maps.npy",
        "mask.nii.gz",
    ]


def test_opening_maps_the_file_instead_of_reading_it_and_forbids_changes(tmp_path):
    maps = MaskedMaps.open(written(tmp_path / "maps"))
    assert isinstance(maps.maps, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        maps.maps[0, 0] = 1


def test_a_row_goes_back_to_its_voxels(tmp_path):
    maps = MaskedMaps.open(written(tmp_path / "maps"))
    volume = maps.unmask(maps.maps[3], fill=-1)
    np.testing.assert_array_equal(volume[MASK], ROWS[3])
    assert (volume[~MASK] == -1).all()
    assert volume.dtype == np.float32
    assert maps.unmask(np.arange(maps.n_voxels)).dtype == np.int64
    with pytest.raises(InputError, match="can't be put into a mask"):
        maps.unmask(np.zeros(3))


def test_the_same_maps_give_the_same_bytes_and_other_maps_another_checksum(tmp_path):
    one, two = written(tmp_path / "1"), written(tmp_path / "2")
    for name in ("maps.npy", "mask.nii.gz", "maps.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    changed = ROWS.copy()
    changed[2, 5] += 1e-4
    other = MaskedMaps.open(written(tmp_path / "3", changed))
    assert other.checksum != MaskedMaps.open(one).checksum


def test_rows_in_another_order_have_another_checksum(tmp_path):
    one = MaskedMaps.open(written(tmp_path / "1"))
    two = MaskedMaps.open(written(tmp_path / "2", ROWS[::-1]))
    assert one.checksum != two.checksum


def test_maps_with_different_scales_have_no_common_one(tmp_path):
    with MaskedMapsWriter(tmp_path / "maps", MASK, GRID) as writer:
        writer.append(ROWS[0], "a", "ses-01", 1.0)
        writer.append(ROWS[1], "b", "ses-01", 1000.0)
    assert MaskedMaps.open(tmp_path / "maps").ravens_scale is None


def test_an_interrupted_writer_leaves_nothing_that_opens(tmp_path):
    folder = written(tmp_path / "maps")
    stopped = iter([ROWS[0], ROWS[1, :2]])  # the second has the wrong length
    with pytest.raises(InputError, match="values for a mask"):
        written(folder, stopped)
    with pytest.raises(InputError, match="no maps have been imported"):
        MaskedMaps.open(folder)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1])
def test_values_that_no_tissue_has_are_not_written(tmp_path, wrong):
    row = ROWS[0].copy()
    row[3] = wrong
    with (
        pytest.raises(InputError, match=r"sub-00 ses-01.*negative or not finite"),
        MaskedMapsWriter(tmp_path / "maps", MASK, GRID) as writer,
    ):
        writer.append(row, "sub-00", "ses-01")


def test_an_empty_mask_no_rows_and_wrong_shapes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no voxels"):
        MaskedMapsWriter(tmp_path / "maps", np.zeros_like(MASK), GRID)
    with pytest.raises(InputError, match="shape"):
        MaskedMapsWriter(tmp_path / "maps", MASK[:2], GRID)
    with pytest.raises(InputError, match="no map"), MaskedMapsWriter(tmp_path / "m", MASK, GRID):
        pass
    with (
        pytest.raises(InputError, match="values for a mask"),
        MaskedMapsWriter(tmp_path / "m", MASK, GRID) as writer,
    ):
        writer.append(ROWS[0, :3], "a", "b")


def test_a_cut_off_array_does_not_open(tmp_path):
    folder = written(tmp_path / "maps")
    whole = (folder / "maps.npy").read_bytes()
    for n_kept in (0, 50, len(whole) // 2, len(whole) - 1):
        (folder / "maps.npy").write_bytes(whole[:n_kept])
        with pytest.raises(InputError, match=r"damaged.*(cut off|bytes)"):
            MaskedMaps.open(folder)


def test_a_longer_or_another_array_does_not_open(tmp_path):
    folder = written(tmp_path / "maps")
    with (folder / "maps.npy").open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=r"damaged.*bytes"):
        MaskedMaps.open(folder)
    np.save(folder / "maps.npy", ROWS.astype(np.float64))
    with pytest.raises(InputError, match=r"float64.*float32"):
        MaskedMaps.open(folder)


def test_a_pickle_in_place_of_the_array_is_never_loaded(tmp_path):
    folder = written(tmp_path / "maps")
    np.save(folder / "maps.npy", np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged"):
        MaskedMaps.open(folder)


def test_changed_values_are_found_and_the_participant_is_named(tmp_path):
    folder = written(tmp_path / "maps")
    raw = bytearray((folder / "maps.npy").read_bytes())
    raw[-5] ^= 1  # in the last row
    (folder / "maps.npy").write_bytes(raw)
    maps = MaskedMaps.open(folder)
    with pytest.raises(InputError, match=r"1 of 7 maps differ.*sub-06 ses-01"):
        maps.verify()
    assert maps.holds(0, ROWS[0])
    assert not maps.holds(0, ROWS[1])


def test_another_mask_does_not_open(tmp_path):
    folder = written(tmp_path / "maps")
    moved = np.roll(MASK, 1, axis=0)
    nib.Nifti1Image(moved.astype(np.uint8), GRID.affine).to_filename(folder / "mask.nii.gz")
    with pytest.raises(InputError, match="not those of the import"):
        MaskedMaps.open(folder)
    nib.Nifti1Image(np.ones(GRID.shape, np.uint8), GRID.affine).to_filename(folder / "mask.nii.gz")
    with pytest.raises(InputError, match="the mask has 120 voxels"):
        MaskedMaps.open(folder)


def test_a_newer_format_says_to_update(tmp_path):
    folder = written(tmp_path / "maps")
    description = json.loads((folder / "maps.json").read_text())
    (folder / "maps.json").write_text(json.dumps(description | {"format_version": 99}))
    with pytest.raises(InputError, match=r"newer version.*Update"):
        MaskedMaps.open(folder)
    (folder / "maps.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        MaskedMaps.open(folder)


def test_an_empty_folder_says_to_import_first(tmp_path):
    with pytest.raises(InputError, match="Import the maps first"):
        MaskedMaps.open(tmp_path)
