"""What every test of a window needs."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_API", "pyside6")

SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path, monkeypatch):
    """Keep the user's settings out of the tests, and the tests out of the user's settings."""
    monkeypatch.setenv("MUSIC_GUI_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def screenshot(qtbot):
    """Save a widget's picture under tests/gui/screenshots, to be looked at."""

    def save(widget, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        qtbot.wait(100)
        path = SCREENSHOTS / f"{name}.png"
        assert widget.grab().save(str(path))
        return path

    return save
