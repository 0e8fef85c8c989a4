"""A computer without a screen."""

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 and Wayland"),
]


@pytest.mark.parametrize("words", [[], ["open", "study"]])
def test_without_a_screen_the_window_is_refused_in_a_sentence(words):
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in screens}
    ended = subprocess.run(
        [sys.executable, "-m", "music_gui", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "there is no screen to open the window on" in ended.stderr
    assert "xvfb-run" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
