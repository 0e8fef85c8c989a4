"""Reads what the brain views show beside the atlas: template, surfaces and single maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from music_gui.io.study import Study
from music_gui.state import loading
from music_gui.state.brain_scene import BrainScene, SliceImage
from music_gui.state.slice_sampler import display_range
from music_gui.state.study_reader import StudyReader

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface

_Map = tuple[SliceImage, tuple[float, float]]


class BrainLoading:
    """Fills `BrainScene.underlay`, `BrainScene.surface` and `BrainScene.overlay`.

    Parameters
    ----------
    scene : BrainScene
        What is filled; a change of its scale is followed.
    reader : StudyReader
        Reads the files.
    """

    def __init__(self, scene: BrainScene, reader: StudyReader) -> None:
        self._scene = scene
        self._reader = reader
        self._n_asked = 0
        self._has_own_underlay = False
        scene.events.scale.connect(self._load_surface)

    def load_template(self) -> None:
        """Read the built-in template that lies under the slices."""

        def show(template: SliceImage) -> None:
            self._scene.underlay = template
            self._has_own_underlay = False

        self._reader.read(loading.load_template, show, topic="underlay")

    def show_map(self, path: Path) -> None:
        """Show any 3-D NIfTI image over the template."""
        self._reader.read(
            lambda: _with_range(loading.load_map(path)), self._shown_if_wanted(), topic="map"
        )

    def show_participant_map(self, participant_id: str, session_id: str) -> None:
        """Show the map of a participant of the open study over the template."""

        def read(study: Study) -> _Map:
            return _with_range(loading.load_participant_map(study, participant_id, session_id))

        self._reader.read_from_study(read, self._shown_if_wanted(), topic="map")

    def hide_map(self) -> None:
        """Show no map any more, and none that is still being read."""
        self._n_asked += 1
        self._scene.hide_overlay()

    def use_map_as_template(self) -> None:
        """Put the map that is shown under the slices, in place of the template.

        For a template of the maps' own space, since not every space is exactly MNI152's.
        """
        if self._scene.overlay is not None:
            self._scene.underlay = self._scene.overlay
            self._has_own_underlay = True
            self.hide_map()

    def forget(self) -> None:
        """Hide the map and bring the built-in template back."""
        self.hide_map()
        if self._has_own_underlay:
            self.load_template()

    def _shown_if_wanted(self) -> Callable[[_Map], None]:
        """Return what shows a map unless something else was asked for in the meantime."""
        self._n_asked += 1
        number = self._n_asked

        def show(answer: _Map) -> None:
            if number == self._n_asked:
                self._scene.show_overlay(*answer)

        return show

    def _load_surface(self, scale: int | None) -> None:
        atlas = self._scene.atlas
        if atlas is None or scale is None:
            return

        def show(surface: LabelSurface) -> None:
            if self._scene.atlas is atlas and self._scene.scale == scale:
                self._scene.surface = surface

        self._reader.read_from_study(
            lambda study: loading.load_surface(study, atlas.name, scale), show, topic="surface"
        )


def _with_range(image: SliceImage) -> _Map:
    return image, display_range(image.data)
