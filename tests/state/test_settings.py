"""What is remembered between two starts."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from music_gui.state.settings import Settings, load_settings, save_settings, settings_path


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSIC_GUI_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_what_was_saved_comes_back():
    settings = Settings(theme="light", max_running=3, step_values={"fit": {"scales": [8, 16]}})
    settings.remember_study(Path("/data/aging"))
    save_settings(settings)
    assert load_settings() == settings


def test_without_a_file_the_defaults_hold():
    assert load_settings() == Settings()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_a_damaged_file_gives_the_defaults(config: Path, text: str):
    config.mkdir()
    settings_path().write_bytes(text.encode("latin-1"))
    assert load_settings() == Settings()


def test_one_wrong_value_does_not_cost_the_others(config: Path):
    config.mkdir()
    values = {
        "theme": "sepia",
        "max_running": 10_000,
        "radiological": True,
        "of_a_later_version": 1,
    }
    settings_path().write_text(json.dumps(values))
    settings = load_settings()
    assert (settings.theme, settings.max_running, settings.radiological) == ("dark", 1, True)


def test_a_value_out_of_bounds_is_refused():
    with pytest.raises(ValidationError):
        Settings().max_running = 0


def test_the_newest_study_stands_first_and_once():
    settings = Settings()
    for name in ("a", "b", "a"):
        settings.remember_study(Path(name))
    assert settings.recent_studies == ("a", "b")
    settings.forget_study("a")
    assert settings.recent_studies == ("b",)


def test_only_ten_studies_are_remembered():
    settings = Settings()
    for number in range(12):
        settings.remember_study(Path(f"/{number}"))
    assert settings.recent_studies == tuple(f"/{number}" for number in range(11, 1, -1))


def test_a_home_that_cant_be_written_is_no_error(config: Path):
    config.write_text("a file where the folder should be")
    save_settings(Settings(theme="light"))
    assert load_settings().theme == "dark"
