"""Which PSC is seen at a place of the 3D view: neither hidden, nor cut away, nor faded to glass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from music_gui.state.cut_face import CutFace
from music_gui.state.surface_picker import SurfaceHit, SurfacePicker
from music_gui.state.view_3d import kept_span


def first_visible(
    origin: NDArray[np.floating],
    direction: NDArray[np.floating],
    picker: SurfacePicker,
    hidden: NDArray[np.bool_],
    faces: Iterable[CutFace] = (),
) -> SurfaceHit | None:
    """Return what a line of sight meets first, or None.

    Parameters
    ----------
    origin, direction : ndarray, shape (3,)
        World mm.
    picker : SurfacePicker
        Of the surface that is drawn.
    hidden : ndarray, shape (C + 1,), bool
        Labels of it that are not drawn.
    faces : iterable of CutFace
        One for each cut; the line meets the face it enters through before the surface behind.
    """
    unit = np.asarray(direction, dtype=np.float64) / np.linalg.norm(direction)
    by_plane = {face.plane: face for face in faces}
    near, far, entry = kept_span(origin, unit, tuple(by_plane))
    if near > far:
        return None
    if entry is not None:
        point = np.asarray(origin, dtype=np.float64) + near * unit
        if label := by_plane[entry].label_at(point):
            return SurfaceHit(label, point)
    return picker.first_hit(origin, unit, hidden, (near, far))
