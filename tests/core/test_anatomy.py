"""The anatomy of PSCs: shares, sides and centres that are known by construction."""

import numpy as np
import pytest

from music_gui.core.anatomy import (
    MNI,
    AnatomicalAtlas,
    AnatomicalRegion,
    Space,
    anatomy_overlap,
    describe,
    region_text,
    space_of,
    split_side,
)
from music_gui.core.anatomy.overlap import regions_on_grid
from music_gui.core.atlas import Atlas, AtlasScale, label_hash
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

# A box of 80 x 40 x 40 mm about the origin: thalamus left and right of the midline in front,
# caudate behind, 2 mm voxels whose edges lie on the midline.
ANATOMY_GRID = Grid(
    (40, 20, 20), np.array([[2, 0, 0, -39], [0, 2, 0, -19], [0, 0, 2, -19], [0, 0, 0, 1.0]])
)
REGIONS = (
    AnatomicalRegion(10, "thalamus", "L", "subcortex"),
    AnatomicalRegion(49, "thalamus", "R", "subcortex"),
    AnatomicalRegion(11, "caudate", "L", "subcortex"),
    AnatomicalRegion(50, "caudate", "R", "subcortex"),
)

ORIENTATIONS = {"RAS": (1, 1, 1), "LAS": (-1, 1, 1), "LPS": (-1, -1, 1)}


def anatomy(reach=0.0, keep=lambda world: np.ones(world.shape[:-1], bool)):
    world = ANATOMY_GRID.to_world(np.stack(np.indices(ANATOMY_GRID.shape), axis=-1))
    front, right = world[..., 1] > 0, world[..., 0] > 0
    labels = np.where(front, np.where(right, 49, 10), np.where(right, 50, 11))
    labels[~keep(world)] = 0
    return AnatomicalAtlas("toy", labels, ANATOMY_GRID, REGIONS, reach=reach)


def grid_stored_as(orientation, shape=(40, 20, 20), step=2.0, tilt=0.0):
    """A grid of the same voxel centres as the anatomy's, unless it is tilted about z."""
    matrix = np.diag(np.array(ORIENTATIONS[orientation]) * step)
    cos, sin = np.cos(tilt), np.sin(tilt)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]]) @ matrix
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = -matrix @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def atlas_on(grid, label_of, scale=3):
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    return Atlas("toy", grid, {scale: AtlasScale(scale, label_of(world).astype(np.int32))})


def halves(world):
    """PSC 1: -20 < x < 10 in all of y; PSC 2: the rest of the right; PSC 3 has vanished."""
    x = world[..., 0]
    return np.where((x > -20) & (x < 10), 1, np.where(x > 10, 2, 0))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_shares_sides_and_centres_are_the_closed_form_in_every_orientation(orientation):
    overlap = anatomy_overlap(atlas_on(grid_stored_as(orientation), halves), anatomy())[3]
    # PSC 1 spans 30 mm of x, 20 left and 10 right, half of it in front (thalamus).
    expected = [[1 / 3, 1 / 6, 1 / 3, 1 / 6], [0, 0.5, 0, 0.5], [0, 0, 0, 0]]
    assert np.allclose(overlap.psc_shares, expected)
    # Of the right thalamus a quarter (x from 0 to 10 of 40) lies in PSC 1; all covered left in it.
    assert np.allclose(overlap.region_shares[:2], [[1, 0.25, 1, 0.25], [0, 0.75, 0, 0.75]])
    assert np.allclose(overlap.left_shares[:2], [2 / 3, 0])
    assert np.isnan(overlap.left_shares[2])
    assert np.allclose(overlap.centres[:2], [[-5, 0, 0], [25, 0, 0]])
    assert np.isnan(overlap.centres[2]).all()
    assert np.isnan(overlap.inner_centres[2]).all()
    assert overlap.n_voxels.tolist() == [15 * 400, 15 * 400, 0]


def test_a_tilted_grid_gives_the_same_shares_within_its_voxels():
    grid = grid_stored_as("LAS", shape=(90, 70, 24), step=1.5, tilt=np.deg2rad(15))

    def ball(world):
        return np.where(((world - [4.0, 0, 0]) ** 2).sum(axis=-1) < 16.0**2, 1, 0)

    overlap = anatomy_overlap(atlas_on(grid, ball, scale=1), anatomy())[1]
    # A ball of radius r whose middle lies 4 mm right of the midline: the cap left of it has the
    # volume pi h^2 (3 r - h) / 3 with h = 12; half of each side lies in front.
    left = np.pi * 12**2 * (3 * 16 - 12) / 3 / (4 / 3 * np.pi * 16**3)
    assert overlap.left_shares[0] == pytest.approx(left, abs=0.003)
    assert np.allclose(
        overlap.psc_shares[0], [left / 2, (1 - left) / 2, left / 2, (1 - left) / 2], atol=0.006
    )
    assert np.allclose(overlap.centres[0], [4, 0, 0], atol=0.1)


def test_a_voxel_across_the_midline_counts_half_on_each_side():
    grid = Grid((3, 1, 1), np.diag([2.0, 2, 2, 1]) + np.array([[0, 0, 0, -2.0]] + [[0] * 4] * 3))
    atlas = Atlas("toy", grid, {1: AtlasScale(1, np.ones((3, 1, 1), np.int32))})
    assert anatomy_overlap(atlas, anatomy())[1].left_shares[0] == pytest.approx(0.5)


def test_the_centre_that_is_shown_lies_inside_a_psc_with_a_hole():
    grid = grid_stored_as("RAS")

    def shell(world):
        radius = np.sqrt((world**2).sum(axis=-1))
        return np.where((radius > 10) & (radius < 18), 1, 0)

    atlas = atlas_on(grid, shell, scale=1)
    overlap = anatomy_overlap(atlas, anatomy())[1]
    assert np.allclose(overlap.centres[0], 0, atol=1e-9)
    assert atlas.psc_at(overlap.centres[0], 1) is None
    assert atlas.psc_at(overlap.inner_centres[0], 1) == "C1_1"


def test_a_reach_gives_voxels_beside_a_region_to_it_but_never_across_the_midline():
    def only_left_strip(world):
        return (world[..., 0] < 0) & (world[..., 0] > -10)

    grid = grid_stored_as("RAS")
    atlas = atlas_on(grid, lambda world: np.ones(world.shape[:-1]), scale=1)
    without = anatomy_overlap(atlas, anatomy(keep=only_left_strip))[1]
    reaching = anatomy_overlap(atlas, anatomy(4.0, only_left_strip))[1]
    # The strip is 10 of 80 mm wide; 4 mm more on its left, none on the right of the midline.
    assert without.psc_shares.sum() == pytest.approx(10 / 80)
    assert reaching.psc_shares.sum() == pytest.approx(14 / 80)
    assert np.array_equal(reaching.inside, without.inside)


def test_another_space_is_brought_to_mni_by_its_affine():
    to_mni = np.diag([1.25, 1.25, 1.25, 1.0])
    to_mni[:3, 3] = [0, 5, 0]
    space = Space("small", to_mni)
    grid = grid_stored_as("LPS")
    atlas = atlas_on(grid, lambda world: np.where(np.abs(world[..., 0]) < 8, 1, 0), scale=1)
    overlap = anatomy_overlap(atlas, anatomy(), space)[1]
    # y from -20 to 20 becomes -20 to 30, of which the anatomy covers -20 to 20; z -25 to 25.
    thalamus, caudate = overlap.psc_shares[0, :2].sum(), overlap.psc_shares[0, 2:].sum()
    assert thalamus == pytest.approx(0.4 * 0.8, abs=0.03)
    assert caudate == pytest.approx(0.4 * 0.8, abs=0.03)
    assert np.allclose(overlap.centres[0], [0, 5, 0])
    assert np.allclose(space.world(space.mni(np.array([3.0, -7, 11]))), [3, -7, 11])


def test_a_space_is_recognised_by_its_grid_in_any_orientation_or_by_a_published_scale():
    published = atlas_on(grid_stored_as("LPS"), halves)
    by_grid = Space("known", np.diag([2.0, 2, 2, 1]), grids=(published.grid,))
    reoriented = atlas_on(grid_stored_as("RAS"), lambda world: np.ones(world.shape[:-1]))
    assert space_of(reoriented, [by_grid]) is by_grid
    assert space_of(atlas_on(grid_stored_as("RAS", step=3.0), halves), [by_grid]) is MNI
    digest = label_hash(published.scales[3], published.grid)
    by_hash = Space("known", np.diag([2.0, 2, 2, 1]), hashes=frozenset([digest]))
    assert space_of(published, [by_hash]) is by_hash
    assert space_of(atlas_on(published.grid, lambda w: halves(w) > 0), [by_hash]) is MNI


def test_regions_are_brought_to_a_grid_voxel_by_voxel():
    toy = anatomy()
    grid = grid_stored_as("LPS")
    assert np.array_equal(regions_on_grid(toy, grid), toy.places[::-1, ::-1, :])


def test_descriptions_say_side_regions_and_centre():
    overlap = anatomy_overlap(atlas_on(grid_stored_as("RAS"), halves), anatomy())[3]
    assert describe(overlap, 0) == (
        "both sides (67 % left); 50 % caudate, 50 % thalamus; centre −5 −1 −1"
    )
    assert region_text(overlap, 1) == "50 % caudate R, 50 % thalamus R"
    assert describe(overlap, 1).startswith("100 % right; ")
    assert describe(overlap, 2) == ""
    nowhere = anatomy(keep=lambda world: world[..., 0] < -30)
    empty = anatomy_overlap(atlas_on(grid_stored_as("RAS"), halves), nowhere)[3]
    assert region_text(empty, 0) == "outside all regions"


@pytest.mark.parametrize(
    ("written", "name", "side"),
    [
        ("Right-Thalamus-Proper", "Thalamus-Proper", "R"),
        ("ctx-lh-insula", "insula", "L"),
        ("Precentral_L", "Precentral", "L"),
        ("Right Amygdala", "Amygdala", "R"),
        ("L_V1_ROI", "V1_ROI", "L"),
        ("Cuneus (right)", "Cuneus", "R"),
        ("Insula, left", "Insula", "L"),
        ("rh.bankssts", "bankssts", "R"),
        ("Brain-Stem", "Brain-Stem", ""),
        ("Lingual", "Lingual", ""),
        ("Vermis_8", "Vermis_8", ""),
    ],
)
def test_the_side_is_read_as_the_usual_tools_write_it(written, name, side):
    assert split_side(written) == (name, side)


def test_regions_at_points_and_their_centres():
    toy = anatomy()
    assert toy.region_at(np.array([-5.0, 9, 1])).short_name == "thalamus L"
    assert toy.region_at(np.array([500.0, 0, 0])) is None
    assert np.allclose(toy.centres[0], [-21, 9, -1])
    assert toy.digest == anatomy().digest
    assert toy.digest != anatomy(reach=1.0).digest


def test_regions_must_be_numbered_one_by_one():
    twice = (REGIONS[0], REGIONS[0])
    with pytest.raises(InputError, match="not numbered one by one"):
        AnatomicalAtlas("toy", anatomy().labels, ANATOMY_GRID, twice)
