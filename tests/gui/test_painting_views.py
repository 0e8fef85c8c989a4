"""Paint anything: the bar, the colour bar, dropped tables, the chooser, the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from brain_world import make_atlas, make_underlay, show_atlas
from gwas_study import make_gwas_study
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from music_gui.core.surface import build_label_surface
from music_gui.state.painted_values import painted_values
from music_gui.state.psc_column import PscColumn
from music_gui.views.brain.color_bar import ColorBar, status_text
from music_gui.views.brain.paint_bar import PaintBar
from music_gui.views.brain.psc_colors import scale_colors, scene_colors
from music_gui.views.brain.scene_3d import Scene3D
from music_gui.views.brain.slices_panel import SlicesPanel
from music_gui.views.painting.paint_chooser import PaintChooser
from music_gui.views.widgets import palette

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
HERITABILITY = SHARED / "bridgeport" / "heritability_C32.tsv"

pytestmark = pytest.mark.gui


@pytest.fixture
def open_scene(qtbot, session, open_widget, working_driver):
    """Open the 3D panel on an atlas whose surface is built here."""

    def build(scale):
        atlas = session.scene.atlas
        if atlas is not None and scale is not None:
            session.scene.surface = build_label_surface(atlas.scales[scale].labels, atlas.grid)

    def open_panel(size=(860, 680)):
        panel = open_widget(Scene3D(session), size)
        session.scene.events.scale.connect(build)
        build(session.scene.scale)
        qtbot.waitUntil(lambda: panel.view.canvas is not None)
        qtbot.waitUntil(lambda: panel.view.canvas.renderer.mesh is not None)
        return panel

    yield open_panel
    session.scene.events.scale.disconnect(build, missing_ok=True)


@pytest.fixture
def open_slices(session, open_widget):
    def open_panel(size=(760, 700)):
        return open_widget(SlicesPanel(session), size)

    return open_panel


def drop(widget, path):
    """Drag a file over a widget and let it go; return whether it was taken."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place = QPointF(widget.rect().center())
    keys = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier)  # fmt: skip
    enter = QDragEnterEvent(place.toPoint(), *keys)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(place, *keys))
    return enter.isAccepted()


def bytes_of(color: str) -> list[int]:
    return [round(channel * 255) for channel in palette.rgb(color)]


def choose(combo, data):
    """Choose an entry as a user does."""
    at = combo.findData(data)
    combo.setCurrentIndex(at)
    combo.activated.emit(at)


# -- colours -------------------------------------------------------------------------------


def test_what_does_not_pass_is_one_grey_and_what_has_no_value_another(session):
    show_atlas(session, make_atlas(), 8)
    column = PscColumn("x", {"C8_1": 1.0, "C8_2": 2.0, "C8_3": 3.0})
    session.painting._paint_first([column])
    session.painting.restyle(threshold="value", threshold_value=2.0)
    theme, colors = palette.current(), scene_colors(session.scene)[1:, :3]
    assert colors[0].tolist() == bytes_of(theme.below_threshold)
    assert colors[3].tolist() == bytes_of(theme.no_value)
    np.testing.assert_array_equal(colors[[1, 2]], palette.color_map("sequential")[[128, 255]])


def test_a_scale_without_values_has_its_own_colours(session):
    show_atlas(session, make_atlas(), 8)
    session.painting._paint_first([PscColumn("x", {"C8_1": 1.0})])
    np.testing.assert_array_equal(scale_colors(session.scene, 32)[1:, :3], palette.psc_colors(32))
    session.scene.set_scale(32)
    painted = painted_values(session.scene)
    assert status_text(session.scene, painted) == "No values at C = 32: each PSC has its own colour"


@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_all_colour_maps_can_be_told_from_the_greys(kind):
    for theme in (palette.DARK, palette.LIGHT):
        for name in palette.COLOR_MAPS[kind]:
            table = palette.color_map(name).astype(float)
            assert table.shape == (256, 3)
            if kind == "sequential":
                lightness = table @ [0.2126, 0.7152, 0.0722]
                assert (np.diff(np.convolve(lightness, np.ones(9) / 9, "valid")) > 0).all(), name
        assert theme.below_threshold != theme.no_value


# -- the bar -------------------------------------------------------------------------------


@pytest.fixture
def bar(qtbot, session, dressed):
    show_atlas(session, make_atlas(), 32)
    holder = QWidget()
    bar = PaintBar(session, holder)
    QVBoxLayout(holder).addWidget(bar)
    holder.resize(900, 60)
    holder.show()
    yield bar
    holder.close()
    holder.deleteLater()


def test_the_bar_takes_no_place_while_nothing_is_painted(session, bar):
    assert not bar.isVisible()
    session.paint("h2")
    assert bar.isVisible()
    session.paint(None)
    assert not bar.isVisible()


def test_range_and_map_are_changed_by_hand(qtbot, session, bar):
    session.paint("h2")
    low, high = bar.limits
    low.selectAll()
    qtbot.keyClicks(low, "0,1")
    qtbot.keyClick(low, Qt.Key.Key_Return)
    style = session.scene.painted.style
    assert (style.range_mode, style.low) == ("own", 0.1)
    assert bar.range.currentData() == "own"
    high.selectAll()
    qtbot.keyClicks(high, "0")
    qtbot.keyClick(high, Qt.Key.Key_Return)
    assert high.property("invalid")
    assert session.scene.painted.style.high == style.high
    choose(bar.color_map, "cividis")
    assert session.scene.painted.style.color_map == "cividis"
    choose(bar.range, "robust")
    assert not high.property("invalid")


def test_levels_of_p_need_p_values(session, bar):
    session.paint("h2")
    at = bar.threshold.findData("scale")
    assert bar.threshold.itemText(at) == "Bonferroni, scale: p < 0.05 / 31"  # one has vanished
    assert not bar.threshold.model().item(at).isEnabled()
    p = dict.fromkeys(session.scene.atlas.scales[32].present, 5.0)
    session.painting._paint_first([PscColumn("p", p, neg_log_10_p=p)])
    assert bar.threshold.model().item(at).isEnabled()
    choose(bar.threshold, "scale")
    assert painted_values(session.scene).n_passed == 31


def test_a_threshold_of_ones_own_starts_in_the_middle(session, bar):
    session.paint("z")
    choose(bar.threshold, "value")
    assert bar.value.isVisibleTo(bar)
    painted = painted_values(session.scene)
    assert painted.n_passed in (15, 16)
    bar.value.setText("99")
    bar.value.editingFinished.emit()
    assert painted_values(session.scene).n_passed == 0


def test_the_close_button_paints_nothing(session, bar):
    session.paint("h2")
    (close,) = [
        each for each in bar.findChildren(type(bar).__mro__[1])
        if each.accessibleName().startswith("Paint nothing")
    ]  # fmt: skip
    close.click()
    assert session.scene.painted is None


# -- dropped tables, both views, export ----------------------------------------------------


def test_a_table_that_is_dropped_on_the_slices_is_painted(session, open_slices, tmp_path):
    show_atlas(session, make_atlas(), 8)
    session.scene.underlay = make_underlay()
    panel = open_slices()
    path = tmp_path / "loci.csv"
    path.write_text("psc,loci\nC8_1,3\nC8_2,0\n")
    assert drop(panel, path)
    assert session.scene.painted.values == {"C8_1": 3, "C8_2": 0}


def test_without_an_atlas_a_table_is_for_the_window(session, open_slices, tmp_path):
    panel = open_slices()
    (tmp_path / "people.csv").write_text("participant_id\n1\n")
    assert not drop(panel, tmp_path / "people.csv")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_missing_values_are_hatched_in_the_slices(session, open_slices, dressed, screenshot, theme):
    dressed.use(theme)
    show_atlas(session, make_atlas(), 32)
    session.scene.underlay = make_underlay()
    panel = open_slices()
    names = session.scene.atlas.scales[32].present
    values = {name: float(at) for at, name in enumerate(names[:-8])}
    session.painting._paint_first([PscColumn("Loci", values, unit="n")])
    session.painting.restyle(threshold="value", threshold_value=9.0)
    screenshot(panel, f"painting_slices_{theme}")
    painted = painted_values(session.scene)
    assert (painted.n_missing, painted.n_passed) == (8, 14)
    assert "8 without a value" in panel.findChild(ColorBar).accessibleName()


@pytest.mark.shared_data
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_published_heritability_on_the_published_atlas(
    qtbot, session, published, open_scene, dressed, screenshot, tmp_path, theme
):
    dressed.use(theme)
    session.scene.show_atlas(published, 64)
    panel = open_scene()
    assert drop(panel, HERITABILITY)
    assert session.scene.scale == 32  # the table has values of that scale
    choose(panel.paint_bar.threshold, "atlas")
    qtbot.waitUntil(lambda: panel.view.canvas.renderer.mesh.surface is session.scene.surface)
    painted = painted_values(session.scene)
    assert painted.level == "Bonferroni over all scales: p < 0.05 / 2003 = 2.5e-05"
    assert painted.n_values == 32
    p = session.painting.tables[HERITABILITY.name].columns[1].values
    assert painted.n_passed == sum(value > -np.log10(0.05 / 2003) for value in p.values())
    screenshot(panel, f"painting_heritability_{theme}")
    panel.export(tmp_path / "h2.png")
    assert sorted(path.name for path in tmp_path.glob("h2.*")) == ["h2.json", "h2.png", "h2.tsv"]
    assert (tmp_path / "h2.tsv").read_text().count("\n") == 33


@pytest.mark.shared_data
def test_p_values_that_were_printed_as_0_are_kept_on_top(
    session, published, open_scene, dressed, screenshot
):
    session.scene.show_atlas(published, 32)
    panel = open_scene((620, 560))
    session.painting.open_table(HERITABILITY)
    session.painting.paint_table_column(HERITABILITY.name, "Pvalue", None)
    choose(panel.paint_bar.threshold, "top")
    painted = painted_values(session.scene)
    assert painted.high == pytest.approx(323.306)
    assert painted.n_passed == 4  # of 32
    screenshot(panel, "painting_p_values_narrow")


# -- the chooser ---------------------------------------------------------------------------


def test_the_chooser_lists_previews_and_paints(session, open_scene, screenshot, tmp_path):
    show_atlas(session, make_atlas(), 8)
    path = tmp_path / "traits.tsv"
    rows = [f"C8_{at}\t{at / 10}\t1e-{at}\t{4 - at}" for at in range(1, 9)]
    path.write_text("psc\th2_ad\tp_ad\tz\n" + "\n".join(rows) + "\n")
    panel = open_scene()
    chooser = panel.open_chooser()
    session.painting.open_table(path)
    texts = [chooser.list.item(row).text().strip() for row in range(chooser.list.count())]
    assert texts == ["In use", "h2", "z", "h2_ad", "Atlas", "Voxels", "traits.tsv", "h2_ad",
                     "p_ad", "z"]  # fmt: skip
    chooser.list.setCurrentRow(7)
    assert chooser.p_values.currentData() == "p_ad"
    assert "8 values at C = 8" in chooser.preview.facts.text()
    screenshot(chooser, "painting_chooser")
    chooser.list.setCurrentRow(9)
    chooser.paint()
    assert session.scene.painted.title == "z (traits.tsv)"
    chooser.filter.setText("vox")
    shown = [row for row in range(chooser.list.count()) if not chooser.list.item(row).isHidden()]
    assert [chooser.list.item(row).text().strip() for row in shown] == ["Atlas", "Voxels"]


def row_of(chooser, text):
    found = chooser.list.findItems(text, Qt.MatchFlag.MatchEndsWith)
    return chooser.list.row(found[0])


def test_one_participant_and_two_groups_are_chosen_in_a_form(
    qtbot, session, dressed, screenshot, tmp_path
):
    session.open_study(make_gwas_study(tmp_path / "study").root)
    chooser = PaintChooser(session)
    qtbot.addWidget(chooser)
    chooser.show()
    chooser.list.setCurrentRow(row_of(chooser, "One participant…"))
    form = chooser.participant
    assert form.reference.findText("site: South") > 0
    form.participant.setCurrentText("sub-0007  ses-01")
    form.reference.setCurrentIndex(form.reference.findText("sex: F"))
    screenshot(chooser, "painting_chooser_participant")
    chooser.paint()
    assert session.scene.painted.title == "z of sub-0007"
    assert session.scene.painted.notes[0].endswith("participants: sex F")
    chooser.list.setCurrentRow(row_of(chooser, "Difference of two groups…"))
    chooser.difference.column.setCurrentText("site")
    chooser.paint()
    assert session.scene.painted.title == "West − North"


def test_the_menu_opens_the_chooser_and_brackets_step_the_scale(
    qtbot, start_application, imported_study, screenshot
):
    application = start_application(imported_study.root)
    window, actions = application.window, application.actions
    actions.paint.trigger()
    chooser = window.docks.widget("scene").chooser
    assert chooser.isVisible()
    assert not chooser.paint_button.isEnabled()  # there is no atlas yet, and no table
    assert [keys.toString() for keys in actions.finer.shortcuts()] == ["Ctrl+]", "]"]
    window.docks.raise_dock("ladder")
    qtbot.waitUntil(lambda: window.docks.widget("ladder").isVisible())
    screenshot(window, "painting_no_atlas")
