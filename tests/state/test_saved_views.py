"""Views that are saved in the study are shown again as they were, or the reason is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import MusicError
from music_gui.core.grid import Grid
from music_gui.io.atlas_dseg import ScaleSource, write_scale, write_surface
from music_gui.io.saved_view import read_view
from music_gui.io.study import Study
from music_gui.state.background import Background
from music_gui.state.brain_scene import SliceImage
from music_gui.state.psc_column import PaintStyle, PscColumn
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.state.view_3d import Camera, CutPlane

GRID = Grid((6, 6, 6), np.diag([2.0, 2.0, 2.0, 1.0]))
CAMERA = Camera((120.5, -3.25, 7.0), (6.0, 6.0, 6.0), (0.0, 0.0, 1.0))


def atlas_named(name: str) -> Atlas:
    i = np.indices(GRID.shape)[0]
    halves, thirds = (i // 3 + 1).astype(np.int32), (i // 2 + 1).astype(np.int32)
    return Atlas(name, GRID, {2: AtlasScale(2, halves), 3: AtlasScale(3, thirds)})


@pytest.fixture
def study(tmp_path: Path) -> Study:
    from music_gui.core.surface import build_label_surface

    study = Study.create(tmp_path / "my stüdy", simulated=True)
    for name in ("one", "two"):
        for scale in atlas_named(name).scales.values():
            write_scale(
                study.atlas(name), name, scale, GRID, sidecar=ScaleSource(source="label image")
            )
            surface = build_label_surface(scale.labels, GRID)
            write_surface(study.atlas(name), name, scale.scale, surface)
    return study


@pytest.fixture
def session(study: Study):
    session = open_session(study)
    yield session
    session.close_study()


def open_session(study: Study) -> Session:
    session = Session(Background(lambda call: call(), inline=True), Settings())
    session.told = []
    session.failed.connect(session.told.append)
    session.open_study(study.root)
    session.show_atlas("one", 3)
    return session


def paint_and_place(session: Session) -> None:
    scene, view = session.scene, session.view_3d
    values = {"C3_1": 0.25, "C3_3": 1e-7, "C2_1": float("nan")}
    style = PaintStyle(color_map="magma", range_mode="own", low=0.0, high=0.5)
    scene.painted = PscColumn("h2", values, unit="%", source="mine.tsv", style=style)
    scene.select("C3_2")
    scene.toggle_selected("C3_3")
    scene.hidden = frozenset({"C3_1", "C2_2"})
    scene.crosshair = (1.5, 2.5, 3.5)
    scene.ghost, scene.outline, scene.opacity = True, True, 0.25
    view.cuts = (CutPlane(0, 4.5), CutPlane(2, -1.25, keeps_high=False))
    view.cuts_follow_crosshair, view.glass, view.glass_opacity = True, False, 0.75
    view.camera = CAMERA


def shown(session: Session) -> dict:
    scene, view = session.scene, session.view_3d
    column = scene.painted
    return {
        "place": (scene.atlas.name, scene.scale, scene.crosshair, scene.hidden),
        "selection": (scene.selected, scene.also_selected),
        "painted": (column.title, column.unit, column.kind, column.style),
        "values": {name: v for name, v in column.values.items() if np.isfinite(v)},
        "slices": (scene.outline, scene.opacity, scene.radiological, scene.pscs_in_slices),
        "3D": (scene.ghost, view.camera, view.cuts, view.cuts_follow_crosshair),
        "glass": (view.glass, view.glass_opacity),
    }


def change_everything(session: Session) -> None:
    session.show_atlas("two", 2)
    scene, view = session.scene, session.view_3d
    scene.show_all()
    scene.painted, scene.ghost, scene.outline, scene.opacity = None, False, False, 1.0
    view.camera = Camera((0.0, 300.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    view.cuts, view.cuts_follow_crosshair, view.glass = (), False, True


def test_a_view_is_shown_again_as_it_was(session: Session) -> None:
    paint_and_place(session)
    before = shown(session)
    session.saved_views.save("thalamus")
    assert session.saved_views.names == ("thalamus",)
    change_everything(session)
    session.saved_views.restore("thalamus")
    assert shown(session) == before
    assert not session.told


def test_a_view_is_shown_again_by_another_session(session: Session, study: Study) -> None:
    paint_and_place(session)
    before = shown(session)
    session.saved_views.save("fig-1")
    session.close_study()
    assert session.saved_views.names == ()
    other = open_session(study)
    assert other.saved_views.names == ("fig-1",)
    other.saved_views.restore("fig-1")
    assert shown(other) == before
    assert "h2" in other.columns
    other.close_study()


def test_the_file_says_that_data_are_simulated_and_is_small(session: Session, study: Study) -> None:
    paint_and_place(session)
    session.saved_views.save("fig")
    view = read_view(study.view("fig"))
    assert view.simulated
    assert view.painted is not None
    assert view.painted.values == {"C3_1": 0.25, "C3_3": 1e-7}
    assert study.view("fig").stat().st_size < 4000


def test_values_that_the_study_has_now_replace_those_that_were_saved(session: Session) -> None:
    paint_and_place(session)
    session.saved_views.save("fig")
    session._add_columns([PscColumn("h2", {"C3_1": 0.5}, unit="%", source="mine.tsv")])
    session.saved_views.restore("fig")
    assert session.scene.painted.values == {"C3_1": 0.5}
    assert session.scene.painted.style.color_map == "magma"


def test_another_column_of_the_same_name_is_not_mixed_up_with_the_saved_one(
    session: Session,
) -> None:
    paint_and_place(session)
    session.saved_views.save("fig")
    session.columns.clear()
    session._add_columns([PscColumn("h2", {"C3_1": 9.0}, source="another.tsv")])
    session.saved_views.restore("fig")
    assert session.scene.painted.title == "h2 (saved)"
    assert session.scene.painted.values["C3_1"] == 0.25
    assert session.columns["h2"].values == {"C3_1": 9.0}


def test_the_map_keeps_its_settings_only_while_it_is_shown(session: Session) -> None:
    image = SliceImage("my map", np.ones(GRID.shape, dtype=np.float32), GRID)
    session.scene.show_overlay(image, (0.5, 2.0))
    session.saved_views.save("with map")
    assert "can't be a name" in session.told.pop().what
    session.saved_views.save("with-map")
    session.scene.overlay_range, session.scene.overlay_opacity = (0.0, 9.0), 0.1
    session.saved_views.restore("with-map")
    assert (session.scene.overlay_range, session.scene.overlay_opacity) == ((0.5, 2.0), 0.75)
    session.scene.hide_overlay()
    session.saved_views.restore("with-map")
    assert session.scene.pscs_in_slices  # hidden by the map, which is gone


def test_a_deleted_view_is_gone(session: Session, study: Study) -> None:
    session.saved_views.save("b")
    session.saved_views.save("A")
    assert session.saved_views.names == ("A", "b")
    session.saved_views.delete("A")
    assert session.saved_views.names == ("b",)
    session.saved_views.restore("A")
    assert "can't be read" in session.told.pop().what


def test_without_an_atlas_or_a_study_nothing_is_saved(session: Session) -> None:
    session.scene.show_atlas(None)
    session.saved_views.save("x")
    assert "no view to save" in session.told.pop().what
    session.close_study()
    session.saved_views.save("x")
    assert "no study" in session.told.pop().what


DAMAGES = {
    "cut off": lambda data: json.dumps(data)[:-30],
    "no JSON": lambda _: "hello",
    "another file": lambda _: '{"format_version": 1, "study": "x"}',
    "a PSC of no name": lambda data: json.dumps(data | {"hidden": ["thalamus"]}),
    "no number": lambda data: json.dumps(data | {"crosshair": [0, float("nan"), 0]}),
    "a camera that looks nowhere": lambda data: json.dumps(
        data | {"camera": {key: [0, 0, 1] for key in ("position", "focal_point", "up")}}
    ),
    "two cuts of one axis": lambda data: json.dumps(
        data | {"cuts": [{"axis": 1, "position": 0, "keeps_high": True}] * 2}
    ),
    "opacity above one": lambda data: json.dumps(data | {"glass_opacity": 1.5}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_view_is_refused_and_changes_nothing(
    session: Session, study: Study, damage: str
) -> None:
    paint_and_place(session)
    session.saved_views.save("fig")
    data = json.loads(study.view("fig").read_text())
    study.view("fig").write_text(DAMAGES[damage](data))
    before = shown(session)
    session.saved_views.restore("fig")
    error = session.told.pop()
    assert isinstance(error, MusicError)
    assert "damaged" in error.what
    assert "fig.view.json" in error.where
    assert shown(session) == before


def test_a_view_of_a_newer_version_says_so(session: Session, study: Study) -> None:
    session.saved_views.save("fig")
    data = json.loads(study.view("fig").read_text())
    new = {"format_version": 99, "made_with": "9.9", "something": "new"}
    study.view("fig").write_text(json.dumps(data | new))
    session.saved_views.restore("fig")
    assert "newer version (9.9)" in session.told.pop().what


def test_a_scale_that_the_atlas_has_no_longer_is_named(session: Session, study: Study) -> None:
    session.saved_views.save("fig")
    data = json.loads(study.view("fig").read_text())
    study.view("fig").write_text(json.dumps(data | {"scale": 64}))
    session.saved_views.restore("fig")
    error = session.told.pop()
    assert "C = 64" in error.what
    assert "2, 3" in error.why
