"""The picture that `music-gui open STUDY --screenshot` makes."""

import subprocess
import sys

import pytest
from PIL import Image

pytestmark = pytest.mark.gui


def open_with_picture(study, path):
    return subprocess.run(
        [sys.executable, "-m", "music_gui", "open", str(study), "--screenshot", str(path)],
        capture_output=True,
        text=True,
        timeout=150,
    )


def test_a_study_is_drawn_saved_and_the_window_closed(finished_example, tmp_path):
    done = open_with_picture(finished_example.root, tmp_path / "window.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "window.png") as picture:
        assert picture.size == (1680, 1000)
        assert len(picture.convert("RGB").getcolors(2**24)) > 2000  # a shaded brain, not a blank


def test_a_folder_that_is_no_study_gives_the_reason(tmp_path):
    done = open_with_picture(tmp_path, tmp_path / "window.png")
    assert done.returncode == 1
    assert "not a study" in done.stderr
    assert not (tmp_path / "window.png").exists()
