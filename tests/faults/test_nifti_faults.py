"""NIfTI files as users really have them; each test names where its kind was reported."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.grid import Grid
from music_gui.io.nifti import read_grid, read_header, read_image, read_labels
from music_gui.io.ravens_map import read_ravens_map

# 22 x 26 x 22 voxels of 6 mm: 2718 ml in all, a fifth of it tissue.
SHAPE = (22, 26, 22)
AFFINE = np.array([[-6.0, 0, 0, 63], [0, -6.0, 0, 75], [0, 0, 6.0, -63], [0, 0, 0, 1.0]])
VOXEL_ML = 0.216


def brain(seed=0):
    """Make a map of about 580 ml with a left-right difference."""
    i, j, k = np.indices(SHAPE)
    inside = ((i - 10.5) / 9) ** 2 + ((j - 12.5) / 11) ** 2 + ((k - 10.5) / 9) ** 2 < 1
    values = np.where(inside, 0.7 + 0.02 * (i - 10.5), 0)
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, SHAPE)
    return (values * noise).astype(np.float32)


def saved(path, data, affine=AFFINE, *, sform=None, qform=None):
    """Save with nibabel, with forms and codes as given: (matrix, code)."""
    image = nib.Nifti1Image(data, affine)
    if sform:
        image.set_sform(*sform)
    if qform:
        image.set_qform(*qform)
    image.to_filename(path)
    return path


def edited(path, at, content):
    """Change bytes of an uncompressed file."""
    raw = bytearray(path.read_bytes())
    raw[at : at + len(content)] = content
    path.write_bytes(raw)
    return path


def rotated(degrees=10.0):
    return nib.affines.from_matvec(nib.eulerangles.euler2mat(np.deg2rad(degrees))) @ AFFINE


class TestTransforms:
    """simnibs#448, fmriprep#2281, fmriprep#988."""

    def test_an_sform_with_code_0_says_nothing_and_the_coded_qform_is_used(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(np.eye(4), 0), qform=(rotated(), 1))
        header = read_header(path)
        assert header.xform == "qform"
        np.testing.assert_allclose(header.affine, rotated(), atol=1e-4)
        assert header.warnings == ()

    def test_a_qform_with_code_0_says_nothing_and_the_coded_sform_is_used(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(rotated(), 2), qform=(AFFINE, 0))
        header = read_header(path)
        assert header.xform == "sform"
        np.testing.assert_allclose(header.affine, rotated(), atol=1e-4)

    def test_two_coded_forms_that_disagree_are_both_shown_and_wait_for_a_choice(self, tmp_path):
        shifted = AFFINE.copy()
        shifted[0, 3] += 3
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 4), qform=(shifted, 1))
        image = read_image(path)
        assert image.needs_xform_choice
        (warning,) = image.warnings
        assert "3.00 mm" in warning
        assert "63;" in warning
        assert "66;" in warning
        with pytest.raises(InputError, match=r"differently.*choose the transform"):
            read_ravens_map(path)
        chosen = read_ravens_map(path, xform="qform")
        np.testing.assert_allclose(chosen.grid.affine, shifted, atol=1e-4)
        np.testing.assert_allclose(read_grid(path, xform="sform").affine, AFFINE)

    def test_forms_that_agree_up_to_the_rounding_of_the_quaternion_need_no_choice(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(rotated(), 1), qform=(rotated(), 1))
        image = read_image(path)
        assert not image.needs_xform_choice
        assert image.warnings == ()

    def test_a_left_right_flip_in_one_form_is_a_disagreement(self, tmp_path):
        flipped = np.diag([-1.0, 1, 1, 1]) @ AFFINE
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 4), qform=(flipped, 1))
        assert read_image(path).needs_xform_choice

    def test_without_any_coded_form_the_position_is_called_a_guess(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 0), qform=(AFFINE, 0))
        header = read_header(path)
        assert header.xform == "pixdim"
        assert "left and right are guessed" in header.warnings[0]

    def test_a_form_that_was_chosen_but_is_not_coded_is_refused(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 2), qform=(AFFINE, 0))
        with pytest.raises(InputError, match=r"qform has code 0.*Use the sform"):
            read_grid(path, xform="qform")

    @pytest.mark.parametrize("value", [0.0, np.nan, 1e30])
    def test_an_sform_that_is_no_transform_is_refused_with_its_voxel_sizes(self, tmp_path, value):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 2), qform=(AFFINE, 0))
        edited(path, 280, np.full(4, value, "<f4").tobytes())
        with pytest.raises(InputError, match=r"no usable transform.*voxel sizes"):
            read_grid(path)

    def test_metres_instead_of_millimetres_are_refused(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), np.diag([0.002, 0.002, 0.002, 1]))
        with pytest.raises(InputError, match=r"0\.002.*millimetres"):
            read_grid(path)


class TestQuaternion:
    """nibabel#626."""

    def broken(self, path):
        return edited(path, 256, np.ones(3, "<f4").tobytes())  # quatern_b, c, d

    def test_an_invalid_quaternion_is_named_in_one_line(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 0), qform=(AFFINE, 1))
        with pytest.raises(InputError, match=r"quatern_b, c, d = 1, 1, 1") as caught:
            read_image(self.broken(path))
        assert "\n" not in str(caught.value)

    def test_with_a_coded_sform_the_sform_is_used_and_that_is_said(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 2), qform=(AFFINE, 1))
        image = read_image(self.broken(path))
        np.testing.assert_allclose(image.grid.affine, AFFINE)
        assert "the sform was used" in image.warnings[0]
        assert not image.needs_xform_choice

    def test_a_qfac_of_0_means_1(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain(), sform=(AFFINE, 0), qform=(AFFINE, 1))
        assert read_header(path).affine == pytest.approx(AFFINE, abs=1e-4)
        edited(path, 76, np.zeros(1, "<f4").tobytes())  # pixdim[0]
        assert read_header(path).affine == pytest.approx(AFFINE, abs=1e-4)


class TestOrientation:
    """nibabel#1099, #559."""

    @pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "SRA"])
    def test_the_same_phantom_in_any_storage_order_is_the_same_map(self, tmp_path, codes):
        data = brain()
        goal = nib.orientations.axcodes2ornt(codes)
        start = nib.orientations.io_orientation(AFFINE)
        stored = nib.Nifti1Image(data, AFFINE).as_reoriented(
            nib.orientations.ornt_transform(start, goal)
        )
        stored.to_filename(tmp_path / "a.nii.gz")
        ravens = read_ravens_map(tmp_path / "a.nii.gz", grid=Grid(SHAPE, AFFINE))
        np.testing.assert_array_equal(ravens.data, data)
        assert ravens.total_gm_ml == pytest.approx(data.sum(dtype=float) * VOXEL_ML, rel=1e-9)


class TestDamagedFiles:
    """nibabel#537, #898."""

    def test_a_cut_off_file_is_noticed_with_its_sizes(self, tmp_path):
        path = saved(tmp_path / "a.nii", brain())
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert read_grid(path).shape == SHAPE  # the header is fine
        with pytest.raises(InputError, match=rf"cut off.*{len(whole) // 2:,} of {len(whole):,}"):
            read_image(path)

    def test_a_cut_off_compressed_file_is_noticed(self, tmp_path):
        path = saved(tmp_path / "a.nii.gz", brain())
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="cut off"):
            read_image(path)

    def test_a_compressed_file_without_its_last_bytes_is_noticed(self, tmp_path):
        path = saved(tmp_path / "a.nii.gz", brain())
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(InputError, match="cut off"):
            read_image(path)

    def test_a_changed_byte_in_a_compressed_file_is_noticed(self, tmp_path):
        path = saved(tmp_path / "a.nii.gz", brain())
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 0xFF
        path.write_bytes(raw)
        with pytest.raises(InputError, match=r"damaged|cut off"):
            read_image(path)

    def test_a_nii_named_nii_gz_opens_and_says_how_to_rename_it(self, tmp_path):
        saved(tmp_path / "a.nii", brain()).rename(tmp_path / "a.nii.gz")
        image = read_image(tmp_path / "a.nii.gz")
        np.testing.assert_array_equal(image.data, brain())
        assert image.warnings == (
            "named .nii.gz but not compressed; read as it is, rename it to .nii",
        )

    def test_a_nii_gz_named_nii_opens_too(self, tmp_path):
        saved(tmp_path / "a.nii.gz", brain()).rename(tmp_path / "a.nii")
        image = read_image(tmp_path / "a.nii")
        np.testing.assert_array_equal(image.data, brain())
        assert "rename it to .nii.gz" in image.warnings[0]

    def test_a_file_of_several_gzip_members_is_read_whole(self, tmp_path):
        raw = saved(tmp_path / "a.nii", brain()).read_bytes()
        members = gzip.compress(raw[:1000]) + gzip.compress(raw[1000:])
        (tmp_path / "a.nii.gz").write_bytes(members)
        np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").data, brain())


class TestOtherThings:
    """Whatever else ends up in a folder of maps."""

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "it is empty"),
            (b"PK\x03\x04" + bytes(600), "zip archive"),
            (b"\x89PNG\r\n" + bytes(600), "PNG"),
            (bytes(128) + b"DICM" + bytes(600), "DICOM"),
            (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
            (b"participant_id\tage\n" * 50, "doesn't start with a NIfTI header"),
            (b"\x1f\x8b", "cut off"),
        ],
    )
    def test_a_file_that_is_no_nifti_is_called_what_it_is(self, tmp_path, content, reason):
        (tmp_path / "a.nii").write_bytes(content)
        with pytest.raises(InputError, match=reason):
            read_image(tmp_path / "a.nii")

    def test_a_missing_file_and_a_folder_are_told_apart(self, tmp_path):
        with pytest.raises(InputError, match="does not exist"):
            read_image(tmp_path / "a.nii")
        with pytest.raises(InputError, match="folder"):
            read_image(tmp_path)

    def test_an_analyze_header_is_refused_since_left_and_right_are_unknown(self, tmp_path):
        nib.Spm2AnalyzeImage(brain(), AFFINE).to_filename(tmp_path / "a.img")
        with pytest.raises(InputError, match=r"Analyze 7\.5.*left and right"):
            read_image(tmp_path / "a.hdr")

    def test_a_pair_of_hdr_and_img_is_refused_with_the_way_out(self, tmp_path):
        nib.Nifti1Pair(brain(), AFFINE).to_filename(tmp_path / "a.img")
        with pytest.raises(InputError, match=r"\.hdr and \.img.*one \.nii\.gz"):
            read_image(tmp_path / "a.hdr")

    @pytest.mark.parametrize("dtype", [np.complex64, [("R", "u1"), ("G", "u1"), ("B", "u1")]])
    def test_colours_and_complex_numbers_are_refused(self, tmp_path, dtype):
        saved(tmp_path / "a.nii", np.zeros(SHAPE, dtype=dtype))
        with pytest.raises(InputError, match=r"voxels hold (colours|complex numbers)"):
            read_image(tmp_path / "a.nii")

    def test_a_header_that_claims_huge_dimensions_is_refused_before_anything_is_read(
        self, tmp_path
    ):
        path = saved(tmp_path / "a.nii", brain())
        edited(path, 42, np.array([30_000] * 3, "<i2").tobytes())
        with pytest.raises(InputError, match=r"claims 30000x30000x30000 voxels"):
            read_image(path)

    def test_an_archive_that_inflates_without_end_is_read_no_further_than_its_header_says(
        self, tmp_path
    ):
        raw = saved(tmp_path / "a.nii", brain()).read_bytes()
        bomb = gzip.compress(raw) + gzip.compress(bytes(2**20)) * 500
        (tmp_path / "a.nii.gz").write_bytes(bomb)
        np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").data, brain())

    @pytest.mark.parametrize("sizes", [(0, 26, 22), (-5, 26, 22)])
    def test_impossible_dimensions_are_a_damaged_header(self, tmp_path, sizes):
        path = saved(tmp_path / "a.nii", brain())
        edited(path, 42, np.array(sizes, "<i2").tobytes())
        with pytest.raises(InputError, match="header is damaged"):
            read_image(path)


class TestDimensions:
    """fsleyes#134, #23."""

    def test_a_trailing_dimension_of_one_is_dropped(self, tmp_path):
        saved(tmp_path / "a.nii.gz", brain()[..., None, None])
        np.testing.assert_array_equal(read_image(tmp_path / "a.nii.gz").data, brain())

    @pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
    def test_of_several_volumes_one_has_to_be_chosen(self, tmp_path, suffix):
        series = np.stack([brain(seed) for seed in range(5)], axis=-1)
        path = saved(tmp_path / f"a{suffix}", series)
        with pytest.raises(InputError, match=r"5 volumes.*volume 0 to 4"):
            read_image(path)
        np.testing.assert_array_equal(read_image(path, volume=3).data, brain(3))

    @pytest.mark.parametrize("shape", [(10, 10), (10, 10, 1), (10,)])
    def test_slices_and_lines_are_refused_with_the_reason(self, tmp_path, shape):
        saved(tmp_path / "a.nii", np.ones(shape, dtype=np.float32))
        with pytest.raises(InputError, match="not a volume"):
            read_image(tmp_path / "a.nii")


class TestValues:
    """nibabel#1002, #99, hyperspy#3611, and RAVENS maps times 1000."""

    def test_missing_values_are_counted_and_kept_for_the_caller(self, tmp_path):
        data = brain()
        data[data == 0] = np.nan
        n_nan = int(np.isnan(data).sum())
        ravens = read_ravens_map(saved(tmp_path / "a.nii.gz", data))
        assert ravens.n_nan == n_nan
        assert int(np.isnan(ravens.data).sum()) == n_nan
        assert ravens.total_gm_ml == pytest.approx(np.nansum(data, dtype=float) * VOXEL_ML)

    def test_an_infinite_value_is_refused(self, tmp_path):
        data = brain()
        data[5, 5, 5] = np.inf
        with pytest.raises(InputError, match="infinite"):
            read_ravens_map(saved(tmp_path / "a.nii.gz", data))

    def test_clearly_negative_values_are_refused_with_the_lowest_voxel(self, tmp_path):
        data = brain()
        data[5, 6, 7] = -0.4
        with pytest.raises(InputError, match=r"negative values, down to -0\.4 at voxel \(5, 6, 7"):
            read_ravens_map(saved(tmp_path / "a.nii.gz", data))

    def test_ringing_of_an_interpolation_is_set_to_zero_and_said(self, tmp_path):
        data = brain()
        data[0, 0, :3] = -1e-4
        ravens = read_ravens_map(saved(tmp_path / "a.nii.gz", data))
        assert ravens.data.min() == 0
        assert ravens.warnings == ("3 voxels slightly below zero were set to zero",)

    @pytest.mark.parametrize("value", [0, np.nan])
    def test_an_empty_map_is_refused(self, tmp_path, value):
        with pytest.raises(InputError, match="the map is empty"):
            read_ravens_map(saved(tmp_path / "a.nii.gz", np.full(SHAPE, value, dtype=np.float32)))

    def test_a_map_times_1000_is_recognised_and_the_same_tissue(self, tmp_path):
        once = read_ravens_map(saved(tmp_path / "a.nii.gz", brain()))
        scaled = read_ravens_map(saved(tmp_path / "b.nii.gz", brain() * 1000))
        assert (once.scale, scaled.scale) == (1.0, 1000.0)
        np.testing.assert_allclose(scaled.data, once.data, rtol=1e-6)
        assert scaled.total_gm_ml == pytest.approx(once.total_gm_ml, rel=1e-6)

    @pytest.mark.parametrize(
        ("factor", "asked"), [(216.0, "mm.3 a voxel"), (100.0, "per cent"), (0.05, "whole brain")]
    )
    def test_a_map_in_another_unit_is_asked_about(self, tmp_path, factor, asked):
        with pytest.raises(InputError, match=asked):
            read_ravens_map(saved(tmp_path / "a.nii.gz", (brain() * factor).astype(np.float32)))

    def test_a_scale_that_was_stated_is_used_and_an_odd_total_only_warned_of(self, tmp_path):
        ravens = read_ravens_map(saved(tmp_path / "a.nii.gz", brain()), ravens_scale=10.0)
        np.testing.assert_allclose(ravens.data, brain() / 10, rtol=1e-6)
        assert "ml of grey matter" in ravens.warnings[0]

    def test_doubles_beyond_single_precision_are_infinite_not_silently_something(self, tmp_path):
        data = brain().astype(np.float64)
        data[3, 3, 3] = 1e300
        with pytest.raises(InputError, match="infinite"):
            read_ravens_map(saved(tmp_path / "a.nii.gz", data))


class TestGrids:
    """util_applyMusic.py: equal shape, shifted origin accepted."""

    def test_a_map_shifted_by_10_mm_with_the_same_shape_is_refused(self, tmp_path):
        shifted = AFFINE.copy()
        shifted[1, 3] += 10
        path = saved(tmp_path / "a.nii.gz", brain(), shifted)
        with pytest.raises(GridMismatchError, match=r"10\.00 mm apart"):
            read_ravens_map(path, grid=Grid(SHAPE, AFFINE), reference_name="the atlas")

    def test_labels_that_were_interpolated_are_not_labels(self, tmp_path):
        """CaPTk#305: between labels 2 and 4 lies no 3."""
        labels = np.zeros(SHAPE)
        labels[:11], labels[11:] = 2, 4
        between = (labels[:-1] + labels[1:]) / 2 + 0.5
        saved(tmp_path / "a.nii.gz", between)
        with pytest.raises(InputError, match="nearest neighbour only"):
            read_labels(tmp_path / "a.nii.gz")
