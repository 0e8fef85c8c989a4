"""The dialog of a step, made from its parameters."""

from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from pydantic import Field, model_validator
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtWidgets import QSpinBox

from music_gui.state.background import Background
from music_gui.state.catalog import Catalog
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.state.step_form import StepForm, load_step_form
from music_gui.steps.arguments import describe_parameters
from music_gui.steps.registry import STEP_MODULES
from music_gui.steps.step import StepParameters
from music_gui.views.jobs.step_dialog import StepDialog, label_of

pytestmark = pytest.mark.gui


class Parameters(StepParameters):
    map: Path = Field(description="The grey-matter map to score")
    scales: tuple[int, ...] = Field((32, 64), description="Numbers of components")
    max_epochs: int = Field(100, ge=1, le=10_000, description="Most passes over the data")
    tolerance: float = Field(1e-4, gt=0, description="Smallest improvement that counts")
    radius: float = Field(2.5, ge=0, description="Of the sphere", json_schema_extra={"unit": "mm"})
    seed: int | None = Field(None, ge=0, description="Makes the run repeatable")
    harmonize: bool = Field(True, description="Remove the effects of sites first")
    method: Literal["linear", "logistic"] = Field("linear", description="Kind of model")
    plots: tuple[Literal["qq", "manhattan"], ...] = Field(("qq",), description="What to draw")
    table: str = Field("", description="PSC table; by default the newest")
    files: tuple[Path, ...] = Field((), description="More maps")

    @model_validator(mode="after")
    def _seed_fits(self):
        if self.seed == 13:
            raise ValueError("13 is an unlucky seed")
        return self


FORM = StepForm(
    "fit",
    "Fit sopNMF",
    "Factorise the maps into parts that vary together, by stochastic updates.",
    tuple(describe_parameters(Parameters)),
    Parameters,
)


class AskedRunner:
    def __init__(self):
        self.asked = []

    def start(self):
        pass

    def stop(self):
        pass

    def submit(self, step, parameters, *, title):
        self.asked.append((step, parameters, title))


@pytest.fixture
def runner():
    return AskedRunner()


@pytest.fixture
def session(tmp_path, runner):
    background = Background(lambda call: call(), inline=True)
    session = Session(background, Settings(), lambda *_: runner)
    session.new_study(tmp_path / "study")
    yield session
    session.close_study()


@pytest.fixture
def open_dialog(session, qtbot, dressed):
    dialogs = []

    def open_dialog(form=FORM, values=None):
        dialog = StepDialog(form, session, values)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialogs.append(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    yield open_dialog
    for dialog in dialogs:
        dialog.close()
        dialog.deleteLater()


def test_it_starts_with_the_defaults(open_dialog):
    editors = open_dialog().editors
    assert {name: editor.value() for name, editor in editors.items()} == {
        "map": None,
        "scales": [32, 64],
        "max_epochs": 100,
        "tolerance": 0.0001,
        "radius": 2.5,
        "seed": None,
        "harmonize": True,
        "method": "linear",
        "plots": ["qq"],
        "table": "",
        "files": [],
    }


def test_nothing_runs_before_what_is_required_is_given(open_dialog, runner, qtbot):
    dialog = open_dialog()
    assert not dialog.run.isEnabled()
    assert not dialog.errors["map"].isVisible()  # nobody has had a chance to fill it in yet
    qtbot.keyClicks(dialog.editors["map"].marked, "/data/sub-1.nii.gz")
    assert dialog.run.isEnabled()
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    assert runner.asked == [("fit", {"map": "/data/sub-1.nii.gz"}, "Fit sopNMF")]
    assert not dialog.isVisible()


def test_what_is_wrong_stands_beside_its_field(open_dialog, qtbot, screenshot):
    dialog = open_dialog(values={"map": "/m.nii"})
    dialog.editors["scales"].set_value(["32", "many"])
    dialog.editors["tolerance"].set_value("-1")
    assert "valid integer" in dialog.errors["scales"].text()
    assert dialog.errors["tolerance"].isVisible()
    assert dialog.editors["tolerance"].marked.property("invalid") is True
    assert not dialog.run.isEnabled()
    screenshot(dialog, "step_dialog_errors")
    dialog.editors["scales"].set_value([8])
    dialog.editors["tolerance"].set_value("1e-3")
    assert not dialog.errors["scales"].isVisible()
    assert dialog.run.isEnabled()


def test_what_several_answers_do_wrong_together_stands_below(open_dialog):
    dialog = open_dialog(values={"map": "/m.nii", "seed": 13})
    assert dialog._wrong.text() == "13 is an unlucky seed"
    assert not dialog.run.isEnabled()


def test_the_answers_are_remembered_for_the_next_time(open_dialog, session, qtbot):
    first = open_dialog(values={"map": "/m.nii", "harmonize": False, "plots": ["manhattan"]})
    qtbot.mouseClick(first.run, Qt.MouseButton.LeftButton)
    assert session.settings.step_values["fit"] == {
        "map": "/m.nii", "harmonize": False, "plots": ["manhattan"],
    }  # fmt: skip
    second = open_dialog(values={"map": "/other.nii"})
    assert second.editors["map"].value() == "/other.nii"
    assert second.editors["harmonize"].value() is False
    second.enter(second._defaults())
    assert second.editors["harmonize"].value() is True


@pytest.mark.parametrize("radius", [1_480_123.25, 0.123456789012, 1e-12, 3.0])
def test_a_number_that_is_entered_for_the_user_keeps_all_its_digits(open_dialog, radius):
    dialog = open_dialog(values={"map": "/m.nii", "radius": radius})
    assert dialog.answers()["radius"] == radius


def test_nothing_of_one_person_is_offered_for_the_next(open_dialog, session, qtbot):
    form = load_step_form("spare-score")
    of_one = {
        "map": "/a.nii.gz", "participant": "", "session": "ses-02", "age": 71.0, "sex": "F",
        "site": "North", "icv": 1.4e6, "name": "A",
    }  # fmt: skip
    first = open_dialog(form, of_one | {"max_shift": 0.1})
    qtbot.mouseClick(first.run, Qt.MouseButton.LeftButton)
    assert session.settings.step_values["spare-score"] == {"max_shift": 0.1}
    session.settings.step_values = {"spare-score": of_one}  # as an older version left it
    assert open_dialog(form, {"map": "/b.nii.gz"}).answers() == {"map": "/b.nii.gz"}


def show_model(session):
    covariates = [SimpleNamespace(name="age"), SimpleNamespace(name="sex")]
    model = SimpleNamespace(
        name="SPARE-PT",
        adjustment=SimpleNamespace(covariates=covariates),
        harmonization=SimpleNamespace(
            sites=["North"], covariates=[SimpleNamespace(name="icv")], smooth=None
        ),
    )
    session.catalog = Catalog(spare_models=("older", "main"))
    session.spare.update({"model_name": "main", "model": model})


def test_what_the_model_needs_is_asked_for_before_a_map_is_scored(
    open_dialog, session, runner, qtbot, screenshot
):
    dialog = open_dialog(load_step_form("spare-score"), {"map": "/a.nii.gz"})
    assert dialog.run.isEnabled()  # no model has been read yet
    show_model(session)
    assert dialog.errors["age"].text() == "SPARE-PT needs the age"
    assert dialog.errors["age"].isVisible()
    assert dialog.errors["sex"].isVisible()
    assert not dialog.errors["icv"].isVisible()
    assert not dialog.run.isEnabled()
    screenshot(dialog, "score_dialog_needs_age")
    dialog.enter({"age": 71.0, "sex": "F"})
    assert dialog.run.isEnabled()
    dialog.enter({"site": "North"})  # known: to remove its effect takes more
    assert dialog.errors["icv"].text() == "SPARE-PT needs the intracranial volume"
    dialog.enter({"icv": 1.4e6})
    qtbot.mouseClick(dialog.run, Qt.MouseButton.LeftButton)
    assert runner.asked[0][1]["age"] == 71.0


@pytest.mark.parametrize(
    "values",
    [{"participant": "sub-1"}, {"map": "/a.nii.gz", "model": "older"}, {}],
)
def test_what_the_study_knows_or_another_model_may_not_need_is_not_asked_for(
    open_dialog, session, values
):
    show_model(session)
    assert open_dialog(load_step_form("spare-score"), values).run.isEnabled()


def test_remembered_answers_of_an_older_version_do_no_harm(open_dialog, session):
    session.settings.step_values = {"fit": {"gone": 1, "max_epochs": "text", "method": "cubic"}}
    dialog = open_dialog()
    assert "gone" not in dialog.editors
    assert dialog.editors["max_epochs"].value() == 100


def test_files_and_folders_can_be_dropped(open_dialog, tmp_path):
    dialog = open_dialog()
    drop(dialog.editors["map"].widget, tmp_path / "größe 1.nii.gz")
    drop(dialog.editors["files"].widget, tmp_path / "a.nii", tmp_path / "b.nii")
    drop(dialog.editors["files"].widget, tmp_path / "b.nii")
    assert dialog.editors["map"].value() == str(tmp_path / "größe 1.nii.gz")
    assert dialog.editors["files"].value() == [str(tmp_path / "a.nii"), str(tmp_path / "b.nii")]


def drop(widget, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    widget.dropEvent(
        QDropEvent(
            QPoint(2, 2), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip


def test_the_wheel_scrolls_the_form_and_changes_no_value(open_dialog, qapp):
    box = open_dialog().editors["max_epochs"].widget
    assert isinstance(box, QSpinBox)
    event = QWheelEvent(
        QPoint(2, 2), box.mapToGlobal(QPoint(2, 2)), QPoint(0, 120), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    qapp.sendEvent(box, event)
    assert box.value() == 100


def test_bounds_and_units_are_part_of_the_editor(open_dialog):
    dialog = open_dialog()
    box = dialog.editors["max_epochs"].widget
    assert (box.minimum(), box.maximum()) == (1, 10_000)
    labels = [each.text() for each in dialog.findChildren(type(dialog._wrong).__mro__[1])]
    assert "Radius (mm)" in labels


def test_the_study_offers_its_tables(open_dialog, session):
    from dataclasses import replace

    session.catalog = replace(session.catalog, psc_tables=("study_raw", "study_harmonized"))
    box = open_dialog().editors["table"].widget
    assert [box.itemText(row) for row in range(box.count())] == ["study_harmonized", "study_raw"]
    assert box.currentText() == ""


def test_every_control_has_a_name_for_screen_readers(open_dialog):
    for editor in open_dialog().editors.values():
        assert editor.widget.accessibleName()


def test_names_become_labels():
    labels = {field.name: label_of(field) for field in FORM.fields}
    assert labels["max_epochs"] == "Max epochs"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_looks_right(open_dialog, screenshot, dressed, theme):
    dressed.use(theme)
    screenshot(open_dialog(), f"step_dialog_{theme}")


@pytest.mark.parametrize("step", sorted(STEP_MODULES))
def test_every_step_has_a_dialog_that_shows_its_defaults(open_dialog, step, screenshot):
    form = load_step_form(step)
    dialog = open_dialog(form)
    assert not dialog.answers()
    assert set(form.check(dialog.answers())) <= {f.name for f in form.fields if f.required} | {""}
    screenshot(dialog, f"step_{step}")
