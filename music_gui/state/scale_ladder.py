"""One place at all scales: its PSC at each, and how one PSC is divided up by the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from music_gui.core.atlas import Atlas, parse_psc_name, psc_name
from music_gui.state.brain_scene import BrainScene
from music_gui.state.study_reader import StudyReader

if TYPE_CHECKING:
    from music_gui.core.atlas.scale_paths import Overlap, ScalePaths


@dataclass(frozen=True)
class Rung:
    """One scale of the ladder.

    Parameters
    ----------
    scale : int
        C.
    here : str or None
        The PSC at the crosshair.
    parts : tuple of Overlap
        Into what this scale divides the PSC in question, the largest first.
    """

    scale: int
    here: str | None
    parts: tuple[Overlap, ...]


@dataclass(frozen=True)
class Flow:
    """What the parts of two neighbouring scales have in common.

    Parameters
    ----------
    coarse, fine : str
        Names of the parts; empty for no PSC.
    share : float
        Of the PSC in question, 0 to 1.
    """

    coarse: str
    fine: str
    share: float


@dataclass(frozen=True)
class Lineage:
    """A PSC with its parents and children at all scales.

    Parameters
    ----------
    name : str
        The PSC.
    rungs : tuple of Rung
        One a scale, coarsest first.
    flows : tuple of tuple of Flow
        Between each rung and the next one; the shares of each add up to 1.
    """

    name: str
    rungs: tuple[Rung, ...]
    flows: tuple[tuple[Flow, ...], ...]

    def rung(self, scale: int) -> Rung:
        """Return the rung of a scale."""
        return next(rung for rung in self.rungs if rung.scale == scale)


class ScaleLadder:
    """Knows how the scales of the scene's atlas overlap, and goes from one to another.

    Parameters
    ----------
    scene : BrainScene
        Its atlas, scale and crosshair.
    reader : StudyReader
        Runs what takes a while.

    Signals
    -------
    paths_changed()
        The overlaps of the scene's atlas are known, or there is no atlas.
    """

    paths_changed = Signal()

    def __init__(self, scene: BrainScene, reader: StudyReader) -> None:
        self._scene = scene
        self._reader = reader
        self._paths: tuple[Atlas, ScalePaths] | None = None
        scene.events.atlas.connect(self._on_atlas)

    @property
    def paths(self) -> ScalePaths | None:
        """How the scales overlap; None until `prepare` has an answer."""
        if self._paths is None or self._paths[0] is not self._scene.atlas:
            return None
        return self._paths[1]

    def prepare(self) -> None:
        """Find out how the scales of the atlas overlap; `paths_changed` follows.

        It takes 0.05 s for the published atlas, less than to hash its images, so that it is
        remembered for the atlas that is shown and not beyond.
        """
        atlas = self._scene.atlas
        if atlas is None or not atlas.scales or self.paths is not None:
            return

        def read() -> ScalePaths:
            from music_gui.core.atlas.scale_paths import scale_paths

            return scale_paths(atlas)

        def show(paths: ScalePaths) -> None:
            if self._scene.atlas is atlas:
                self._paths = (atlas, paths)
                self.paths_changed.emit()

        self._reader.read(read, show, topic="scale paths")

    def _on_atlas(self, atlas: Atlas | None) -> None:
        if atlas is None:
            self._paths = None
            self.paths_changed.emit()

    # -- what is where ---------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The PSC in question: that at the crosshair, else the selected one."""
        return self._scene.psc_at_crosshair or self._scene.selected

    def lineage(self) -> Lineage | None:
        """Return the PSC in question with its parents and children; None if there is none."""
        paths, atlas, name = self.paths, self._scene.atlas, self.name
        if paths is None or atlas is None or name is None:
            return None
        point = np.array(self._scene.crosshair)
        inside = paths.of(name)
        if inside.n_voxels.size == 0:
            return None
        rungs = tuple(
            Rung(scale, atlas.psc_at(point, scale), paths.overlaps(name, scale))
            for scale in paths.scales
        )
        flows = tuple(
            _flows(inside, coarse, fine)
            for coarse, fine in zip(paths.scales, paths.scales[1:], strict=False)
        )
        return Lineage(name, rungs, flows)

    # -- going elsewhere -------------------------------------------------------------------

    def go_to_scale(self, scale: int) -> None:
        """Show another scale and select the PSC at the crosshair there."""
        self._scene.set_scale(scale)
        self._scene.look_at(self._scene.crosshair, select=True)

    def go_to(self, name: str) -> None:
        """Select a PSC of any scale, moving the crosshair no further than must be.

        The crosshair stays if it lies in the PSC; otherwise it goes to the nearest voxel that the
        PSC shares with the one in question, or to its own nearest voxel.
        """
        scene, before = self._scene, self.name
        atlas = scene.atlas
        if atlas is None:
            return
        scale, label = parse_psc_name(name)
        inside = atlas.scales[scale].labels == label
        if before is not None:
            other_scale, other = parse_psc_name(before)
            shared = inside & (atlas.scales[other_scale].labels == other)
            inside = shared if shared.any() else inside
        point = np.array(scene.crosshair)
        if atlas.psc_at(point, scale) != name and inside.any():
            world = atlas.grid.to_world(np.argwhere(inside))
            x, y, z = world[((world - point) ** 2).sum(axis=1).argmin()].tolist()
            scene.look_at((x, y, z))
        scene.select(name, move_crosshair=False)

    def go_to_nearest(self) -> None:
        """Select the PSC of the scene's scale that lies nearest to the crosshair."""
        atlas, scale = self._scene.atlas, self._scene.scale
        if atlas is None or scale is None or not atlas.scales[scale].present:
            return
        voxels = np.argwhere(atlas.scales[scale].labels > 0)
        world = atlas.grid.to_world(voxels)
        nearest = ((world - np.array(self._scene.crosshair)) ** 2).sum(axis=1).argmin()
        x, y, z = world[nearest].tolist()
        self._scene.look_at((x, y, z), select=True)


def _flows(inside: ScalePaths, coarse: int, fine: int) -> tuple[Flow, ...]:
    """Return what the parts of two scales share within a PSC, by decreasing share."""
    pairs = inside.column(coarse).astype(np.int64) * (fine + 1) + inside.column(fine)
    found, place = np.unique(pairs, return_inverse=True)
    counts = np.bincount(place, weights=inside.n_voxels)
    whole = counts.sum()
    flows = []
    for at in np.argsort(-counts, kind="stable").tolist():
        labels = divmod(int(found[at]), fine + 1)
        names = [
            psc_name(scale, label) if label else ""
            for scale, label in zip((coarse, fine), labels, strict=True)
        ]
        flows.append(Flow(names[0], names[1], float(counts[at] / whole)))
    return tuple(flows)
