"""The colours that all brain views share."""

from __future__ import annotations

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.state.brain_scene import BrainScene
from music_gui.state.psc_column import PscColumn
from music_gui.views.brain.psc_colors import scene_colors
from music_gui.views.brain.psc_text import format_value
from music_gui.views.widgets import palette


@pytest.fixture
def scene() -> BrainScene:
    labels = np.repeat(np.arange(5, dtype=np.int32), 8).reshape(5, 2, 4)
    scene = BrainScene()
    scene.show_atlas(Atlas("test", Grid(labels.shape, np.eye(4)), {4: AtlasScale(4, labels)}))
    return scene


def test_hidden_pscs_and_the_background_are_transparent(scene: BrainScene) -> None:
    scene.hide("C4_3")
    assert scene_colors(scene)[:, 3].tolist() == [0, 255, 255, 0, 255]


def test_the_selected_psc_is_highlighted_unless_its_colour_is_a_value(scene: BrainScene) -> None:
    scene.selected = "C4_2"
    highlight = [round(channel * 255) for channel in palette.rgb(palette.current().highlight)]
    assert scene_colors(scene)[2, :3].tolist() == highlight
    scene.painted = PscColumn("h2", {f"C4_{i}": float(i) for i in range(1, 5)})
    assert scene_colors(scene)[2, :3].tolist() != highlight


def test_values_run_over_the_colour_map_and_missing_ones_are_grey(scene: BrainScene) -> None:
    scene.painted = PscColumn("z", {"C4_1": -2.0, "C4_2": 0.0, "C4_3": 1.0}, kind="diverging")
    table, colors = palette.color_map("diverging"), scene_colors(scene)[1:, :3]
    np.testing.assert_array_equal(colors[:3], table[[0, 128, 191]])
    no_value = [round(channel * 255) for channel in palette.rgb(palette.current().no_value)]
    assert colors[3].tolist() == no_value


def test_a_column_of_one_value_or_none_can_be_painted(scene: BrainScene) -> None:
    for values in ({}, {"C4_1": 3.0}, {"C4_1": 3.0, "C4_2": 3.0}, {"C4_1": float("nan")}):
        scene.painted = PscColumn("odd", values)
        assert scene_colors(scene).shape == (5, 4)


def test_without_an_atlas_there_is_nothing_to_colour() -> None:
    assert scene_colors(BrainScene()).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (12.0, "12"), (-3.0, "−3"), (12345.0, "12\u202f345"), (0.4567, "0.457"),
        (45.678, "45.7"), (456.78, "457"), (-0.0123, "−0.0123"), (1.2e-8, "1.20e−08"),
        (float("nan"), "–"),
    ],
)  # fmt: skip
def test_numbers_are_written_short(value: float, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize("theme", [palette.DARK, palette.LIGHT], ids=lambda theme: theme.name)
def test_text_can_be_read_on_everything_it_stands_on(theme: palette.Theme) -> None:
    for background in ("window", "panel", "raised", "field"):
        assert contrast(theme.text, getattr(theme, background)) > 10
        for color in ("muted", "accent", "good", "warning", "bad"):
            assert contrast(getattr(theme, color), getattr(theme, background)) > 4.5, color
    assert contrast(theme.text, theme.selection) > 7
    assert contrast(theme.accent_text, theme.accent) > 4.5


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, 1.4.3)."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in palette.rgb(color)
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_neighbouring_numbers_differ_for_colour_blind_eyes_too() -> None:
    colors = palette.psc_colors(27).astype(float) / 255
    for name, matrix in _DEFICIENCIES.items():
        seen = np.clip(colors @ matrix.T, 0, 1)
        distance = np.linalg.norm(seen[1:] - seen[:-1], axis=1)
        assert distance.min() > 0.19, name


#: Full protanopia, deuteranopia, tritanopia: Machado, Oliveira and Fernandes, IEEE TVCG 15(6),
#: 2009, table of severity 1.0 (in linear light; close enough on sRGB values for a distance).
_DEFICIENCIES = {
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
