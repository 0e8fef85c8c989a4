"""A map on the template: found, read as it was imported, and lying where its anatomy is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from music_gui.core.errors import InputError, JobError, MusicError
from music_gui.core.grid import Grid
from music_gui.io.masked_maps import MaskedMapsWriter
from music_gui.io.nifti import read_image, read_labels, write_image
from music_gui.io.resources import resource
from music_gui.io.study import Study
from music_gui.state import loading
from music_gui.state.background import Background
from music_gui.state.brain_scene import SliceImage
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.state.slice_sampler import SliceSampler, display_range

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

GRID = Grid((6, 7, 8), np.diag([2.0, 2.0, 2.0, 1.0]))


class NoRunner:
    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture
def session() -> Session:
    background = Background(lambda call: call(), inline=True)
    return Session(background, Settings(), lambda *_: NoRunner())


@pytest.fixture
def failures(session: Session) -> list[MusicError]:
    failures: list[MusicError] = []
    session.failed.connect(failures.append)
    return failures


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two imported maps of the same participant; the files hold 2 x what the masked maps hold."""
    study = Study.create(tmp_path / "study")
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[1:4, 2:5, 3:6] = True
    with MaskedMapsWriter(study.masked_maps, mask, GRID, xform="qform") as writer:
        for session_id, value in (("ses-01", 0.25), ("ses-02", 0.75)):
            writer.append(np.full(27, value, np.float32), "sub-007", session_id)
            source = study.source_data / f"{session_id}.nii.gz"
            write_image(source, np.full(GRID.shape, 2 * value, np.float32), GRID)
    study.participants.write_text(
        "participant_id\tsession_id\tpath\n"
        "sub-007\tses-01\t../sourcedata/ses-01.nii.gz\n"
        "sub-007\tses-02\t../sourcedata/ses-02.nii.gz\n"
    )
    return study


def test_the_map_of_a_participant_is_the_file_that_was_imported(session: Session, study: Study):
    session.open_study(study.root)
    session.show_participant_map("sub-007", "ses-02")
    overlay = session.scene.overlay
    assert overlay is not None
    assert overlay.name == "sub-007 ses-02"
    assert (overlay.data == 1.5).all()
    assert overlay.warnings == ()


def test_it_is_read_with_the_transform_of_the_import(
    session: Session, study: Study, monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def load_map(path: Path, **how: object) -> SliceImage:
        asked.append((path.name, how))
        return SliceImage(path.name, np.zeros(GRID.shape), GRID)

    monkeypatch.setattr(loading, "load_map", load_map)
    session.open_study(study.root)
    session.show_participant_map("sub-007", "ses-01")
    assert asked == [("ses-01.nii.gz", {"volume": None, "xform": "qform"})]


def test_when_the_file_is_gone_the_map_comes_from_the_study(session: Session, study: Study):
    (study.source_data / "ses-02.nii.gz").unlink()
    session.open_study(study.root)
    session.show_participant_map("sub-007", "ses-02")
    overlay = session.scene.overlay
    assert overlay is not None
    assert (overlay.data[1:4, 2:5, 3:6] == 0.75).all()
    assert overlay.data.sum() == 27 * 0.75
    assert "its file is gone" in overlay.warnings[0]


def test_what_cant_be_shown_is_said_and_the_map_before_stays(
    session: Session, study: Study, failures: list[MusicError]
):
    session.show_participant_map("sub-007", "ses-01")
    assert isinstance(failures.pop(), JobError)
    session.open_study(study.root)
    session.show_participant_map("sub-007", "ses-01")
    shown = session.scene.overlay
    session.show_participant_map("sub-008", "ses-01")
    session.show_map(study.participants)
    session.show_map(study.root / "nowhere.nii.gz")
    assert [type(each) for each in failures] == [InputError] * 3
    assert "sub-008" in str(failures[0])
    assert session.scene.overlay is shown is not None


def test_any_image_can_be_shown_and_hides_the_pscs_till_it_goes(session: Session, tmp_path: Path):
    write_image(tmp_path / "z map.nii", np.ones(GRID.shape, np.float32), GRID)
    session.show_map(tmp_path / "z map.nii")
    scene = session.scene
    assert scene.overlay is not None
    assert scene.overlay.name == "z map"
    assert not scene.pscs_in_slices
    scene.pscs_in_slices = True
    session.show_map(tmp_path / "z map.nii")
    assert scene.pscs_in_slices  # the next map keeps what the user chose
    session.hide_map()
    assert scene.overlay is None
    assert scene.pscs_in_slices


def test_a_map_goes_with_its_study(session: Session, study: Study):
    session.open_study(study.root)
    session.show_participant_map("sub-007", "ses-01")
    session.close_study()
    assert session.scene.overlay is None


def test_a_map_that_arrives_after_it_was_hidden_is_dropped(tmp_path: Path):
    write_image(tmp_path / "map.nii.gz", np.ones(GRID.shape, np.float32), GRID)
    waiting: list[Callable[[], None]] = []
    late = Session(Background(waiting.append), Settings())
    late.show_map(tmp_path / "map.nii.gz")
    late.hide_map()
    late.background.stop()
    for deliver in waiting:
        deliver()
    assert late.scene.overlay is None


def test_colours_span_a_map_without_its_faint_rim():
    values = np.concatenate([np.zeros(5000), np.linspace(0, 2, 10_001), [np.nan, np.inf, -3]])
    low, high = display_range(values)
    assert high == pytest.approx(2 * 0.995, abs=1e-3)
    assert low == pytest.approx(high / 10)
    assert display_range(np.array([-4.0, -1.0, np.nan])) == (-4.0, -1.0)
    assert display_range(np.array([-np.inf, np.inf])) == (0.0, 1.0)
    assert display_range(np.zeros(3)) == (0.0, 1.0)


def test_a_map_can_take_the_place_of_the_template_while_the_study_is_open(
    session: Session, study: Study
):
    session.load_template()
    session.open_study(study.root)
    session.show_map(study.source_data / "ses-01.nii.gz")
    image = session.scene.overlay
    session.use_map_as_template()
    assert session.scene.underlay is image
    assert session.scene.overlay is None
    session.close_study()
    assert session.scene.underlay is not None
    assert session.scene.underlay.name == "MNI152"


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real maps are not beside the checkout")
def test_real_maps_lie_on_the_published_atlas():
    """Drawn planes agree with the atlas's grey matter best where they are, and unmirrored."""
    labels, grid = read_labels(SHARED / "music_atlas" / "MuSIC_C32.nii.gz")
    grey = (labels > 0).astype(float)
    paths = sorted((SHARED / "ravens").glob("sub-*.nii.gz"))
    assert len(paths) == 23
    for path in paths:
        assert agreement(loading.load_map(path), grey, grid) > 0.65, path.name
    image = loading.load_map(paths[0])
    here = agreement(image, grey, grid)
    for axis in range(3):
        for step in (-4.0, 4.0):
            assert agreement(image, grey, grid, axis=axis, step=step) < here - 0.05
        mirrored = SliceImage("mirrored", np.flip(image.data, axis), image.grid)
        assert agreement(mirrored, grey, grid) < here - 0.05


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real maps are not beside the checkout")
def test_real_maps_lie_on_the_template_as_far_as_their_space_allows():
    """The space of the published atlas is some 6 % smaller than MNI152: they agree by half."""
    template = read_image(resource("template/tpl-MNI152_res-2_label-GM_probseg.nii.gz"))
    for path in sorted((SHARED / "ravens").glob("sub-*.nii.gz"))[::5]:
        image = loading.load_map(path)
        here = agreement(image, template.data, template.grid)
        assert here > 0.45, path.name
        for axis in (1, 2):
            mirrored = SliceImage("mirrored", np.flip(image.data, axis), image.grid)
            assert agreement(mirrored, template.data, template.grid) < here - 0.08


def agreement(
    image: SliceImage, reference: np.ndarray, grid: Grid, *, axis: int = 0, step: float = 0.0
) -> float:
    """Correlate what the axial slices of a map show with another image, at the same world mm.

    Every third slice; ``step`` moves the map by mm along a world axis.
    """
    sampler = SliceSampler(image.data, image.grid, linear=True)
    shift = np.zeros(3)
    shift[axis] = step
    x, y = (
        sampler.bounds[a, 0] + (np.arange(n) + 0.5) * sampler.spacing[a]
        for a, n in enumerate(sampler.plane(2, 0.0).shape)
    )
    shown, expected = [], []
    for z in np.arange(-40.0, 64.0, 6.0):
        world = np.stack(np.broadcast_arrays(x[:, None], y[None, :], z), axis=-1) + shift
        voxel = np.rint(grid.to_voxel(world)).astype(int)
        inside = ((voxel >= 0) & (voxel < grid.shape)).all(axis=-1)
        shown.append(sampler.plane(2, z)[inside])
        expected.append(reference[tuple(voxel[inside].T)])
    return float(np.corrcoef(np.concatenate(shown), np.concatenate(expected))[0, 1])
