"""The colour of each PSC, from the state: the 3D scene, the slices and the list share it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import parse_psc_name
from music_gui.state.brain_scene import BrainScene
from music_gui.state.painted_values import PaintedValues, paint, painted_values
from music_gui.views.widgets import palette


def scene_colors(scene: BrainScene) -> NDArray[np.uint8]:
    """Return red, green, blue and alpha of each label of the scene's scale, shape (C + 1, 4).

    Alpha is 0 for the background and for hidden PSCs, 255 otherwise. Without a painted column
    the selected PSCs have the highlight colour, but where several are drawn alone; a painted
    value is never covered.
    """
    if scene.atlas is None or scene.scale is None:
        return np.zeros((1, 4), dtype=np.uint8)
    table = scale_colors(scene, scene.scale)
    if not is_painted(scene):
        labels = selected_labels(scene)
        if len(labels) == 1 or not scene.ghost:
            table[labels, :3] = _bytes(palette.current().highlight)
    table[1:, 3] = np.where(hidden_labels(scene)[1:], 0, 255)
    return table


def scale_colors(scene: BrainScene, scale: int) -> NDArray[np.uint8]:
    """Return what `scene_colors` does for any scale, without selection or hiding."""
    table = np.zeros((scale + 1, 4), dtype=np.uint8)
    table[1:, 3] = 255
    if scene.atlas is None:
        return table
    if is_painted(scene, scale) and scene.painted is not None:
        table[1:, :3] = value_colors(paint(scene.painted, scene.atlas, scale))
    else:
        table[1:, :3] = palette.psc_colors(scale)
    return table


def is_painted(scene: BrainScene, scale: int | None = None) -> bool:
    """Tell whether values colour the PSCs of a scale, the scene's by default.

    A column without any value of that scale colours nothing: each PSC then has its own colour.
    """
    scale = scene.scale if scale is None else scale
    if scene.painted is None or scene.atlas is None or scale is None:
        return False
    values = scene.painted.values
    return any(name in values for name in scene.atlas.scales[scale].names)


def value_colors(painted: PaintedValues) -> NDArray[np.uint8]:
    """Return the colours of painted values over their range, shape (C, 3).

    PSCs without a value and those that do not pass the threshold have two greys of the theme.
    """
    theme, values = palette.current(), painted.values
    with np.errstate(invalid="ignore"):
        place = np.clip((values - painted.low) / (painted.high - painted.low), 0, 1)
    table = palette.color_map(painted.column.style.color_map or painted.column.kind)
    colors = table[np.rint(np.nan_to_num(place) * 255).astype(int)]
    colors[~painted.passes] = _bytes(theme.below_threshold)
    colors[~np.isfinite(values)] = _bytes(theme.no_value)
    return colors


def missing_labels(scene: BrainScene) -> NDArray[np.bool_]:
    """Tell for each label of the scene's scale whether it lacks a painted value, shape (C + 1,)."""
    painted = painted_values(scene)
    if painted is None or not is_painted(scene):
        return np.zeros((scene.scale or 0) + 1, dtype=bool)
    return np.concatenate([[False], painted.missing])


def hidden_labels(scene: BrainScene) -> NDArray[np.bool_]:
    """Tell for each label of the scene's scale whether it is hidden, shape (C + 1,)."""
    if scene.atlas is None or scene.scale is None:
        return np.zeros(1, dtype=bool)
    names = scene.atlas.scales[scene.scale].names
    return np.array([False, *(name in scene.hidden for name in names)])


def selected_labels(scene: BrainScene) -> list[int]:
    """Return the labels of the selected PSCs of the scene's scale, ascending."""
    parsed = (parse_psc_name(name) for name in scene.selection)
    return sorted(label for scale, label in parsed if scale == scene.scale)


def selected_label(scene: BrainScene) -> int | None:
    """Return the label of the PSC that all panels tell about, if it is of the scene's scale."""
    if scene.selected is None:
        return None
    scale, label = parse_psc_name(scene.selected)
    return label if scale == scene.scale else None


def _bytes(color: str) -> NDArray[np.uint8]:
    return np.round(np.array(palette.rgb(color)) * 255).astype(np.uint8)
