"""What the application remembers between two starts: one typed model in one JSON file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path
from psygnal import EventedModel
from pydantic import ConfigDict, Field, ValidationError

from music_gui.io.atomic import write_text

_MOST_RECENT = 10


def settings_path() -> Path:
    """Return the settings file; ``MUSIC_GUI_CONFIG`` names another folder for it."""
    folder = os.environ.get("MUSIC_GUI_CONFIG")
    return (Path(folder) if folder else user_config_path("music-gui", False)) / "settings.json"


class Settings(EventedModel):
    """The user's settings.

    Attributes
    ----------
    theme : str
        ``system`` follows the desktop.
    radiological : bool
        Show the subject's left on the right of the slices.
    recent_studies : tuple of str
        Folders, newest first.
    recent_searches : tuple of str
        What was searched for with success, newest first.
    anatomical_atlas : str
        Name of the anatomical atlas that describes the PSCs; empty for the built-in one.
    last_folder : str
        Where the last file was chosen.
    max_running : int
        Jobs that may run at once.
    threads : int
        Threads of a job; 0 takes all cores.
    window_geometry, dock_state : str
        As the window system wrote them, base64.
    convergence_files : tuple of str
        Logs of fits that were opened, newest first.
    convergence_log_loss, convergence_log_epochs : bool
        Logarithmic axes in the convergence panel.
    convergence_shares : bool
        Draw losses there as shares of that of the first epoch.
    step_values : dict of str to dict
        For each step the values that its dialog was last run with.
    """

    model_config = ConfigDict(validate_assignment=True)

    theme: Literal["dark", "light", "system"] = "dark"
    radiological: bool = False
    recent_studies: tuple[str, ...] = ()
    recent_searches: tuple[str, ...] = ()
    anatomical_atlas: str = ""
    last_folder: str = ""
    max_running: int = Field(default=1, ge=1, le=64)
    threads: int = Field(default=0, ge=0, le=1024)
    window_geometry: str = ""
    dock_state: str = ""
    convergence_files: tuple[str, ...] = ()
    convergence_log_loss: bool = False
    convergence_log_epochs: bool = False
    convergence_shares: bool = False
    step_values: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def remember_study(self, root: Path) -> None:
        """Put a study first in the list of recent ones."""
        others = [each for each in self.recent_studies if each != str(root)]
        self.recent_studies = (str(root), *others)[:_MOST_RECENT]

    def forget_study(self, root: str) -> None:
        """Take a study off the list of recent ones."""
        self.recent_studies = tuple(each for each in self.recent_studies if each != root)


def load_settings() -> Settings:
    """Read the settings; what is missing or damaged takes its default."""
    try:
        values = json.loads(settings_path().read_bytes())
    except (OSError, ValueError):
        return Settings()
    if not isinstance(values, dict):
        return Settings()
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors()}
        return Settings.model_validate({k: v for k, v in values.items() if k not in wrong})


def save_settings(settings: Settings) -> None:
    """Write the settings; on a read-only home they live for this session only."""
    try:
        write_text(settings_path(), settings.model_dump_json(indent=2) + "\n")
    except OSError:
        return
