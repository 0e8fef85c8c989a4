"""A running fit leaves its present atlas in the scratch folder of its job."""

import numpy as np
import pytest

from music_gui.core.factorization import Epoch
from music_gui.core.grid import Grid
from music_gui.io.fit_preview_npz import PREVIEW_NAME, mask_hash, read_preview
from music_gui.steps import fit_preview
from music_gui.steps.fit_preview import PreviewWriter

GRID = Grid((3, 3, 3), np.eye(4))
MASK = np.ones((3, 3, 3), dtype=bool)


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(fit_preview, "time", clock)
    return clock


def epoch(number):
    labels = np.full(27, number % 4, dtype=np.int32)
    return Epoch(number, 1 / number, 0.5, 0, labels, dict)


def test_the_first_epoch_is_there_at_once_and_later_ones_every_two_seconds(tmp_path, clock):
    writer = PreviewWriter(tmp_path, MASK, GRID)
    seen = []
    for number in range(1, 100):
        writer.show(4, epoch(number))
        clock.now += 0.125  # exact in binary
        seen.append(read_preview(tmp_path / PREVIEW_NAME).epoch)
    assert sorted(set(seen)) == [1, 17, 33, 49, 65, 81, 97]
    last = read_preview(tmp_path / PREVIEW_NAME)
    assert last.loss == 1 / 97
    assert last.mask_hash == mask_hash(MASK, GRID)
    np.testing.assert_array_equal(last.labels, np.full(27, 97 % 4))


def test_scales_that_take_less_than_two_seconds_share_the_pace(tmp_path, clock):
    writer = PreviewWriter(tmp_path, MASK, GRID)
    written = []
    for scale in range(4, 12):
        writer.show(scale, epoch(1))
        clock.now += 0.7
        written.append(read_preview(tmp_path / PREVIEW_NAME).scale)
    assert written == [4, 4, 4, 7, 7, 7, 10, 10]


def test_a_slow_disk_takes_little_of_the_time(tmp_path, clock, monkeypatch):
    written = []

    def slow(path, preview):
        written.append(preview.epoch)
        clock.now += 1.0

    monkeypatch.setattr(fit_preview, "write_preview", slow)
    writer = PreviewWriter(tmp_path, MASK, GRID)
    for number in range(1, 1001):
        writer.show(4, epoch(number))
        clock.now += 0.1
    assert len(written) == 2  # two seconds of a hundred


def test_a_full_disk_does_not_stop_the_fit(tmp_path, clock, monkeypatch):
    def full(path, preview):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fit_preview, "write_preview", full)
    PreviewWriter(tmp_path, MASK, GRID).show(4, epoch(1))
    assert list(tmp_path.iterdir()) == []
