"""The cohort panel: import report and participants."""

import numpy as np
import pandas as pd
import pytest
from brain_world import session_without_jobs
from job_samples import make_job
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton, QTableView

from music_gui.jobs.events import Event
from music_gui.jobs.job import JobState
from music_gui.views.cohort.cohort_panel import CohortPanel

pytestmark = pytest.mark.gui


@pytest.fixture
def session(tmp_path):
    session = session_without_jobs()
    session.new_study(tmp_path / "study")
    yield session
    session.close_study()


@pytest.fixture
def asked(session):
    asked = []
    session.step_requested.connect(lambda step, values: asked.append((step, values)))
    return asked


@pytest.fixture
def panel(session, open_widget):
    return open_widget(CohortPanel(session), (760, 420))


def report(n=12):
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{number:04d}" for number in range(n)],
            "session_id": "ses-01",
            "path": [f"maps/sub-{number:04d}_RAVENS.nii.gz" for number in range(n)],
            "state": ["refused" if number % 5 == 2 else "imported" for number in range(n)],
            "reason": ["The file is truncated" if number % 5 == 2 else "" for number in range(n)],
            "total_gm_ml": [np.nan if number % 5 == 2 else 600.0 + number for number in range(n)],
            "warnings": ["looks mirrored" if number == 4 else "" for number in range(n)],
        }
    )


def participants(n=10):
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{number:04d}" for number in range(n)],
            "session_id": "ses-01",
            "age": np.linspace(9, 90, n),
            "sex": ["F", "M"] * (n // 2),
            "site": [np.nan, *(["UPENN"] * (n - 1))],
        }
    )


def shown(panel, tab):
    """The texts of a tab's table, row by row, as they are sorted and filtered."""
    model = panel.tabs.widget(tab).model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_without_maps_it_says_how_to_get_some(panel, asked, qtbot, screenshot):
    screenshot(panel, "cohort_empty")
    button = next(each for each in panel.findChildren(QPushButton) if each.isVisible())
    assert button.text() == "Import maps…"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked == [("import-maps", {})]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_file_stands_with_its_state_and_reason(panel, session, screenshot, dressed, theme):
    dressed.use(theme)
    session.cohort.update({"report": report(), "participants": participants()})
    rows = shown(panel, 0)
    assert rows[2] == [
        "refused", "sub-0002", "ses-01", "", "The file is truncated", "",
        "maps/sub-0002_RAVENS.nii.gz",
    ]  # fmt: skip
    assert rows[4][5] == "looks mirrored"
    assert panel._summary.text() == "10 imported  ·  2 refused"
    screenshot(panel, f"cohort_report_{theme}")


def test_participants_are_listed_and_sorted_as_numbers(panel, session, screenshot):
    session.cohort.update({"report": report(), "participants": participants()})
    panel.tabs.setCurrentIndex(1)
    table = panel.tabs.widget(1)
    assert isinstance(table, QTableView)
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    ages = [float(row[2]) for row in shown(panel, 1)]
    assert ages == sorted(ages)
    assert ages[0] == 9
    assert shown(panel, 1)[0][4] == ""  # a missing site is empty, not nan
    screenshot(panel, "cohort_participants")


def test_a_long_list_can_be_filtered(panel, session, qtbot):
    session.cohort.update({"report": report(), "participants": participants()})
    qtbot.keyClicks(panel._search, "TRUNC")
    assert [row[1] for row in shown(panel, 0)] == ["sub-0002", "sub-0007"]


def row_event(number, state, reason=""):
    values = {
        "row": number, "participant_id": f"sub-{number}", "session_id": "ses-01",
        "path": f"{number}.nii", "state": state, "reason": reason, "total_gm_ml": None,
    }  # fmt: skip
    return Event(kind="metric", data={"name": "import", "values": values})


def test_rows_appear_while_the_import_runs(panel, session, qtbot):
    job = make_job(1, JobState.RUNNING, "Import maps", step="import-maps")
    session.jobs.apply(job, [row_event(0, "waiting"), row_event(1, "waiting")])
    qtbot.waitUntil(lambda: len(shown(panel, 0)) == 2)
    session.jobs.apply(job, [row_event(0, "imported"), row_event(2, "refused", "it is 4D")])
    qtbot.waitUntil(lambda: len(shown(panel, 0)) == 3)
    assert [row[0] for row in shown(panel, 0)] == ["imported", "waiting", "refused"]
    assert shown(panel, 0)[2][4] == "it is 4D"


def test_a_panel_that_opens_during_an_import_catches_up(session, qtbot, dressed):
    job = make_job(1, JobState.RUNNING, "Import maps", step="import-maps")
    session.jobs.apply(job, [row_event(0, "imported")])
    late = CohortPanel(session)
    qtbot.waitUntil(lambda: len(shown(late, 0)) == 1)
    late.deleteLater()


def test_an_import_of_long_ago_does_not_hide_the_report(panel, session, qtbot):
    session.cohort.update({"report": report(), "participants": participants()})
    job = make_job(1, JobState.DONE, "Import maps", step="import-maps")
    session.jobs.apply(job, [row_event(0, "refused")])
    qtbot.wait(250)
    assert len(shown(panel, 0)) == 12


def test_another_import_starts_with_an_empty_table(panel, session, qtbot):
    session.cohort.update({"report": report(), "participants": participants()})
    job = make_job(2, JobState.RUNNING, "Import maps", step="import-maps")
    session.jobs.apply(job, [row_event(0, "imported")])
    qtbot.waitUntil(lambda: len(shown(panel, 0)) == 1)


def test_closing_the_study_empties_it(panel, session):
    session.cohort.update({"report": report(), "participants": participants()})
    session.close_study()
    assert shown(panel, 0) == []
    assert not panel.tabs.isVisible()


def test_dropped_maps_fill_in_the_import(panel, asked, tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    drop(panel, folder)
    drop(panel, tmp_path / "people.csv")
    drop(panel, tmp_path / "a.nii.gz", tmp_path / "b.nii")
    assert asked == [
        ("import-maps", {"folder": str(folder)}),
        ("import-maps", {"participants": str(tmp_path / "people.csv")}),
        ("import-maps", {"files": [str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii")]}),
    ]


def test_other_files_are_refused_with_what_can_be_dropped(panel, session, asked, tmp_path):
    failures = []
    session.failed.connect(failures.append)
    drop(panel, tmp_path / "notes.docx")
    assert asked == []
    assert ".nii.gz" in failures[0].remedy


def drop(widget, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    widget.dropEvent(
        QDropEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip
