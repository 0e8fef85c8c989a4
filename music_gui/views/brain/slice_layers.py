"""What is drawn in a slice, as arrays of colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.state.slice_sampler import SliceSampler
from music_gui.views.widgets import palette

#: Lines around PSCs are a quarter of a voxel wide.
_LINE_SCALE = 4

#: Every so many voxels a PSC without a value has a gap, along the diagonals.
_HATCH_VOXELS = 3

#: How much more of the selected PSC's colour is seen.
_ACCENT = 0.35


@dataclass(frozen=True, eq=False)
class SliceSources:
    """What is cut into slices, and how PSCs look.

    Parameters
    ----------
    underlay : SliceSampler or None
        Grey levels 0 to 255.
    overlay : SliceSampler or None
        Values of a map.
    overlay_range : tuple of float
        Values of the first and the last colour; lower ones are not drawn.
    overlay_opacity : float
        Of the map, 0 to 1.
    labels : SliceSampler or None
        PSCs of one scale.
    colors : ndarray, shape (C + 1, 4), uint8
        Of the labels.
    hatched : ndarray, shape (C + 1,), bool, or None
        Labels that lack the painted value.
    selected : int or None
        Label to be accented.
    opacity : float
        Of the PSCs, 0 to 1.
    outline : bool
        Lines around PSCs instead of areas.
    radiological : bool
        Left on the right.
    """

    underlay: SliceSampler | None
    overlay: SliceSampler | None
    overlay_range: tuple[float, float]
    overlay_opacity: float
    labels: SliceSampler | None
    colors: NDArray[np.uint8]
    hatched: NDArray[np.bool_] | None
    selected: int | None
    opacity: float
    outline: bool
    radiological: bool

    def bounds(self) -> NDArray[np.float64]:
        """Return the box around all images in world mm, shape (3, 2)."""
        return _union([each.bounds for each in self._present()])

    def content(self) -> NDArray[np.float64]:
        """Return the box around what is not zero in world mm, shape (3, 2)."""
        return _union([each.content for each in self._present()])

    def leading(self) -> SliceSampler | None:
        """Return the image whose slices the wheel goes through."""
        return next(iter(self._present()), None)

    def _present(self) -> list[SliceSampler]:
        layers = (self.underlay, self.labels, self.overlay)
        return [each for each in layers if each is not None]


def _union(boxes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the box around boxes, shape (3, 2)."""
    if not boxes:
        return np.array([[-90.0, 90.0]] * 3)
    stacked = np.stack(boxes)
    return np.stack([stacked[:, :, 0].min(axis=0), stacked[:, :, 1].max(axis=0)], axis=1)


def mapped(plane: NDArray[np.float32], sources: SliceSources) -> NDArray[np.uint8]:
    """Colour a plane of a map's values, shape (u, v, 4); below the range it is transparent."""
    low, high = sources.overlay_range
    level = np.clip((plane - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    colors = np.empty((*plane.shape, 4), dtype=np.uint8)
    colors[..., :3] = palette.color_map("image")[level]
    colors[..., 3] = np.where(plane >= low, round(255 * sources.overlay_opacity), 0)
    return colors


def filled(plane: NDArray[np.int32], sources: SliceSources) -> NDArray[np.uint8]:
    """Colour a plane of labels, shape (u, v, 4)."""
    colors = sources.colors.copy()
    alpha = colors[:, 3] * sources.opacity
    if sources.selected is not None:
        alpha[sources.selected] = colors[sources.selected, 3] * min(1.0, sources.opacity + _ACCENT)
    colors[:, 3] = alpha
    if sources.hatched is None or not sources.hatched.any():
        return colors[plane]
    rows, columns = np.indices(plane.shape, sparse=True)
    gaps = sources.hatched[plane] & ((rows + columns) % _HATCH_VOXELS == 0)
    return np.where(gaps[..., None], 0, colors[plane])


def outlined(plane: NDArray[np.int32], sources: SliceSources) -> NDArray[np.uint8] | None:
    """Draw lines at the edges of labels, or of the selected one only; None without any line."""
    colors = np.zeros_like(sources.colors)
    if sources.outline:
        colors[:] = sources.colors
    if sources.selected is not None and sources.colors[sources.selected, 3]:
        highlight = np.array(palette.rgb(palette.current().highlight)) * 255
        colors[sources.selected] = [*highlight.round().astype(np.uint8), 255]
    if not (sources.outline or (plane == sources.selected).any()):
        return None
    fine = plane.repeat(_LINE_SCALE, axis=0).repeat(_LINE_SCALE, axis=1)
    edge = np.zeros(fine.shape, dtype=bool)
    across, along = fine[1:] != fine[:-1], fine[:, 1:] != fine[:, :-1]
    edge[1:] |= across
    edge[:-1] |= across
    edge[:, 1:] |= along
    edge[:, :-1] |= along
    lines = np.zeros((*fine.shape, 4), dtype=np.uint8)
    lines[edge] = colors[fine[edge]]
    return lines
