import nibabel as nib
import numpy as np
import pytest

from music_gui.core.errors import GridMismatchError
from music_gui.core.grid import Grid, axis_change, check_same_grid

OBLIQUE = np.array(
    [
        [-1.9, 0.3, 0.1, 80.0],
        [0.3, 1.95, -0.2, -110.0],
        [-0.1, 0.2, 2.0, -70.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
GRID = Grid((5, 7, 9), OBLIQUE)


def test_voxel_and_world_are_inverse_and_agree_with_nibabel():
    ijk = np.array([[0, 0, 0], [4, 6, 8], [1, 2, 3]])
    world = GRID.to_world(ijk)
    np.testing.assert_allclose(world, nib.affines.apply_affine(OBLIQUE, ijk))
    np.testing.assert_allclose(GRID.to_voxel(world), ijk, atol=1e-9)
    np.testing.assert_allclose(GRID.voxel_sizes, nib.affines.voxel_sizes(OBLIQUE))


def test_the_volume_of_a_voxel_is_that_of_its_box():
    grid = Grid((2, 2, 2), np.diag([2.0, -3.0, 0.5, 1.0]))
    assert grid.voxel_volume == pytest.approx(3.0)
    assert grid.n_voxels == 8


def test_a_shift_of_half_a_millimetre_is_another_grid_and_is_told_in_millimetres():
    moved = OBLIQUE.copy()
    moved[:3, 3] += (0.5, -0.5, 0.5)
    other = Grid(GRID.shape, moved)
    assert other.distance_to(GRID) == pytest.approx(np.sqrt(0.75))
    with pytest.raises(GridMismatchError, match=r"0\.87 mm apart"):
        check_same_grid(other, GRID, where="a.nii", reference_name="the atlas")


def test_rounding_in_a_header_is_no_other_grid():
    other = Grid(GRID.shape, OBLIQUE.astype(np.float32).astype(np.float64))
    check_same_grid(other, GRID, where="a.nii", reference_name="the atlas")


def test_another_shape_is_named_with_both_shapes():
    with pytest.raises(GridMismatchError, match=r"\(5, 7, 8\).*\(5, 7, 9\)"):
        check_same_grid(Grid((5, 7, 8), OBLIQUE), GRID, where="a.nii", reference_name="the atlas")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_axes_reordered_and_flipped_are_found_as_nibabel_does_it(order, flips):
    data = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    image = nib.Nifti1Image(data, OBLIQUE)
    turned = image.as_reoriented(np.array(list(zip(order, flips, strict=True)), dtype=float))
    change = axis_change(Grid(turned.shape, turned.affine), GRID)
    assert change is not None
    np.testing.assert_array_equal(change.apply(np.asarray(turned.dataobj)), data)


def test_grids_whose_voxels_lie_between_each_other_do_not_coincide():
    moved = OBLIQUE.copy()
    moved[:3, 3] += moved[:3, 0] / 2
    assert axis_change(Grid(GRID.shape, moved), GRID) is None
    turned = OBLIQUE @ nib.affines.from_matvec(nib.eulerangles.euler2mat(0.8))
    assert axis_change(Grid(GRID.shape, turned), GRID) is None
