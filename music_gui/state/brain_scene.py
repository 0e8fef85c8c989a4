"""What the brain views show: one model that the 3D scene, the slices and the PSC list follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import EventedModel, Signal
from pydantic import ConfigDict, Field, PrivateAttr

from music_gui.core.atlas import Atlas, parse_psc_name
from music_gui.core.grid import Grid
from music_gui.state.psc_column import PscColumn

Point = tuple[float, float, float]

#: So many changes of what is hidden can be taken back.
_HIDDEN_HISTORY = 50


@dataclass(frozen=True, eq=False)
class SliceImage:
    """An image that is shown in the slices: the template, or a map over it.

    Parameters
    ----------
    name : str
        Shown with it.
    data : ndarray, 3-D
        Its values.
    grid : Grid
        Where they lie.
    warnings : tuple of str
        What the reader had to decide, in plain words.
    """

    name: str
    data: NDArray[Any]
    grid: Grid
    warnings: tuple[str, ...] = ()

    def value_at(self, point: Point) -> float | None:
        """Return the nearest voxel's value at a point in world mm, or None outside."""
        i, j, k = np.rint(self.grid.to_voxel(np.array(point))).astype(int)
        shape = self.grid.shape
        if not (0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]):
            return None
        return float(self.data[i, j, k])


class BrainScene(EventedModel):
    """The state of the brain views.

    Attributes
    ----------
    atlas : Atlas or None
        What is shown; None shows the template alone.
    scale : int or None
        One of the atlas's scales.
    surface : LabelSurface or None
        The mesh of atlas and scale; it arrives a moment after them.
    shown_surface : LabelSurface or None
        The mesh of the PSCs that are not hidden, which shows what lay behind the hidden ones; it
        arrives a moment after they were hidden. None while nothing is hidden.
    selected_surface : LabelSurface or None
        The closed surfaces of all selected PSCs; it arrives a moment after they were selected.
    selected : str or None
        Name of a PSC of this scale: the one that all panels tell about.
    also_selected : frozenset of str
        Further PSCs of this scale, selected together with it by `toggle_selected`.
    anatomy : Anatomy or None
        What the atlas's PSCs cover of an anatomical atlas; it arrives a moment after the atlas.
    crosshair : tuple of float
        World mm, RAS+.
    painted : PscColumn or None
        What colours the PSCs; None gives each its own colour.
    hidden : frozenset of str
        PSCs that are not drawn; kept when the scale changes and comes back.
    opacity : float
        Of the PSCs in the slices, 0 to 1.
    outline : bool
        Draw PSCs in the slices as outlines instead of filled.
    ghost : bool
        When a PSC is selected, fade the others to a glass brain in 3D.
    pscs_in_slices : bool
        Draw PSCs in the slices at all.
    underlay : SliceImage or None
        The image under the PSCs.
    overlay : SliceImage or None
        A map between the underlay and the PSCs; set by `show_overlay`.
    overlay_visible : bool
        Draw the map.
    overlay_opacity : float
        Of the map, 0 to 1.
    overlay_range : tuple of float
        The values of the map that have the first and the last colour; lower ones are not drawn.
    radiological : bool
        Show the subject's left on the right.

    Signals
    -------
    view_reset()
        All views go back to where they started.
    """

    view_reset: ClassVar[Signal] = Signal()

    model_config = ConfigDict(arbitrary_types_allowed=True)

    atlas: Atlas | None = None
    scale: int | None = None
    # Any: naming LabelSurface here would import SciPy when the application starts.
    surface: Any = None
    shown_surface: Any = None
    selected_surface: Any = None
    selected: str | None = None
    also_selected: frozenset[str] = frozenset()
    anatomy: Any = None
    crosshair: Point = (0.0, 0.0, 0.0)
    painted: PscColumn | None = None
    hidden: frozenset[str] = frozenset()
    opacity: float = Field(default=0.6, ge=0.0, le=1.0)
    outline: bool = False
    ghost: bool = False
    pscs_in_slices: bool = True
    underlay: SliceImage | None = None
    overlay: SliceImage | None = None
    overlay_visible: bool = True
    overlay_opacity: float = Field(default=0.75, ge=0.0, le=1.0)
    overlay_range: tuple[float, float] = (0.0, 1.0)
    radiological: bool = False

    _hidden_before: list[frozenset[str]] = PrivateAttr(default_factory=list)
    _hidden_last: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.events.selected.connect(self._on_selected)
        self.events.hidden.connect(self._remember_hidden)

    def show_atlas(self, atlas: Atlas | None, scale: int | None = None) -> None:
        """Show an atlas, at a scale or its coarsest; the place of the crosshair is kept."""
        if atlas is not None and self.atlas is not None and atlas.name != self.atlas.name:
            self.hidden = frozenset()  # another atlas's PSCs of the same names
            self._hidden_before.clear()
        self.selected = None
        self.surface = None
        self.scale = None
        self.atlas = atlas
        if atlas is not None and atlas.scales:
            self.set_scale(scale if scale in atlas.scales else min(atlas.scales))

    def set_scale(self, scale: int) -> None:
        """Show another scale of the same atlas; a selection moves to the PSC at the crosshair."""
        if self.atlas is None or scale not in self.atlas.scales or scale == self.scale:
            return
        had_selection = self.selected is not None
        self.selected = None
        self.surface = None
        self.scale = scale
        if had_selection:
            self.selected = self.psc_at_crosshair

    def step_scale(self, steps: int) -> None:
        """Go to the next finer (+1) or coarser (-1) scale."""
        if self.atlas is None or self.scale is None:
            return
        scales = sorted(self.atlas.scales)
        place = scales.index(self.scale) + steps
        self.set_scale(scales[min(max(place, 0), len(scales) - 1)])

    def select(self, name: str | None, *, move_crosshair: bool = True) -> None:
        """Select a PSC, going to its scale; None selects nothing."""
        self.also_selected = frozenset()
        if name is None or self.atlas is None:
            self.selected = None
            return
        scale, _ = parse_psc_name(name)
        if scale not in self.atlas.scales:
            return
        if scale != self.scale:
            self.selected = None
            self.surface = None
            self.scale = scale
        if move_crosshair and (centre := self.atlas.centre_of(name)) is not None:
            self.crosshair = (float(centre[0]), float(centre[1]), float(centre[2]))
        self.selected = name

    @property
    def selection(self) -> frozenset[str]:
        """All selected PSCs."""
        return self.also_selected if self.selected is None else self.also_selected | {self.selected}

    def toggle_selected(self, name: str) -> None:
        """Select a PSC of this scale together with those that are, or take it out again."""
        chosen = self.selection ^ {name}
        current = name if name in chosen else self.selected
        if current not in chosen:
            current = min(chosen, default=None)
        if current == self.selected:
            self.also_selected = chosen - {current}
        else:
            self.also_selected = chosen  # keeps them when `current` becomes the selected one
            self.selected = current

    def _on_selected(self, name: str | None) -> None:
        """Keep the others only if the new one was among them."""
        self.also_selected = (
            self.also_selected - {name} if name in self.also_selected else frozenset()
        )

    def look_at(self, point: Point, *, select: bool = False) -> None:
        """Move the crosshair; with ``select`` the PSC there becomes the selected one."""
        self.crosshair = (float(point[0]), float(point[1]), float(point[2]))
        if select and (name := self.psc_at_crosshair) is not None:
            self.selected = name

    def look_at_psc(self, name: str, near: Point) -> None:
        """Select a PSC of this scale and send the crosshair to its voxel nearest to a point.

        A point on a smoothed surface may lie a little outside the PSC that was meant.
        """
        if self.atlas is None or self.scale is None:
            return
        _, label = parse_psc_name(name)
        voxels = np.argwhere(self.atlas.scales[self.scale].labels == label)
        if len(voxels):
            world = self.atlas.grid.to_world(voxels)
            nearest = ((world - np.array(near)) ** 2).sum(axis=1).argmin()
            self.look_at(
                (float(world[nearest, 0]), float(world[nearest, 1]), float(world[nearest, 2]))
            )
        self.also_selected = frozenset()
        self.selected = name

    @property
    def psc_at_crosshair(self) -> str | None:
        """Name of the PSC under the crosshair at this scale."""
        if self.atlas is None or self.scale is None:
            return None
        return self.atlas.psc_at(np.array(self.crosshair), self.scale)

    def show_overlay(self, image: SliceImage, limits: tuple[float, float]) -> None:
        """Show a map over the underlay, its colours running from one value to another.

        The first map hides the PSCs in the slices, which would cover it; `hide_overlay` brings
        them back.
        """
        if self.overlay is None:
            self.pscs_in_slices = False
        self.overlay_visible = True
        self.overlay_range = limits
        self.overlay = image

    def hide_overlay(self) -> None:
        """Show no map any more."""
        if self.overlay is not None:
            self.overlay = None
            self.pscs_in_slices = True

    def hide(self, *names: str) -> None:
        """Hide PSCs."""
        self.hidden = self.hidden | frozenset(names)

    def show_only(self, *names: str) -> None:
        """Hide all PSCs of this scale but some."""
        if self.atlas is not None and self.scale is not None:
            others = frozenset(self.atlas.scales[self.scale].names) - frozenset(names)
            self.hidden = (self.hidden | others) - frozenset(names)

    def show_all(self) -> None:
        """Hide nothing at this scale; without an atlas, nothing at all."""
        if self.atlas is not None and self.scale is not None:
            self.hidden = self.hidden - frozenset(self.atlas.scales[self.scale].names)
        else:
            self.hidden = frozenset()
            self._hidden_before.clear()

    @property
    def can_undo_hiding(self) -> bool:
        """Whether a change of what is hidden can be taken back."""
        return bool(self._hidden_before)

    def undo_hiding(self) -> None:
        """Take back the last change of what is hidden."""
        if self._hidden_before:
            self.hidden = self._hidden_before.pop()
            self._hidden_before.pop()  # what this change itself has left

    def _remember_hidden(self, hidden: frozenset[str]) -> None:
        self._hidden_before = [*self._hidden_before[1 - _HIDDEN_HISTORY :], self._hidden_last]
        self._hidden_last = hidden
