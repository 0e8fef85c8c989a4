"""The search box without its window: what people type, and what they want to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from music_gui.core.anatomy import AnatomicalAtlas, AnatomicalRegion, Space
from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.state.anatomy import make_anatomy
from music_gui.state.brain_scene import BrainScene
from music_gui.state.search import Search, SearchResult, make_search
from music_gui.state.search.query import Query
from music_gui.state.settings import Settings

GRID = Grid(
    (40, 20, 20), np.array([[2, 0, 0, -39], [0, 2, 0, -19], [0, 0, 2, -19], [0, 0, 0, 1.0]])
)
PARTS = (
    ("thalamus", "subcortical grey matter"),
    ("caudate", "subcortical grey matter"),
    ("putamen", "subcortical grey matter"),
    ("precentral gyrus", "frontal lobe"),
    ("postcentral gyrus", "parietal lobe"),
)
REGIONS = tuple(
    AnatomicalRegion(10 * n + (side == "R"), name, side, group)
    for n, (name, group) in enumerate(PARTS, start=1)
    for side in ("L", "R")
)


def regions() -> AnatomicalAtlas:
    """Five slabs of 8 mm from behind to the front, each left and right."""
    x, y, _ = np.moveaxis(GRID.to_world(np.stack(np.indices(GRID.shape), axis=-1)), -1, 0)
    slab = np.clip((y + 20) // 8, 0, 4).astype(int)
    return AnatomicalAtlas("toy", 10 * (slab + 1) + (x > 0), GRID, REGIONS)


def atlas() -> Atlas:
    """C2: left and right halves. C6: left and right of the three hindmost slabs; 6 has vanished."""
    x, y, _ = np.moveaxis(GRID.to_world(np.stack(np.indices(GRID.shape), axis=-1)), -1, 0)
    slab = np.clip((y + 20) // 8, 0, 4).astype(int)
    fine = np.where(slab < 3, 2 * slab + 1 + (x > 0), 0)
    fine[fine == 6] = 5
    words = tuple(f"cluster {letter}" for letter in "abcdef")
    return Atlas(
        "toy",
        GRID,
        {
            2: AtlasScale(2, (1 + (x > 0)).astype(np.int32)),
            6: AtlasScale(6, fine.astype(np.int32), words),
        },
    )


@dataclass
class World:
    scene: BrainScene
    search: Search
    settings: Settings

    def titles(self, text: str) -> list[str]:
        return [each.title for group in self.search.find(text) for each in group.results]

    def first(self, text: str) -> SearchResult:
        return self.search.find(text)[0].results[0]


@pytest.fixture
def world() -> World:
    return make_world()


def make_world(space: Space | None = None) -> World:
    scene, settings = BrainScene(), Settings()
    scene.show_atlas(atlas(), 6)
    scene.anatomy = make_anatomy(scene.atlas, regions(), space or Space("MNI152"))
    return World(scene, make_search(scene, settings), settings)


@pytest.mark.parametrize("text", ["C6_3", "c6 3", "6_3", " C6-3 ", "c6.3"])
def test_a_psc_is_found_by_its_name_however_it_is_written(world: World, text: str):
    result = world.first(text)
    assert (result.title, result.reason) == ("C6_3", "name")
    assert result.detail == "100 % left; 100 % caudate L; centre −21 −9 −1"
    world.search.pick(result, text)
    assert world.scene.selected == "C6_3"
    assert world.scene.crosshair == (-21.0, -9.0, -1.0)


def test_a_number_alone_means_this_scale_and_a_scale_can_be_gone_to(world: World):
    assert [each for each in world.titles("3") if each.startswith("C")] == ["C6_3"]
    scale = world.first("C2")
    assert (scale.title, scale.detail) == ("Scale C2", "2 PSCs")
    scale.pick()
    assert world.scene.scale == 2


def test_picking_a_psc_of_another_scale_goes_to_that_scale(world: World):
    world.first("c2_2").pick()
    assert (world.scene.scale, world.scene.selected) == (2, "C2_2")


def test_a_vanished_psc_says_so_and_a_number_beyond_the_scale_finds_nothing(world: World):
    assert "vanished" in world.first("C6_6").detail
    assert world.titles("C6_7") == []


def test_the_words_that_the_atlas_itself_gives_its_pscs_are_found(world: World):
    result = world.first("cluster b")
    assert (result.title, result.reason) == ("C6_2", "the atlas calls it cluster b")


def test_an_anatomical_name_finds_the_pscs_there_and_says_how_much_they_overlap(world: World):
    result = world.first("right thalamus")
    assert result.title == "C6_2"
    assert result.reason == "100 % of it lies in right thalamus, 100 % of which it holds"
    coarse = next(
        each for each in world.search.find("right thalamus")[0].results if "C2" in each.title
    )
    assert coarse.title == "C2_2"
    assert coarse.reason.startswith("20 % of it lies in right thalamus, 100 %")


@pytest.mark.parametrize("text", ["R thal", "rh thalamus", "thalamus right", "Thalamus (R)"])
def test_the_side_may_stand_anywhere(world: World, text: str):
    assert world.first(text).title == "C6_2"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("thalmus", "thalamus"),
        ("talamus", "thalamus"),
        ("thalamsu", "thalamus"),
        ("caudte", "caudate"),
        ("putamne", "putamen"),
        ("precentrl gyrs", "precentral gyrus"),
        ("postcental gyru", "postcentral gyrus"),
    ],
)
def test_typing_errors_are_forgiven_and_told(world: World, typed: str, meant: str):
    region = next(
        each
        for group in world.search.find(typed)
        if group.title == "Anatomical regions"
        for each in group.results
    )
    assert region.title == f"left {meant}"
    assert region.reason == f"closest spelling: {meant}"


def test_a_known_name_is_no_occasion_to_guess(world: World):
    assert {each.rpartition(" ")[2] for each in world.titles("precentral gyrus")} >= {"gyrus"}
    assert not [each for each in world.titles("precentral gyrus") if "postcentral" in each]


@pytest.mark.parametrize(
    ("typed", "found", "reason"),
    [
        ("M1", "left precentral gyrus", "M1 means precentral gyrus"),
        ("caudate nucleus", "left caudate", "caudate nucleus means caudate"),
        ("S1", "left postcentral gyrus", "S1 means postcentral gyrus"),
        ("striatum", "left caudate", "part of striatum"),
        ("frontal lobe", "left precentral gyrus", "part of frontal lobe"),
    ],
)
def test_synonyms_abbreviations_and_lobes_are_known(
    world: World, typed: str, found: str, reason: str
):
    groups = {group.title: group.results for group in world.search.find(typed)}
    region = groups["Anatomical regions"][0]
    assert (region.title, region.reason) == (found, reason)


def test_a_synonym_of_several_regions_adds_their_shares_up(world: World):
    result = next(
        each
        for group in world.search.find("left striatum")
        if group.title == "PSCs by anatomy"
        for each in group.results
        if each.title == "C2_1"
    )
    assert result.reason.startswith("40 % of it lies in left striatum, 100 % of which it holds")


def test_picking_a_region_goes_to_its_middle_and_selects_the_psc_there(world: World):
    region = next(
        each
        for group in world.search.find("left caudate")
        if group.title == "Anatomical regions"
        for each in group.results
    )
    region.pick()
    assert world.scene.selected == "C6_3"
    assert world.scene.anatomy.region_at(world.scene.crosshair).full_name == "left caudate"


@pytest.mark.parametrize(
    "text", ["-13 -9 3", "x=-13,y=-9,z=3", "(−13; −9; 3) mm", "mni: -13, -9, 3", "-13.0 -9 +3"]
)
def test_coordinates_are_read_as_people_write_them(world: World, text: str):
    result = world.first(text)
    assert result.detail == "C6_3  ·  left caudate"
    result.pick()
    assert world.scene.crosshair == (-13.0, -9.0, 3.0)
    assert world.scene.selected == "C6_3"


def test_a_voxel_is_one_of_the_atlas(world: World):
    world.first("voxel 13 5 11").pick()
    assert world.scene.crosshair == (-13.0, -9.0, 3.0)
    assert world.titles("voxel 400 5 11") == []


def test_in_another_space_mm_mean_mni_first_and_the_atlas_own_second():
    to_mni = np.diag([2.0, 2.0, 2.0, 1.0])
    world = make_world(Space("small", to_mni))
    mni, own = world.search.find("-12 -4 6")[0].results
    assert (mni.reason, own.reason) == ("coordinates in MNI152", "coordinates in small space")
    mni.pick()
    assert world.scene.crosshair == (-6.0, -2.0, 3.0)
    own.pick()
    assert world.scene.crosshair == (-12.0, -4.0, 6.0)
    assert "centre −42 −18 −2" in world.first("C6_3").detail


@pytest.mark.parametrize(
    "text", ["", "   ", "xyzzy", "left", "?!", "1 2 3 4", "a" * 5000, "ß", "-"]
)
def test_odd_text_finds_nothing_and_harms_nothing(world: World, text: str):
    assert world.search.find(text) == []


def test_without_an_atlas_only_points_are_found():
    scene = BrainScene()
    search = make_search(scene, Settings())
    assert search.find("thalamus") == []
    assert [group.title for group in search.find("1 2 3")] == ["Points"]


def test_recent_searches_are_remembered_once_newest_first(world: World):
    for text in ("thalmus", "C6_3", "caudate", "C6_3"):
        world.search.pick(world.first(text), text)
    assert world.search.recent == ("C6_3", "caudate", "thalmus")
    for number in range(20):
        world.search.pick(world.first("C2_1"), "")
        world.search.pick(world.first(f"{number} 2 3"), f"{number} 2 3")
    assert len(world.search.recent) == 8
    assert world.search.recent[0] == "19 2 3"


def test_another_source_plugs_in(world: World):
    class Genes:
        title = "Genes"

        def search(self, query: Query) -> list[SearchResult]:
            known: dict[str, Any] = {"apoe": 1}
            return [
                SearchResult("APOE", "name", 100, lambda: None) for w in query.words if w in known
            ]

    world.search.add_source(Genes())
    assert [group.title for group in world.search.find("APOE")] == ["Genes"]
