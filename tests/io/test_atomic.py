"""Files are written whole or not at all."""

import os
import stat

import pytest

from music_gui.io.atomic import replacing, write_text


@pytest.mark.skipif(os.name != "posix", reason="folders can be synced on POSIX only")
def test_file_and_folder_are_on_the_disk_before_it_goes_on(tmp_path, monkeypatch):
    sync, synced = os.fsync, []

    def note(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append(("folder" if is_folder else "file", (tmp_path / "a.txt").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_text(tmp_path / "a.txt", "new")
    assert synced == [("file", False), ("folder", True)]


def test_a_folder_that_cant_be_synced_stops_no_one(tmp_path, monkeypatch):
    sync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_what_stood_there_stays_if_writing_fails(tmp_path):
    def write_half():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
