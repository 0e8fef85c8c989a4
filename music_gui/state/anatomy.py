"""The anatomy of the PSCs that are shown: computed off the UI thread, remembered by content."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from music_gui.core.atlas import Atlas, label_hash, parse_psc_name
from music_gui.core.errors import MusicError
from music_gui.state.background import Background
from music_gui.state.brain_scene import BrainScene, Point
from music_gui.state.search.anatomical_names import AnatomicalNames
from music_gui.state.settings import Settings, settings_path

if TYPE_CHECKING:
    from music_gui.core.anatomy import AnatomicalAtlas, AnatomicalRegion, AnatomyOverlap, Space

#: So many atlases' anatomies are kept: going back to one costs nothing.
_KEPT = 6


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The anatomy of all PSCs of an atlas.

    Parameters
    ----------
    regions : AnatomicalAtlas
        What the PSCs are described by.
    space : Space
        Of the PSCs' atlas, with its way to MNI152.
    overlaps : dict of int to AnatomyOverlap
        By scale.
    texts : dict of str to str
        PSC -> regions that hold most of it; vanished ones are left out.
    names : AnatomicalNames
        What the regions can be called.
    """

    regions: AnatomicalAtlas
    space: Space
    overlaps: dict[int, AnatomyOverlap]
    texts: dict[str, str]
    names: AnatomicalNames

    def row(self, psc: str) -> tuple[AnatomyOverlap, int] | None:
        """Return the overlaps of a PSC's scale and its row; None if it is not described."""
        scale, label = parse_psc_name(psc)
        overlap = self.overlaps.get(scale)
        return None if overlap is None or not 1 <= label <= scale else (overlap, label - 1)

    def describe(self, psc: str) -> str:
        """Describe a PSC in one line: sides, regions, centre in MNI mm; empty if vanished."""
        from music_gui.core.anatomy import describe

        found = self.row(psc)
        return "" if found is None else describe(*found)

    def details(self, psc: str) -> str:
        """Describe a PSC in full: sides, every region with a hundredth of it, centres."""
        from music_gui.core.anatomy.description import percent, point_text, side_text

        found = self.row(psc)
        if found is None or found[0].n_voxels[found[1]] == 0:
            return ""
        overlap, row = found
        lines = [f"{psc}: {side_text(overlap, row)}"]
        order = np.argsort(-overlap.psc_shares[row], kind="stable")
        for place in order[overlap.psc_shares[row, order] >= 0.01]:
            lines.append(
                f"{percent(float(overlap.psc_shares[row, place]))} lies in "
                f"{overlap.regions[place].full_name}, "
                f"{percent(float(overlap.region_shares[row, place]))} of which it holds"
            )
        outside = 1 - float(overlap.psc_shares[row].sum())
        if outside >= 0.01:
            lines.append(f"{percent(outside)} lies in no region")
        lines.append(
            f"Centre of mass {point_text(overlap.centres[row])}, nearest voxel of its own "
            f"{point_text(overlap.inner_centres[row])} (MNI152 mm)"
        )
        return "\n".join((*lines, self.origin))

    @property
    def origin(self) -> str:
        """Say which atlas the regions are of, and how the PSCs came to MNI152."""
        way = "" if self.space.is_mni else f"; {self.space.name} space, brought to MNI152 by affine"
        return f"By {self.regions.name}{way}"

    def region_at(self, point: Point) -> AnatomicalRegion | None:
        """Return the region at a point in world mm of the PSCs' atlas."""
        return self.regions.region_at(self.space.mni(np.array(point)))

    def mni(self, point: Point) -> Point:
        """Map world mm of the PSCs' atlas to MNI152 mm."""
        x, y, z = self.space.mni(np.array(point))
        return float(x), float(y), float(z)

    def world(self, point: Point) -> Point:
        """Map MNI152 mm to world mm of the PSCs' atlas."""
        x, y, z = self.space.world(np.array(point))
        return float(x), float(y), float(z)


class AnatomyLoading:
    """Fills `BrainScene.anatomy` whenever another atlas is shown or chosen.

    Parameters
    ----------
    scene : BrainScene
        Its atlas is followed.
    background : Background
        Where files are read and overlaps computed.
    settings : Settings
        Remembers which anatomical atlas is used.
    get_folder : callable
        Returns the folder of the open study's anatomical atlases, or None.
    on_error : callable
        Takes what could not be read.

    Signals
    -------
    choices_changed(names)
        Other anatomical atlases can be chosen.
    """

    choices_changed = Signal(tuple)

    def __init__(
        self,
        scene: BrainScene,
        background: Background,
        settings: Settings,
        get_folder: Callable[[], Path | None],
        on_error: Callable[[MusicError], None],
    ) -> None:
        self._scene = scene
        self._background = background
        self._settings = settings
        self._get_folder = get_folder
        self._on_error = on_error
        self._known: OrderedDict[tuple[Any, ...], Anatomy] = OrderedDict()
        self.choices: tuple[str, ...] = ()
        scene.events.atlas.connect(self.compute)

    @property
    def chosen(self) -> str:
        """Name of the anatomical atlas in use; empty for the built-in one."""
        return self._settings.anatomical_atlas

    def choose(self, name: str) -> None:
        """Use an anatomical atlas from now on, in this study and others that have it."""
        self._settings.anatomical_atlas = name
        self.compute()

    def compute(self, *_: object) -> None:
        """Compute the anatomy of the atlas that is shown, unless it is known."""
        self._scene.anatomy = None
        atlas, chosen = self._scene.atlas, self.chosen
        if atlas is None:
            return
        places = self._places()

        def show(answer: tuple[Anatomy, tuple[str, ...]]) -> None:
            anatomy, choices = answer
            if self._scene.atlas is atlas and self.chosen == chosen:
                self._set_choices(choices)
                self._scene.anatomy = anatomy

        self._background.run(
            lambda: self._work(atlas, chosen, places), show, self._on_error, topic="anatomy"
        )

    def _places(self) -> list[Path]:
        """Return the folders that may hold anatomical atlases: the study's and the user's own."""
        study = self._get_folder()
        return ([study] if study is not None else []) + [settings_path().parent / "anatomy"]

    def _set_choices(self, choices: tuple[str, ...]) -> None:
        if choices != self.choices:
            self.choices = choices
            self.choices_changed.emit(choices)

    def _work(
        self, atlas: Atlas, chosen: str, places: list[Path]
    ) -> tuple[Anatomy, tuple[str, ...]]:
        """Read and compute: runs in a thread."""
        from music_gui.core.anatomy import space_of
        from music_gui.io.anatomical_atlas import (
            BUILT_IN,
            anatomy_folders,
            read_anatomical_atlas,
        )
        from music_gui.io.template_spaces import read_spaces

        folders = anatomy_folders(places)
        regions = read_anatomical_atlas(folders.get(chosen, folders[BUILT_IN]))
        space = space_of(atlas, read_spaces())
        hashes = tuple(label_hash(scale, atlas.grid) for scale in atlas.scales.values())
        # The hash does not tell the storage order, which decides between equally near centres.
        key = (hashes, atlas.grid.affine.tobytes(), regions.digest, space.name)
        if key not in self._known:
            self._known[key] = make_anatomy(atlas, regions, space)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[key], tuple(folders)


def make_anatomy(atlas: Atlas, regions: AnatomicalAtlas, space: Space) -> Anatomy:
    """Compute overlaps and texts of all PSCs."""
    from music_gui.core.anatomy import anatomy_overlap, region_text
    from music_gui.io.region_names import read_synonyms

    overlaps = anatomy_overlap(atlas, regions, space)
    texts = {
        name: text
        for overlap in overlaps.values()
        for row, name in enumerate(overlap.names)
        if (text := region_text(overlap, row))
    }
    names = AnatomicalNames(regions.regions, read_synonyms())
    regions.centres  # noqa: B018 - computed here, off the UI thread
    return Anatomy(regions, space, overlaps, texts, names)
