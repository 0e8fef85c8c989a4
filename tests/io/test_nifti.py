import gzip

import nibabel as nib
import numpy as np
import pytest

from music_gui.core.errors import GridMismatchError, InputError, ParameterError
from music_gui.core.grid import Grid
from music_gui.io.nifti import (
    Image,
    read_grid,
    read_header,
    read_image,
    read_labels,
    reorient_to,
    write_image,
)

AFFINE = np.array([[-2.0, 0, 0, 9.5], [0, -2.0, 0, 10.5], [0, 0, 2.0, -11.5], [0, 0, 0, 1.0]])
SHAPE = (6, 7, 8)


def random_values(dtype, seed=0):
    values = np.random.default_rng(seed).random(SHAPE) * 100
    return values.astype(dtype)


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "<i2", ">i2", "<u2", "<i4", ">i4", "<i8", "<f4", ">f4", "<f8", ">f8"]
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_number_type_reads_as_nibabel_reads_it(tmp_path, dtype, suffix):
    data = random_values(dtype)
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    header.set_data_dtype(dtype)
    nib.Nifti1Image(data, AFFINE, header).to_filename(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(image.data, data.astype(np.float32))
    np.testing.assert_allclose(image.grid.affine, AFFINE)
    assert image.data.dtype == np.float32
    assert image.warnings == ()


def test_nifti_2_is_read(tmp_path):
    nib.Nifti2Image(random_values("f4"), AFFINE).to_filename(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").data, random_values("f4"))


def test_the_scaling_of_the_header_is_applied(tmp_path):
    data = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_slope_inter(0.001, -0.5)
    path = tmp_path / "a.nii"
    image.to_filename(path)
    # nibabel rescales on saving: put the stored integers and the slope there by hand.
    raw = bytearray(path.read_bytes())
    raw[352:] = data.tobytes(order="F")
    raw[112:120] = np.array([0.001, -0.5], dtype="<f4").tobytes()
    path.write_bytes(raw)
    expected = (data * float(np.float32(0.001)) - 0.5).astype(np.float32)
    np.testing.assert_array_equal(read_image(path).data, expected)


def test_a_slope_of_zero_means_no_scaling(tmp_path):
    path = tmp_path / "a.nii"
    nib.Nifti1Image(random_values("f4"), AFFINE).to_filename(path)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.0, 7.0], dtype="<f4").tobytes()
    path.write_bytes(raw)
    np.testing.assert_array_equal(read_image(path).data, random_values("f4"))


def test_reading_the_grid_needs_no_voxels(tmp_path):
    nib.Nifti1Image(random_values("f4"), AFFINE).to_filename(tmp_path / "a.nii")
    whole = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "a.nii").write_bytes(whole[:400])
    assert read_grid(tmp_path / "a.nii").is_same_as(Grid(SHAPE, AFFINE))


def test_the_data_may_start_behind_header_extensions(tmp_path):
    image = nib.Nifti1Image(random_values("f4"), AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 3000))
    image.to_filename(tmp_path / "a.nii.gz")
    assert read_header(tmp_path / "a.nii.gz").offset > 3000
    np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").data, random_values("f4"))


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2", "u2", "i4", "bool"])
def test_what_is_written_reads_back_the_same_here_and_in_nibabel(tmp_path, dtype):
    data = random_values("f8") > 50 if dtype == "bool" else random_values(dtype)
    grid = Grid(SHAPE, AFFINE)
    write_image(tmp_path / "a.nii.gz", data, grid)
    theirs = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), data)
    np.testing.assert_allclose(theirs.affine, AFFINE)
    assert theirs.header["sform_code"] == theirs.header["qform_code"] == 2
    ours = read_image(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(ours.data, data.astype(np.float32))
    assert ours.grid.is_same_as(grid)


def test_the_same_image_gives_the_same_bytes_under_any_name(tmp_path):
    grid = Grid(SHAPE, AFFINE)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(tmp_path / name, random_values("f4"), grid)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    write_image(tmp_path / "a.nii", random_values("f4"), grid)
    with gzip.open(tmp_path / "a.nii.gz") as file:
        assert file.read() == (tmp_path / "a.nii").read_bytes()


def test_sheared_axes_are_written_as_sform_alone(tmp_path):
    sheared = AFFINE.copy()
    sheared[0, 1] = 0.4
    write_image(tmp_path / "a.nii.gz", random_values("f4"), Grid(SHAPE, sheared))
    theirs = nib.load(tmp_path / "a.nii.gz")
    assert theirs.header["qform_code"] == 0
    np.testing.assert_allclose(theirs.affine, sheared, atol=1e-6)
    assert read_image(tmp_path / "a.nii.gz").warnings == ()


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(np.full(SHAPE, 300), np.uint8), (np.full(SHAPE, 0.5), np.int16), (np.full(SHAPE, -1), "u2")],
)
def test_values_that_would_change_are_not_written(tmp_path, data, dtype):
    with pytest.raises(InputError, match="fit whole numbers"):
        write_image(tmp_path / "a.nii.gz", data, Grid(SHAPE, AFFINE), dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_an_array_of_another_shape_than_its_grid_is_not_written(tmp_path):
    with pytest.raises(InputError, match="shape"):
        write_image(tmp_path / "a.nii.gz", np.zeros((2, 2, 2)), Grid(SHAPE, AFFINE))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4", "f8"])
def test_labels_are_whole_numbers_whatever_they_are_stored_as(tmp_path, dtype):
    labels = np.random.default_rng(1).integers(0, 120, SHAPE)
    nib.Nifti1Image(labels.astype(dtype), AFFINE, dtype=dtype).to_filename(tmp_path / "a.nii.gz")
    read, grid = read_labels(tmp_path / "a.nii.gz")
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, labels)
    assert grid.is_same_as(Grid(SHAPE, AFFINE))


@pytest.mark.parametrize("wrong", [2.5, np.nan, np.inf, 3e9])
def test_labels_that_are_no_whole_numbers_are_refused_with_their_voxel(tmp_path, wrong):
    labels = np.zeros(SHAPE)
    labels[1, 2, 3] = wrong
    nib.Nifti1Image(labels, AFFINE).to_filename(tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match=r"\(1, 2, 3\).*not a whole number"):
        read_labels(tmp_path / "a.nii.gz")


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "PSR", "IRA"])
def test_the_same_phantom_in_any_orientation_comes_onto_the_grid_bit_by_bit(tmp_path, codes):
    data = random_values("f4")
    reference = Image(data, Grid(SHAPE, AFFINE))
    original = nib.Nifti1Image(data, AFFINE)
    start = nib.orientations.io_orientation(AFFINE)
    goal = nib.orientations.axcodes2ornt(codes)
    stored = original.as_reoriented(nib.orientations.ornt_transform(start, goal))
    assert "".join(nib.aff2axcodes(stored.affine)) == codes
    stored.to_filename(tmp_path / "a.nii.gz")
    image = reorient_to(
        read_image(tmp_path / "a.nii.gz"), reference.grid, where="a", reference_name="the others"
    )
    np.testing.assert_array_equal(image.data, data)
    assert image.grid is reference.grid


def test_an_image_that_would_need_interpolation_is_not_moved():
    moved = AFFINE.copy()
    moved[0, 3] += 1.0
    image = Image(random_values("f4"), Grid(SHAPE, moved))
    with pytest.raises(GridMismatchError, match=r"a\.nii.*1\.00 mm apart"):
        reorient_to(image, Grid(SHAPE, AFFINE), where="a.nii", reference_name="the others")


def test_a_volume_that_is_not_there_is_told_by_its_number(tmp_path):
    series = np.zeros((*SHAPE, 3), dtype=np.float32)
    nib.Nifti1Image(series, AFFINE).to_filename(tmp_path / "a.nii.gz")
    with pytest.raises(ParameterError, match="no volume 3"):
        read_image(tmp_path / "a.nii.gz", volume=3)
