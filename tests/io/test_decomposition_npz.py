"""Components and fit states on disk."""

import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.core.progress import Silent
from music_gui.io.decomposition_npz import (
    read_components,
    read_fit_state,
    write_components,
    write_fit_state,
)
from music_gui.io.voxel_major import turn_in_memory, turn_on_disk


@pytest.fixture
def grid():
    return Grid((4, 5, 3), np.diag([2.0, 2.0, 2.0, 1.0]))


@pytest.fixture
def mask(grid):
    mask = np.zeros(grid.shape, bool)
    mask[1:3, 1:4, :] = True
    return mask


@pytest.fixture
def components():
    rng = np.random.default_rng(0)
    dense = rng.random((4, 18)).astype(np.float32)
    dense[rng.random((4, 18)) < 0.6] = 0
    dense[2] = 0  # vanished
    return dense


def test_components_come_back_as_they_were(tmp_path, components, mask, grid):
    write_components(tmp_path / "components.npz", components, mask, grid)
    stored = read_components(tmp_path / "components.npz")
    np.testing.assert_array_equal(stored.components.toarray(), components)
    assert stored.components.dtype == np.float32
    assert stored.grid.is_same_as(grid)
    image = np.zeros(grid.shape, np.float32)
    image[mask] = components[1]
    np.testing.assert_array_equal(stored.component_image(1), image)
    assert not stored.component_image(2).any()


def test_the_same_components_give_the_same_bytes(tmp_path, components, mask, grid):
    for name in ("a", "b"):
        write_components(tmp_path / f"{name}.npz", components, mask, grid)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_mask_of_other_voxels_is_refused(tmp_path, components, mask, grid):
    mask[0, 0, 0] = True
    with pytest.raises(InputError, match="19 voxels, the components have 18"):
        write_components(tmp_path / "components.npz", components, mask, grid)
    assert not list(tmp_path.iterdir())


def test_a_cut_file_is_called_damaged(tmp_path, components, mask, grid):
    path = tmp_path / "components.npz"
    write_components(path, components, mask, grid)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(InputError, match=r"damaged.*Fit the scale again"):
        read_components(path)


def test_components_that_point_outside_the_mask_are_damaged(tmp_path, components, mask, grid):
    path = tmp_path / "components.npz"
    write_components(path, components, mask, grid)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["indices"][0] = 99
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="damaged"):
        read_components(path)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(InputError, match="missing"):
        read_components(tmp_path / "components.npz")


def test_pickled_arrays_are_never_loaded(tmp_path):
    path = tmp_path / "components.npz"
    np.savez(path, format_version=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="damaged"):
        read_components(path)


def test_components_of_a_newer_version_are_refused(tmp_path):
    path = tmp_path / "components.npz"
    np.savez(path, format_version=np.array(99))
    with pytest.raises(InputError, match="newer version"):
        read_components(path)


def test_fit_states_come_back_to_the_bit(tmp_path):
    state = {
        "fingerprint": np.array('{"algorithm": "SopNMF"}'),
        "norm": np.array(0.1 + 0.2),
        "best_loss": np.array(np.inf),
        "values": np.array([[np.float32(1e-16), np.nan]], np.float32),
        "history": np.array([(1, 0.5)], [("epoch", np.int32), ("loss", np.float64)]),
    }
    write_fit_state(tmp_path / "C4.npz", state)
    back = read_fit_state(tmp_path / "C4.npz")
    assert back.keys() == state.keys()
    for name, array in state.items():
        assert back[name].dtype == array.dtype
        assert back[name].tobytes() == array.tobytes()


def test_a_state_that_cannot_be_written_leaves_the_last_one(tmp_path):
    path = tmp_path / "C4.npz"
    write_fit_state(path, {"norm": np.array(1.0)})
    with pytest.raises(ValueError, match="Object arrays"):
        write_fit_state(path, {"norm": np.array([object()], dtype=object)})
    assert read_fit_state(path) == {"norm": np.array(1.0)}
    assert [each.name for each in tmp_path.iterdir()] == ["C4.npz"]


def test_maps_turn_voxel_major_in_memory_and_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("music_gui.io.voxel_major._VALUES_AT_ONCE", 50)
    maps = np.arange(7 * 33, dtype=np.float32).reshape(7, 33)
    in_memory = turn_in_memory(maps, Silent())
    on_disk = turn_on_disk(maps, tmp_path / "scratch" / "maps.f4", Silent())
    for turned in (in_memory, on_disk):
        np.testing.assert_array_equal(turned, maps)
        assert turned.T.flags.c_contiguous
        assert turned.dtype == np.float32
