"""Does a map look like those a model was trained on: rotated, shifted, mirrored, another brain."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import GridMismatchError, InputError
from music_gui.core.grid import Grid
from music_gui.core.spare.likeness import CoarseCells, Likeness
from music_gui.io.nifti import read_image, read_labels

SHARED = Path(__file__).parents[3] / "shared"
SHAPE = (31, 37, 31)
GRID = Grid(SHAPE, np.array([[3.0, 0, 0, -45], [0, 3, 0, -54], [0, 0, 3, -45], [0, 0, 0, 1]]))


def ellipsoid() -> np.ndarray:
    ijk = np.indices(SHAPE)
    centre = (np.array(SHAPE) - 1) / 2
    return sum(((ijk[a] - centre[a]) / (SHAPE[a] / 2 - 2)) ** 2 for a in range(3)) < 1


def maps(n: int, seed: int = 0) -> np.ndarray:
    """Maps that share a smooth asymmetric pattern, each with a pattern of its own."""
    rng = np.random.default_rng(seed)
    shared = gaussian_filter(np.random.default_rng(99).normal(size=SHAPE), 1.5)
    own = np.array([gaussian_filter(rng.normal(size=SHAPE), 1.5) for _ in range(n)])
    return np.clip(0.5 + 1.6 * shared + 0.8 * own, 0, None) * ellipsoid()


def rotated(image: np.ndarray, degrees: float, axis: int) -> np.ndarray:
    angle = np.deg2rad(degrees)
    a, b = (k for k in range(3) if k != axis)
    turn = np.eye(3)
    turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    centre = (np.array(image.shape) - 1) / 2
    return affine_transform(image, turn, centre - turn @ centre, order=1)


@pytest.fixture(scope="module")
def cells() -> CoarseCells:
    labels = ellipsoid().astype(np.int32)
    return CoarseCells(Atlas("study", GRID, {1: AtlasScale(1, labels)}), 1)


@pytest.fixture(scope="module")
def likeness(cells) -> Likeness:
    return fitted(cells, 1, maps(40))


def fitted(cells: CoarseCells, scale: int, images: np.ndarray, grid: Grid = GRID) -> Likeness:
    values = [image.ravel()[cells.voxels_in(grid)] for image in images]
    mirrored = np.array([cells.means(cells.mirrored(each)) for each in values])
    return Likeness.fit(scale, np.array([cells.means(each) for each in values]), mirrored)


def compare(likeness: Likeness, cells: CoarseCells, image: np.ndarray, grid: Grid = GRID):
    return likeness.compare(cells, image.ravel()[cells.voxels_in(grid)])


def test_new_maps_of_the_same_kind_pass(likeness, cells):
    for image in maps(30, seed=1):
        correlation, mirrored = compare(likeness, cells, image)
        assert correlation > likeness.low
        assert not mirrored


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_map_rotated_by_ten_degrees_does_not(likeness, cells, axis):
    correlation, _ = compare(likeness, cells, rotated(maps(1, seed=2)[0], 10, axis))
    assert correlation < likeness.low


def test_a_map_shifted_by_a_centimetre_does_not(likeness, cells):
    correlation, _ = compare(likeness, cells, np.roll(maps(1, seed=2)[0], 3, axis=1))
    assert correlation < likeness.low


def test_a_map_with_left_and_right_swapped_is_told_as_such(likeness, cells):
    _, mirrored = compare(likeness, cells, maps(1, seed=2)[0][::-1])
    assert mirrored


def test_what_resembles_neither_side_is_no_mirror_image(likeness, cells):
    turned = maps(1, seed=2)[0][::-1]
    unlike = np.roll(maps(1, seed=7)[0], 12, axis=1)
    correlation, mirrored = compare(likeness, cells, unlike + 0.3 * turned)
    other_way, _ = compare(likeness, cells, (unlike + 0.3 * turned)[::-1])
    assert likeness.low > other_way > correlation + likeness.mirror_limit
    assert not mirrored


def test_a_swapped_map_is_told_as_such_however_lopsided_the_training_maps_are(likeness, cells):
    """A wide limit, from a sample whose own likeness to its mirror image varies."""
    wide = replace(likeness, mirror_limit=2.0)
    correlation, mirrored = compare(wide, cells, maps(1, seed=2)[0][::-1])
    assert correlation < wide.low
    assert mirrored


def test_the_scale_of_the_values_does_not_matter_here(likeness, cells):
    image = maps(1, seed=3)[0]
    assert compare(likeness, cells, 1000 * image)[0] == pytest.approx(
        compare(likeness, cells, image)[0]
    )


def test_the_same_anatomy_stored_in_another_order_is_the_same(likeness, cells):
    image = maps(1, seed=3)[0]
    flipped = np.ascontiguousarray(image[::-1].transpose(2, 0, 1))
    affine = np.eye(4)
    affine[:3, :3] = GRID.affine[:3, :3][:, [2, 0, 1]] * [1, -1, 1]
    affine[:3, 3] = GRID.to_world(np.array([SHAPE[0] - 1, 0, 0]))
    grid = Grid(flipped.shape, affine)
    assert compare(likeness, cells, flipped, grid) == compare(likeness, cells, image)


def test_a_constant_map_has_no_likeness(likeness, cells):
    assert compare(likeness, cells, np.full(SHAPE, 0.5))[0] == 0.0


def test_a_grid_that_reaches_less_far_is_refused(cells):
    with pytest.raises(GridMismatchError, match="does not reach as far"):
        cells.voxels_in(Grid((31, 37, 20), GRID.affine))


def test_few_maps_and_another_atlas_are_refused(likeness, cells):
    with pytest.raises(InputError, match="9 maps are too few"):
        fitted(cells, 1, maps(9))
    with pytest.raises(InputError, match="coarse cells"):
        Likeness(1, likeness.means[:-1], 0.5, 0.8, 0.1).compare(cells, np.zeros(len(cells.ijk)))


@pytest.mark.shared_data
@pytest.mark.skipif(not (SHARED / "data/ravens").is_dir(), reason="needs shared/data/ravens")
def test_real_maps_pass_and_the_same_maps_rotated_or_mirrored_do_not():
    labels, grid = read_labels(SHARED / "data/music_atlas/MuSIC_C32.nii.gz")
    cells = CoarseCells(Atlas("MuSIC", grid, {32: AtlasScale(32, labels)}), 32)
    paths = sorted((SHARED / "data/ravens").glob("*.nii.gz"))
    images = [read_image(path) for path in paths]
    own = [image.data.ravel()[cells.voxels_in(image.grid)].astype(float) for image in images]
    for axis, left_out in enumerate((0, 7, 21)):
        others = [v for k, v in enumerate(own) if k != left_out]
        model = Likeness.fit(
            32,
            np.array([cells.means(each) for each in others]),
            np.array([cells.means(cells.mirrored(each)) for each in others]),
        )
        correlation, mirrored = model.compare(cells, own[left_out])
        assert correlation > model.low
        assert not mirrored
        image = images[left_out]
        turned = rotated(image.data, 10, axis).ravel()[cells.voxels_in(image.grid)]
        assert model.compare(cells, turned.astype(float))[0] < model.low
        swapped = image.data[::-1].ravel()[cells.voxels_in(image.grid)].astype(float)
        assert model.compare(cells, swapped)[1]
