"""How the brain is looked at in 3D: camera, cuts, glass. What is shown is in `BrainScene`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import EventedModel
from pydantic import ConfigDict, Field, PrivateAttr

from music_gui.core.atlas import Atlas

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where the eye is, where it looks, and what points up, in world mm."""

    position: Vector
    focal_point: Vector
    up: Vector


@dataclass(frozen=True)
class CutPlane:
    """A plane across one axis of world space; one side of it is cut away.

    Parameters
    ----------
    axis : int
        0 cuts x (sagittal), 1 cuts y (coronal), 2 cuts z (axial).
    position : float
        World mm.
    keeps_high : bool
        Keep what lies right of, in front of or above the plane; otherwise the other side.
    """

    axis: int
    position: float
    keeps_high: bool = True

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector towards the side that is kept, shape (3,)."""
        normal = np.zeros(3)
        normal[self.axis] = 1.0 if self.keeps_high else -1.0
        return normal

    def keeps(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell which points in world mm, shape (..., 3), are not cut away, shape (...)."""
        places = points[..., self.axis]
        kept: NDArray[np.bool_] = (
            places >= self.position if self.keeps_high else places <= self.position
        )
        return kept


class View3D(EventedModel):
    """The state of the 3D view that the other brain views don't share.

    Attributes
    ----------
    camera : Camera or None
        None before anything was looked at: the view then shows all from its first direction.
    cuts : tuple of CutPlane
        At most one an axis, in the order of the axes; what any of them cuts away is not drawn.
    cuts_follow_crosshair : bool
        All cuts go through the crosshair.
    glass : bool
        Draw the glass brain around the PSCs wherever some are hidden or faded.
    glass_opacity : float
        0 to 1.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    camera: Camera | None = None
    cuts: tuple[CutPlane, ...] = ()
    cuts_follow_crosshair: bool = False
    glass: bool = True
    glass_opacity: float = Field(default=0.3, ge=0.0, le=1.0)

    _looked_at: Any = PrivateAttr(default=None)

    def on_atlas(self, atlas: Atlas | None) -> None:
        """Forget the camera if the atlas lies somewhere else; cuts stay where they are."""
        if atlas is None:
            return
        place = (atlas.name, atlas.grid.shape, atlas.grid.affine.tobytes())
        if self._looked_at not in (None, place):
            self.camera = None
        self._looked_at = place

    def cut(self, axis: int) -> CutPlane | None:
        """Return the cut across an axis."""
        return next((plane for plane in self.cuts if plane.axis == axis), None)

    def set_cut(self, plane: CutPlane) -> None:
        """Cut, or move or turn the cut across the same axis."""
        others = [each for each in self.cuts if each.axis != plane.axis]
        self.cuts = tuple(sorted([*others, plane], key=lambda each: each.axis))

    def remove_cut(self, axis: int) -> None:
        """Cut no more across an axis."""
        self.cuts = tuple(each for each in self.cuts if each.axis != axis)

    def planes(self, crosshair: Vector) -> tuple[CutPlane, ...]:
        """Return the cuts where they are drawn: through the crosshair if they follow it."""
        if not self.cuts_follow_crosshair:
            return self.cuts
        return tuple(replace(plane, position=crosshair[plane.axis]) for plane in self.cuts)

    def reset(self) -> None:
        """Look as at first: no cuts, the glass brain as it was."""
        self.update(View3D().model_dump(exclude={"camera"}) | {"camera": None})


def kept_span(
    origin: NDArray[np.floating], direction: NDArray[np.floating], planes: tuple[CutPlane, ...]
) -> tuple[float, float, CutPlane | None]:
    """Return the part of a ray that no plane cuts away.

    Parameters
    ----------
    origin, direction : ndarray, shape (3,)
        World mm; the direction is a unit vector.
    planes : tuple of CutPlane
        The kept space is where all of them keep, so the part is one piece.

    Returns
    -------
    near, far : float
        Distances from the origin in mm; near > far if nothing is kept.
    entry : CutPlane or None
        The plane through which the ray enters; None if it starts inside.
    """
    near, far, entry = 0.0, float("inf"), None
    for plane in planes:
        towards = float(direction @ plane.normal)
        height = float((origin - plane.position * np.abs(plane.normal)) @ plane.normal)
        if towards == 0.0:
            if height < 0:
                return 0.0, -1.0, None
        elif towards > 0:
            if -height / towards > near:
                near, entry = -height / towards, plane
        else:
            far = min(far, -height / towards)
    return near, far, entry
