import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.processing import resample_from_to

from music_gui.core.cohort.comparison import MeanComparison, mirror_indices
from music_gui.core.cohort.join import join_participants
from music_gui.core.cohort.mask import MapStatistics, carry_mask
from music_gui.core.cohort.ravens import (
    check_total,
    check_values,
    plausible_scale,
    suggested_scale,
)
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid


class TestValues:
    def test_the_total_is_the_sum_times_the_voxel_in_ml(self):
        data = np.full((10, 10, 10), 0.5, dtype=np.float32)
        data[0, 0, 0] = np.nan
        values = check_values(data, 8.0, where="a")
        assert values.total_ml == pytest.approx(999 * 0.5 * 8 / 1000)
        assert (values.n_nan, values.n_negative) == (1, 0)

    def test_the_sum_of_a_large_map_does_not_lose_single_precision(self):
        data = np.full(20_000_000, 0.1, dtype=np.float32)
        exact = float(np.float32(0.1)) * 20_000_000 / 1000
        assert check_values(data, 1.0, where="a").total_ml == pytest.approx(exact, rel=1e-12)

    @pytest.mark.parametrize(
        ("total", "scale"),
        [(300, 1), (600, 1), (1200, 1), (600_000, 1000), (1300, None), (250, None), (0, None)],
    )
    def test_the_unit_is_told_by_the_total(self, total, scale):
        assert plausible_scale(total) == scale

    def test_an_odd_total_is_asked_about_with_the_likely_unit(self):
        with pytest.raises(InputError, match=r"4,800 ml.*mm\^3 a voxel.*scale of 8"):
            check_total(4800, 1, 8.0, where="a.nii")
        check_total(4800, 8, 8.0, where="a.nii")
        assert suggested_scale(60_000, 8.0)[0] == 100.0
        assert suggested_scale(3, 8.0) is None


class TestMask:
    def test_voxels_need_enough_tissue_in_enough_maps(self):
        maps = np.array(
            [
                # always, in half of the maps, in one only, faint everywhere, never
                [0.8, 0.8, 0.9, 0.05, 0.0],
                [0.8, 0.8, 0.0, 0.05, np.nan],
                [0.8, 0.0, 0.0, 0.05, -0.1],
                [0.8, 0.0, 0.0, 0.05, 0.0],
            ],
            dtype=np.float32,
        )
        statistics = MapStatistics(5)
        for row in maps:
            statistics.add(row)
        np.testing.assert_allclose(statistics.mean, [0.8, 0.4, 0.225, 0.05, 0.0], rtol=1e-6)
        mask = statistics.mask(min_mean=0.1, min_coverage=0.5)
        assert mask.tolist() == [True, True, False, False, False]
        everywhere = statistics.mask(min_mean=0.0, min_coverage=0.0)
        assert everywhere.tolist() == [True, True, True, True, False]

    def test_a_mask_without_voxels_is_refused_with_the_largest_mean(self):
        statistics = MapStatistics(3)
        statistics.add(np.array([0.05, 0.01, 0], dtype=np.float32))
        with pytest.raises(InputError, match=r"largest mean is 0\.05"):
            statistics.mask(min_mean=0.1, min_coverage=0.5)

    def test_a_mask_is_carried_as_nibabel_carries_labels(self):
        rng = np.random.default_rng(0)
        source = Grid((9, 10, 11), np.diag([3.0, 3, 3, 1]))
        affine = nib.affines.from_matvec(np.diag([-2.0, 2, 2]), [24.3, 0.4, -0.7])
        target = Grid((13, 14, 15), affine)
        mask = rng.random(source.shape) > 0.5
        theirs = resample_from_to(
            nib.Nifti1Image(mask.astype(np.uint8), source.affine),
            (target.shape, target.affine),
            order=0,
            mode="constant",
        )
        ours = carry_mask(mask, source, target)
        # Theirs ends at the centres of the outer voxels, ours at their faces.
        ijk = source.to_voxel(target.to_world(np.moveaxis(np.indices(target.shape), 0, -1)))
        inside = ((ijk >= 0) & (ijk <= np.array(source.shape) - 1)).all(axis=-1)
        assert inside.sum() > 1000
        np.testing.assert_array_equal(ours[inside], np.asarray(theirs.dataobj)[inside] > 0)
        outside = ((ijk < -0.5) | (ijk > np.array(source.shape) - 0.5)).any(axis=-1)
        assert not ours[outside].any()

    def test_a_shift_of_a_quarter_of_a_voxel_changes_no_voxel_of_a_mask(self):
        mask = np.random.default_rng(0).random((8, 9, 10)) > 0.5
        shifted = np.diag([2.0, 2, 2, 1])
        shifted[:3, 3] = 0.5
        carried = carry_mask(
            mask, Grid(mask.shape, np.diag([2.0, 2, 2, 1])), Grid(mask.shape, shifted)
        )
        np.testing.assert_array_equal(carried, mask)


def centred(shape=(14, 12, 10), size=3.0):
    affine = np.diag([-size, size, size, 1])
    affine[:3, 3] = [(shape[0] - 1) * size / 2, -15, -12]
    return Grid(shape, affine)


class TestComparison:
    def cohort(self, n=12, flipped=(), noise=0.1):
        """Make maps of one lopsided pattern each with its own noise."""
        grid = centred()
        rng = np.random.default_rng(0)
        pattern = rng.random(grid.shape)
        maps = [pattern + noise * rng.random(grid.shape) for _ in range(n)]
        maps = [each[::-1] if at in flipped else each for at, each in enumerate(maps)]
        return grid, [each.astype(np.float32).ravel() for each in maps]

    def compared(self, grid, maps):
        statistics = MapStatistics(grid.n_voxels)
        for each in maps:
            statistics.add(each)
        comparison = MeanComparison(statistics, np.ones(grid.shape, dtype=bool), grid)
        return [comparison.compare(each) for each in maps]

    def test_the_correlation_is_that_with_the_mean_of_the_others(self):
        grid, maps = self.cohort()
        stacked = np.array(maps, dtype=np.float64)
        for at, (correlation, complaint) in enumerate(self.compared(grid, maps)):
            others = np.delete(stacked, at, axis=0).mean(axis=0)
            assert correlation == pytest.approx(np.corrcoef(stacked[at], others)[0, 1])
            assert complaint == ""

    def test_a_map_with_left_and_right_swapped_is_found(self):
        grid, maps = self.cohort(flipped=(3,))
        complaints = [complaint for _, complaint in self.compared(grid, maps)]
        assert "left and right may be swapped" in complaints.pop(3)
        assert set(complaints) == {""}

    def test_a_map_that_resembles_neither_side_is_not_called_swapped(self):
        grid, maps = self.cohort()
        noise = np.random.default_rng(5).random(grid.shape)
        turned = maps[0].reshape(grid.shape)[::-1]
        maps[4] = (noise + 0.15 * turned).astype(np.float32).ravel()  # a little like the mirror
        correlation, complaint = self.compared(grid, maps)[4]
        mirrored = np.corrcoef(maps[4], turned.ravel())[0, 1]
        assert 0.3 > mirrored > correlation + 0.03
        assert "badly aligned" in complaint
        assert "mirror" not in complaint

    def test_a_symmetric_cohort_is_not_suspected(self):
        grid, maps = self.cohort()
        symmetric = [each.reshape(grid.shape) for each in maps]
        symmetric = [(each + each[::-1]).ravel() for each in symmetric]
        assert {complaint for _, complaint in self.compared(grid, symmetric)} == {""}

    def test_a_misplaced_map_is_found(self):
        grid, maps = self.cohort()
        maps[5] = np.roll(maps[5].reshape(grid.shape), 3, axis=1).ravel()
        complaints = [complaint for _, complaint in self.compared(grid, maps)]
        assert "badly aligned" in complaints[5]

    def test_too_few_maps_are_not_compared(self):
        grid, maps = self.cohort(n=4, flipped=(0,))
        assert all(
            np.isnan(correlation) and not text for correlation, text in self.compared(grid, maps)
        )

    def test_each_voxel_faces_the_one_across_the_midline(self):
        grid = centred()
        flat = np.arange(grid.n_voxels).reshape(grid.shape)
        np.testing.assert_array_equal(mirror_indices(grid), flat[::-1].ravel())

    def test_a_midline_between_voxels_shifts_all_by_the_same_half(self):
        affine = np.diag([2.0, 2, 2, 1])
        affine[0, 3] = -4.5
        across = mirror_indices(Grid((6, 1, 1), affine))
        assert across.tolist() == [5, 4, 3, 2, 1, 0]  # 4.5 - i, halves upwards

    def test_without_an_axis_from_left_to_right_nothing_is_mirrored(self):
        turned = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.5))
        assert mirror_indices(Grid((4, 4, 4), turned)) is None


class TestJoin:
    def left(self, ids, sessions=None):
        sessions = sessions or ["ses-01"] * len(ids)
        return pd.DataFrame(
            {"participant_id": ids, "session_id": sessions, "path": [f"{name}.nii" for name in ids]}
        )

    def right(self, ids, sessions=None, **more):
        sessions = sessions or ["ses-01"] * len(ids)
        return pd.DataFrame({"participant_id": ids, "session_id": sessions, **more})

    def test_rows_are_matched_by_both_keys_and_the_rest_is_named(self):
        left = self.left(["a", "b", "c", "a"], ["1", "1", "1", "2"])
        right = self.right(["a", "a", "d"], ["2", "1", "1"], age=[62, 60, 50])
        join = join_participants(left, right)
        assert join.by == ("participant_id", "session_id")
        assert join.table["age"].tolist() == [60, 62]
        assert join.left_rows == (0, 3)
        assert join.only_left == ("b 1", "c 1")
        assert join.only_right == ("d 1",)
        summary = join.summary("the files", "table.tsv")
        assert "2 rows of the files matched table.tsv" in summary
        assert "2 only in the files (b 1, c 1)" in summary

    def test_a_table_without_visits_matches_every_visit(self):
        left = self.left(["a", "a", "b"], ["M00", "M12", "M00"])
        join = join_participants(left, self.right(["b", "a"], sex=["F", "M"]))
        assert join.by == ("participant_id",)
        assert join.table["sex"].tolist() == ["M", "M", "F"]

    @pytest.mark.parametrize(
        ("ids", "mend"),
        [
            (["01", "02"], "'sub-' before the ids"),
            (["SUB-01", "SUB-02"], "upper and lower case"),
            (["sub-1", "sub-2"], "leading zeros"),
            (["sub01", "sub02"], "hyphens"),
            (["sub-01.0", "sub-02.0"], "'.0'"),
            (["1", "2"], "all of"),
        ],
    )
    def test_ids_that_nearly_match_are_told_what_would_mend_it(self, ids, mend):
        join = join_participants(self.left(["sub-01", "sub-02"]), self.right(ids))
        assert len(join.table) == 0
        assert join.mend.startswith("2 more would match if")
        assert mend in join.mend

    def test_ids_that_have_nothing_in_common_get_no_advice(self):
        assert join_participants(self.left(["a"]), self.right(["b"])).mend == ""
