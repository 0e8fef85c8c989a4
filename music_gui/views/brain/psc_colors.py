"""The colour of each PSC, from the state: the 3D scene, the slices and the list share it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import parse_psc_name
from music_gui.state.brain_scene import BrainScene, PscColumn
from music_gui.views.widgets import palette


def scene_colors(scene: BrainScene) -> NDArray[np.uint8]:
    """Return red, green, blue and alpha of each label of the scene's scale, shape (C + 1, 4).

    Alpha is 0 for the background and for hidden PSCs, 255 otherwise. Without a painted column
    the selected PSC has the highlight colour; a painted value is never covered.
    """
    if scene.atlas is None or scene.scale is None:
        return np.zeros((1, 4), dtype=np.uint8)
    names = scene.atlas.scales[scene.scale].names
    table = np.zeros((len(names) + 1, 4), dtype=np.uint8)
    if scene.painted is None:
        table[1:, :3] = palette.psc_colors(len(names))
        if (label := selected_label(scene)) is not None:
            table[label, :3] = _bytes(palette.current().highlight)
    else:
        table[1:, :3] = value_colors(scene.painted, names)
    table[1:, 3] = np.where(hidden_labels(scene)[1:], 0, 255)
    return table


def value_colors(column: PscColumn, names: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return the colours of a column's values over its display range, shape (n, 3)."""
    values = np.array([column.values.get(name, np.nan) for name in names], dtype=np.float64)
    low, high = column.limits()
    with np.errstate(invalid="ignore"):
        place = np.clip((values - low) / (high - low), 0, 1)
    colors = palette.color_map(column.kind)[np.rint(np.nan_to_num(place) * 255).astype(int)]
    return np.where(np.isnan(values)[:, None], _bytes(palette.current().no_value), colors)


def hidden_labels(scene: BrainScene) -> NDArray[np.bool_]:
    """Tell for each label of the scene's scale whether it is hidden, shape (C + 1,)."""
    if scene.atlas is None or scene.scale is None:
        return np.zeros(1, dtype=bool)
    names = scene.atlas.scales[scene.scale].names
    return np.array([False, *(name in scene.hidden for name in names)])


def selected_label(scene: BrainScene) -> int | None:
    """Return the label of the selected PSC if it belongs to the scene's scale."""
    if scene.selected is None or scene.scale is None:
        return None
    scale, label = parse_psc_name(scene.selected)
    return label if scale == scene.scale else None


def _bytes(color: str) -> NDArray[np.uint8]:
    return np.round(np.array(palette.rgb(color)) * 255).astype(np.uint8)
