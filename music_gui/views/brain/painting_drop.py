"""Tables that are dropped on the brain to be painted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QDropEvent

from music_gui.state.brain_scene import BrainScene
from music_gui.state.dropped_files import table_in


def dropped_paths(event: QDropEvent) -> list[Path]:
    """Return the files and folders on this machine that are dragged or dropped."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def can_paint(scene: BrainScene, paths: list[Path]) -> bool:
    """Tell whether one table was dropped and there is an atlas to paint it on."""
    return scene.atlas is not None and table_in(paths) is not None
