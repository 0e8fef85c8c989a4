"""The list of PSCs: its selection is the scene's, vanished ones are named, columns can be read."""

from __future__ import annotations

import time

import numpy as np
import pytest
from brain_world import make_atlas, show_atlas
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.state.psc_column import PscColumn
from music_gui.views.psc.psc_list import PscList
from music_gui.views.psc.psc_model import EYE, NAME, PscModel

pytestmark = pytest.mark.gui

ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@pytest.fixture
def open_list(session, open_widget):
    def open_panel(size=(340, 520)):
        return open_widget(PscList(session), size)

    return open_panel


@pytest.fixture
def filled(qtbot, session, open_list):
    panel = open_list()
    show_atlas(session, make_atlas(), 32)
    qtbot.wait(30)
    return panel


def names(panel):
    return [panel.model.name(row) for row in range(panel.model.rowCount())]


def column(panel, title):
    titles = [
        panel.model.headerData(c, Qt.Orientation.Horizontal)
        for c in range(panel.model.columnCount())
    ]
    return titles.index(title)


def test_without_an_atlas_it_says_what_to_do(open_list, screenshot):
    panel = open_list()
    assert "Fit an atlas" in panel._empty.accessibleName()
    assert panel._pages.currentWidget() is panel._empty
    screenshot(panel, "psc_list_empty")


def test_all_pscs_are_listed_and_the_vanished_one_is_named(filled, screenshot):
    assert len(names(filled)) == 32
    assert names(filled)[-1] == "C32_32"
    last = filled.model.index(31, NAME)
    assert not last.flags() & Qt.ItemFlag.ItemIsSelectable
    assert filled.model.index(31, NAME + 1).data() == "vanished"
    assert "won no voxel" in last.data(Qt.ItemDataRole.ToolTipRole)
    assert filled._count.text() == "31 PSCs  ·  1 vanished"
    filled.table.scrollToBottom()
    screenshot(filled, "psc_list_vanished")


def test_a_row_selects_the_psc_and_the_scene_selects_the_row(qtbot, session, filled):
    index = filled.model.index(4, NAME)
    place = filled.table.visualRect(index).center()
    qtbot.mouseClick(filled.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.scene.selected == "C32_5"
    assert session.scene.psc_at_crosshair == "C32_5"
    session.scene.select("C32_20")
    assert filled.table.currentIndex().row() == 19
    assert (
        filled.table.viewport()
        .rect()
        .intersects(filled.table.visualRect(filled.model.index(19, NAME)))
    )
    session.scene.select(None)
    assert not filled.table.selectionModel().hasSelection()


def test_the_arrow_keys_go_through_the_pscs(qtbot, session, filled):
    session.scene.select("C32_1")
    qtbot.keyClick(filled.table, Qt.Key.Key_Down)
    assert session.scene.selected == "C32_2"


def test_sorting_keeps_the_selection_and_puts_missing_values_last(qtbot, session, filled):
    session._add_columns([PscColumn("loci", {"C32_7": 5.0, "C32_2": 1.0, "C32_9": 3.0})])
    qtbot.wait(20)
    session.scene.select("C32_2")
    by = column(filled, "loci")
    filled.table.sortByColumn(by, DESCENDING)
    assert names(filled)[:3] == ["C32_7", "C32_9", "C32_2"]
    assert names(filled)[-1] == "C32_32"
    assert filled.model.name(filled.table.currentIndex().row()) == "C32_2"
    filled.table.sortByColumn(by, ASCENDING)
    assert names(filled)[:3] == ["C32_2", "C32_9", "C32_7"]
    assert names(filled)[-1] == "C32_32"
    assert session.scene.selected == "C32_2"


def test_names_are_sorted_by_number(filled):
    filled.table.sortByColumn(NAME, ASCENDING)
    assert names(filled)[8:11] == ["C32_9", "C32_10", "C32_11"]


def test_the_filter_keeps_rows_with_all_words(qtbot, session, filled):
    session.scene.select("C32_12")
    filled._filter.setText("c32_1")
    assert names(filled) == ["C32_1", *(f"C32_{i}" for i in range(10, 20))]
    assert filled.model.name(filled.table.currentIndex().row()) == "C32_12"
    filled._filter.setText("c32_3")
    assert session.scene.selected == "C32_12"  # filtered out, still selected
    filled._filter.setText("nothing like it")
    assert names(filled) == []
    assert filled._count.text().startswith("0 found")
    filled._filter.clear()
    assert filled.model.name(filled.table.currentIndex().row()) == "C32_12"


def test_the_eye_hides_and_shows(qtbot, session, filled, screenshot):
    index = filled.model.index(2, EYE)
    place = filled.table.visualRect(index).center()
    qtbot.mouseClick(filled.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.scene.hidden == {"C32_3"}
    assert filled.model.is_hidden(2)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "hidden"
    assert "1 hidden" in filled._count.text()
    screenshot(filled, "psc_list_hidden")
    qtbot.mouseClick(filled.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not session.scene.hidden


def test_keys_hide_show_only_and_show_all(qtbot, session, filled):
    filled.table.setFocus()
    filled.table.selectRow(3)
    filled._toggle.trigger()
    assert session.scene.hidden == {"C32_4"}
    filled._toggle.trigger()
    assert not session.scene.hidden
    filled._only.trigger()
    assert "C32_4" not in session.scene.hidden
    assert len(session.scene.hidden) == 31
    filled._all.trigger()
    assert not session.scene.hidden


def test_rows_are_copied_with_all_digits(session, filled):
    session.scene.select("C32_1")
    filled._copy.trigger()
    header, row = QApplication.clipboard().text().splitlines()
    figures = ["Left share", "MNI x", "MNI y", "MNI z"]
    assert header.split("\t") == ["PSC", "Anatomy", "h2", "z", *figures]
    name, _, h2, z, *_ = row.split("\t")
    assert name == "C32_1"
    assert float(h2) == pytest.approx(session.columns["h2"].values["C32_1"], rel=1e-9)
    assert float(z) == pytest.approx(session.columns["z"].values["C32_1"], rel=1e-9)


def test_another_scale_fills_the_table_anew(qtbot, session, filled):
    session.scene.set_scale(8)
    qtbot.wait(20)
    assert names(filled) == [f"C8_{i}" for i in range(1, 9)]
    session.scene.show_atlas(None)
    qtbot.wait(20)
    assert filled._pages.currentWidget() is filled._empty


def test_regions_have_a_column_and_can_be_filtered(qtbot, session, open_list):
    panel = open_list()
    labels = np.repeat(np.arange(5, dtype=np.int32), 8).reshape(5, 2, 4)
    regions = ("Thalamus L", "Thalamus R", "Insula L", "Insula R")
    scale = AtlasScale(4, labels, regions)
    session.scene.show_atlas(Atlas("named", Grid(labels.shape, np.eye(4)), {4: scale}), 4)
    qtbot.wait(20)
    assert panel.model.index(1, column(panel, "Region")).data() == "Thalamus R"
    panel._filter.setText("insula l")
    assert names(panel) == ["C4_3"]
    panel._filter.clear()
    panel.table.sortByColumn(column(panel, "Region"), ASCENDING)
    assert names(panel) == ["C4_3", "C4_4", "C4_1", "C4_2"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_title_is_cut(qtbot, session, open_list, dressed, theme, screenshot):
    dressed.use(theme)
    panel = open_list((560, 420))
    show_atlas(session, make_atlas(), 32)
    values = {f"C32_{i}": i * 1.234e-5 for i in range(1, 32)}
    session._add_columns(
        [
            PscColumn("Volume", values, unit="ml"),
            PscColumn("Significant variants (example)", values),
            PscColumn("Largest −log10 p (example)", values),
        ]
    )
    session.paint("z")
    session.scene.select("C32_6")
    qtbot.wait(30)
    header = panel.table.horizontalHeader()
    font = QFont(header.font())
    font.setBold(True)
    metrics = QFontMetrics(font)
    for section in range(NAME, panel.model.columnCount()):
        title = panel.model.headerData(section, Qt.Orientation.Horizontal)
        room = QRect(0, 0, header.sectionSize(section) - 30, 1000)
        needed = metrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), title)
        assert needed.height() <= header.height() - 8
        assert needed.width() <= room.width()
    screenshot(panel, f"psc_list_{theme}")


def test_two_thousand_pscs_are_sorted_and_filtered_at_once(qtbot):
    labels = np.arange(2004, dtype=np.int32).reshape(2004, 1, 1)
    scale = AtlasScale(2003, labels)
    rng = np.random.default_rng(1)
    columns = [
        PscColumn(f"column {k}", dict(zip(scale.names, rng.normal(size=2003), strict=True)))
        for k in range(6)
    ]
    model = PscModel()
    start = time.perf_counter()
    model.show_scale(scale, columns)
    model.sort(NAME + 3, DESCENDING)
    model.filter("19")
    elapsed = time.perf_counter() - start
    assert model.rowCount() == 1 + 10 + 100
    top = max(columns[2].values, key=lambda n: columns[2].values[n] if "_19" in n else -9)
    assert model.name(0) == top
    assert elapsed < 1.0  # measured: 0.03 s on an idle core


def test_a_list_that_is_gone_hears_nothing(session):
    show_atlas(session, make_atlas(), 32)
    for _ in range(3):
        panel = PscList(session)
        panel.show()
        panel.close()
        panel.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.scene.select("C32_1")
    session.scene.hide("C32_2")
    session.scene.set_scale(8)
