"""The open study and what follows from it."""

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import JobError, StudyError
from music_gui.core.grid import Grid
from music_gui.io.study import Study
from music_gui.jobs.events import Event, append_event
from music_gui.jobs.folder import create_job
from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.jobs.runner import new_job
from music_gui.state import loading
from music_gui.state.association import AssociationResult
from music_gui.state.background import Background
from music_gui.state.psc_column import PscColumn
from music_gui.state.session import Session
from music_gui.state.settings import Settings


class FakeRunner:
    """Keeps what it was asked for."""

    def __init__(self, jobs: Path, on_change: Callable, settings: Settings) -> None:
        self.on_change = on_change
        self.calls: list[tuple] = []

    def start(self) -> None:
        self.calls.append(("start",))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def submit(self, step: str, parameters: dict[str, Any], *, title: str, **more: Any) -> str:
        self.calls.append(("submit", step, parameters, title))
        return "job"

    def cancel(self, job_id: str) -> None:
        self.calls.append(("cancel", job_id))

    def retry(self, job_id: str) -> None:
        raise JobError("a job that is done can't become queued")


@pytest.fixture
def runners() -> list[FakeRunner]:
    return []


@pytest.fixture
def session(runners: list[FakeRunner]) -> Session:
    def factory(*arguments: Any) -> FakeRunner:
        runners.append(FakeRunner(*arguments))
        return runners[-1]

    return Session(Background(lambda call: call(), inline=True), Settings(), factory)


@pytest.fixture
def failures(session: Session) -> list:
    failures: list = []
    session.failed.connect(failures.append)
    return failures


def small_atlas(name: str, *scales: int) -> Atlas:
    labels = np.zeros((4, 4, 4), dtype=np.int32)
    labels[0, 0, 0], labels[3, 3, 3] = 1, 2
    grid = Grid((4, 4, 4), np.eye(4))
    return Atlas(name, grid, {scale: AtlasScale(scale, labels) for scale in scales})


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Has two atlases and one GWAS, whose files are empty: the readers are replaced."""
    study = Study.create(tmp_path / "study")
    touch(study.atlas("first") / "atlas-first_scale-C2_dseg.nii.gz", 1)
    touch(study.atlas("second") / "atlas-second_scale-C2_dseg.nii.gz", 2)
    touch(study.gwas("main") / "gwas.json", 1)
    monkeypatch.setattr(loading, "load_atlas", lambda study, name: small_atlas(name, 2, 4))
    monkeypatch.setattr(loading, "load_surface", lambda study, name, scale: f"{name} C{scale}")
    monkeypatch.setattr(loading, "hit_columns", lambda study, run: [])
    monkeypatch.setattr(loading, "load_association", association)
    return study


def touch(path: Path, time_ns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(time_ns, time_ns))


def association(study: Study, run: str, psc: str) -> AssociationResult | None:
    if psc == "C2_2":
        return None
    none = np.array([])
    return AssociationResult(
        run=run,
        psc=psc,
        variants=None,
        beta=none,
        standard_error=none,
        neg_log_10_p_value=none,
        axis=None,
        quantiles=None,
        lambda_gc=1.0,
        n_tests=1,
        simulated=False,
    )


def test_a_new_study_is_opened_and_remembered(
    session: Session, runners: list[FakeRunner], tmp_path: Path
):
    opened = []
    session.study_changed.connect(opened.append)
    session.new_study(tmp_path / "new", "Aging")
    assert session.study is not None
    assert session.study.manifest.name == "Aging"
    assert opened == [session.study]
    assert session.settings.recent_studies == (str(tmp_path / "new"),)
    assert runners[0].calls == [("start",)]


def test_a_folder_that_is_no_study_leaves_the_open_one_open(
    session: Session, study: Study, failures: list, tmp_path: Path
):
    session.open_study(study.root)
    session.open_study(tmp_path)
    assert isinstance(failures[0], StudyError)
    assert session.study == study


def test_opening_a_study_shows_its_newest_atlas_at_its_coarsest_scale(
    session: Session, study: Study
):
    session.open_study(study.root)
    assert session.scene.atlas is not None
    assert (session.scene.atlas.name, session.scene.scale) == ("second", 2)
    assert session.scene.surface == "second C2"
    assert "Volume" in session.columns


def test_closing_leaves_nothing_behind(session: Session, study: Study, runners: list[FakeRunner]):
    session.open_study(study.root)
    session.scene.select("C2_1")
    session.close_study()
    assert runners[0].calls[-1] == ("stop",)
    assert (session.study, session.scene.atlas, session.scene.selected) == (None, None, None)
    assert (session.association.run, session.association.result) == (None, None)
    assert session.columns == {}
    assert session.jobs.jobs == []


def test_a_runner_that_takes_long_to_stop_keeps_no_one_waiting(study: Study):
    """The UI thread goes on; the next runner starts only when the first has stopped."""
    calls, may_stop, posted = [], threading.Event(), queue.SimpleQueue()

    class SlowRunner(FakeRunner):
        def start(self) -> None:
            calls.append((id(self), "start", threading.current_thread()))

        def stop(self) -> None:
            assert may_stop.wait(10)
            calls.append((id(self), "stop", threading.current_thread()))

    background = Background(posted.put)
    made = []

    def factory(*arguments: Any) -> SlowRunner:
        made.append(SlowRunner(*arguments))
        return made[-1]

    session = Session(background, Settings(), factory)
    session._show_study(study)
    session._show_study(Study.open(study.root))  # would hang here if it waited
    session.close_study()
    may_stop.set()
    background.stop()
    first, second = map(id, made)
    assert [call[:2] for call in calls] == [
        (first, "start"),
        (first, "stop"),
        (second, "start"),
        (second, "stop"),
    ]
    assert all(call[2] is not threading.main_thread() for call in calls)


def test_another_study_takes_the_place_of_the_first(
    session: Session, study: Study, tmp_path: Path, runners: list[FakeRunner]
):
    session.open_study(study.root)
    session.new_study(tmp_path / "other")
    assert runners[0].calls[-1] == ("stop",)
    assert session.scene.atlas is None
    assert [Path(each).name for each in session.settings.recent_studies] == ["other", "study"]


def test_news_of_a_study_that_was_closed_is_dropped(
    session: Session,
    study: Study,
    runners: list[FakeRunner],
    tmp_path: Path,
    snapshot: Callable[..., JobSnapshot],
):
    session.open_study(study.root)
    session.new_study(tmp_path / "other")
    runners[0].on_change(snapshot(JobState.RUNNING), [])
    assert session.jobs.jobs == []
    runners[1].on_change(snapshot(JobState.RUNNING), [])
    assert len(session.jobs.jobs) == 1


def test_a_job_that_ends_shows_only_what_it_made(
    session: Session,
    study: Study,
    runners: list[FakeRunner],
    snapshot: Callable[..., JobSnapshot],
):
    session.open_study(study.root)
    session.show_atlas("first")
    shown = session.scene.atlas
    for state in (JobState.RUNNING, JobState.DONE):
        runners[0].on_change(snapshot(state), [])
    assert session.scene.atlas is shown
    touch(study.atlas("second") / "atlas-second_scale-C2_dseg.nii.gz", 3)
    session.submit("fit", {}, title="Fit")
    made = {"outputs": {"atlases/second/atlas-second_scale-C2_dseg.nii.gz": "0"}}
    runners[0].on_change(snapshot(JobState.QUEUED, "job"), [])
    runners[0].on_change(snapshot(JobState.DONE, "job", result=made), [])
    assert session.scene.atlas is not None
    assert session.scene.atlas.name == "second"


def test_a_score_made_elsewhere_is_listed_but_not_shown_in_place_of_one_that_is_read(
    session: Session,
    study: Study,
    runners: list[FakeRunner],
    snapshot: Callable[..., JobSnapshot],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(loading, "load_score", lambda study, name: {"id": name})
    session.open_study(study.root)

    def end(job_id: str, score: str, time: int) -> None:
        touch(study.scores / score / "score.json", time)
        runners[0].on_change(snapshot(JobState.RUNNING, job_id), [])
        result = {"outputs": {f"scores/{score}": "0"}}
        runners[0].on_change(snapshot(JobState.DONE, job_id, result=result), [])

    end("elsewhere-1", "a", 1)
    assert session.spare.score == {"id": "a"}  # nothing else was shown
    end("elsewhere-2", "b", 2)
    assert session.spare.score == {"id": "a"}
    assert session.catalog.scores == ("a", "b")
    session.submit("spare-score", {}, title="Score")
    end("job", "c", 3)
    assert session.spare.score == {"id": "c"}
    end("elsewhere-3", "c", 4)  # written again by others: what is shown is what the study holds
    end("elsewhere-4", "a", 5)
    assert session.spare.score_id == "c"


def test_an_atlas_fitted_anew_keeps_scale_and_selection(session: Session, study: Study):
    session.open_study(study.root)
    session.scene.select("C4_1")
    session.show_atlas("second")
    assert (session.scene.scale, session.scene.selected) == (4, "C4_1")


def test_selecting_a_psc_loads_its_association(session: Session, study: Study):
    session.open_study(study.root)
    session.scene.select("C2_1")
    assert session.association.result is not None
    assert session.association.result.psc == "C2_1"
    session.scene.select("C2_2")
    assert session.association.result is None
    assert session.association.empty_reason == "C2_2 was not tested in main"
    session.scene.select(None)
    assert session.association.empty_reason == ""


def test_jobs_are_asked_for_under_their_title(
    session: Session, study: Study, runners: list[FakeRunner]
):
    session.open_study(study.root)
    session.submit("fit", {"scales": [8]}, title="Fit sopNMF")
    session.cancel("job")
    assert runners[0].calls[1:] == [
        ("submit", "fit", {"scales": [8]}, "Fit sopNMF"),
        ("cancel", "job"),
    ]


def test_what_the_runner_refuses_is_said(session: Session, study: Study, failures: list):
    session.open_study(study.root)
    session.retry("job")
    assert failures[0].what == "a job that is done can't become queued"


def test_without_a_study_nothing_can_be_run(session: Session, failures: list):
    session.submit("fit", {}, title="Fit")
    assert failures[0].what == "no study is open"


def test_a_result_that_cant_be_read_is_said(
    session: Session, study: Study, failures: list, monkeypatch: pytest.MonkeyPatch
):
    def damaged(study: Study, name: str) -> Atlas:
        raise StudyError("the label image is damaged", where=name)

    monkeypatch.setattr(loading, "load_atlas", damaged)
    session.open_study(study.root)
    assert failures[0].what == "the label image is damaged"
    assert session.study is not None


def test_painting_takes_a_column_by_its_title(session: Session, study: Study):
    session.open_study(study.root)
    session.paint("Volume")
    assert session.scene.painted is session.columns["Volume"]
    session.paint(None)
    assert session.scene.painted is None


def test_the_side_convention_is_remembered(session: Session):
    session.scene.radiological = True
    assert session.settings.radiological


def test_a_study_with_a_gwas_opens_at_its_strongest_association(session):
    session.scene.show_atlas(small_atlas("study", 4))
    top = PscColumn(loading.TOP_HIT, {"C4_1": 3.0, "C4_2": 9.0, "C8_1": 20.0})
    session._show_hits([top])
    assert session.scene.selected == "C4_2"
    session.scene.select("C4_1")
    session._show_hits([top])
    assert session.scene.selected == "C4_1"


def test_the_painted_column_follows_the_results_it_comes_from(session):
    session._add_columns([PscColumn("SPARE weight", {"C4_1": 1.0})])
    session.paint("SPARE weight")
    session._add_columns([PscColumn("SPARE weight", {"C4_1": 2.0})])
    assert session.scene.painted.values == {"C4_1": 2.0}


def test_the_metrics_of_an_old_job_are_read_when_they_are_asked_for(session: Session, study: Study):
    paths = create_job(study.jobs, new_job("fit", {}, title="Fit"))
    values = {"epoch": 1, "loss": 0.5}
    append_event(paths.events, Event(kind="metric", data={"name": "fit", "values": values}))
    session.open_study(study.root)
    answers: list = []
    session.load_metrics(paths.folder.name, answers.extend)
    assert answers == [("fit", values)]


def test_columns_stand_in_one_order_whatever_is_read_first(session):
    for title in ("SPARE weight", "mine", loading.TOP_HIT, "Volume"):
        session._add_columns([PscColumn(title, {"C4_1": 1.0})])
    assert list(session.columns) == ["Volume", loading.TOP_HIT, "SPARE weight", "mine"]
