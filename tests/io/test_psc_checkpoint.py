"""Extraction that was interrupted goes on where it was."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from music_gui.io.psc_checkpoint import PscCheckpoint


def test_rows_survive_and_only_the_others_are_left_to_do(tmp_path):
    first = PscCheckpoint(tmp_path, "maps A", (3, 2))
    first.keep(1, np.array([1.0, np.nan]))
    del first
    again = PscCheckpoint(tmp_path, "maps A", (3, 2))
    assert again.todo.tolist() == [0, 2]
    np.testing.assert_array_equal(again.values[1], [1.0, np.nan])
    assert np.isnan(again.values[[0, 2]]).all()


def test_other_maps_or_another_atlas_begin_anew(tmp_path):
    PscCheckpoint(tmp_path, "maps A", (3, 2)).keep(1, np.ones(2))
    assert PscCheckpoint(tmp_path, "maps B", (3, 2)).todo.tolist() == [0, 1, 2]
    PscCheckpoint(tmp_path, "maps B", (3, 2)).keep(1, np.ones(2))
    assert PscCheckpoint(tmp_path, "maps B", (3, 4)).todo.tolist() == [0, 1, 2]


def test_a_damaged_checkpoint_begins_anew(tmp_path):
    PscCheckpoint(tmp_path, "maps A", (3, 2)).keep(1, np.ones(2))
    (tmp_path / "values.npy").write_bytes(b"half")
    assert PscCheckpoint(tmp_path, "maps A", (3, 2)).todo.tolist() == [0, 1, 2]


def test_a_disk_that_is_full_is_an_error_and_kills_nobody(tmp_path, monkeypatch):
    def no_space(descriptor: int, start: int, n_bytes: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", no_space)
    with pytest.raises(OSError, match="No space left"):
        PscCheckpoint(tmp_path, "maps A", (3, 2))
