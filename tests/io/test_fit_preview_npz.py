"""The file in which a running fit leaves its present atlas."""

import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.fit_preview_npz import FitPreview, mask_hash, read_preview, write_preview

GRID = Grid((4, 5, 6), np.diag([2.0, 2.0, 2.0, 1.0]))
MASK = np.arange(120).reshape(4, 5, 6) % 3 == 0


def preview(scale=8, labels=(0, 1, 8, 3)):
    return FitPreview(scale, 17, 0.0375, np.array(labels, np.int32), mask_hash(MASK, GRID))


def test_what_was_written_is_read(tmp_path):
    write_preview(tmp_path / "preview.npz", preview())
    back = read_preview(tmp_path / "preview.npz")
    assert (back.scale, back.epoch, back.loss) == (8, 17, 0.0375)
    assert back.labels.dtype == np.int32
    np.testing.assert_array_equal(back.labels, [0, 1, 8, 3])
    assert back.mask_hash == mask_hash(MASK, GRID)
    assert [each.name for each in tmp_path.iterdir()] == ["preview.npz"]


def test_labels_of_a_thousand_components_take_two_bytes_at_most(tmp_path):
    labels = np.random.default_rng(0).integers(0, 1025, 84_090)
    write_preview(tmp_path / "preview.npz", preview(1024, labels))
    assert (tmp_path / "preview.npz").stat().st_size < 2 * 84_090
    np.testing.assert_array_equal(read_preview(tmp_path / "preview.npz").labels, labels)


def test_another_mask_or_another_place_has_another_hash():
    other = MASK.copy()
    other[0, 0, 1] = True
    moved = Grid((4, 5, 6), np.diag([2.0, 2.0, 2.1, 1.0]))
    hashes = {mask_hash(MASK, GRID), mask_hash(other, GRID), mask_hash(MASK, moved)}
    assert len(hashes) == 3


def test_a_missing_preview_is_said(tmp_path):
    with pytest.raises(InputError, match="no preview of this fit yet"):
        read_preview(tmp_path / "preview.npz")


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "label too large", "pickle"])
def test_a_damaged_preview_is_refused(tmp_path, kind):
    path = tmp_path / "preview.npz"
    write_preview(path, preview())
    match kind:
        case "cut":
            path.write_bytes(path.read_bytes()[:-40])
        case "text":
            path.write_text("no zip")
        case "empty":
            path.write_bytes(b"")
        case "label too large":
            write_preview(path, preview(2, (0, 1, 9)))
        case "pickle":
            np.savez(path, format_version=np.array([object()], dtype=object))
    with pytest.raises(InputError, match="damaged") as caught:
        read_preview(path)
    assert caught.value.where == str(path)


def test_a_newer_version_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("music_gui.io.fit_preview_npz.FORMAT_VERSION", 2)
    write_preview(tmp_path / "preview.npz", preview())
    monkeypatch.setattr("music_gui.io.fit_preview_npz.FORMAT_VERSION", 1)
    with pytest.raises(InputError, match="newer version"):
        read_preview(tmp_path / "preview.npz")
