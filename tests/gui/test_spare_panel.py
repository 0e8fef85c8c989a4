"""The SPARE panel: a score with its uncertainty, or the reason why there is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from music_gui.core.spare.density import score_density
from music_gui.views.spare.spare_panel import SparePanel

pytestmark = pytest.mark.gui

EVALUATION = {
    "patients": {"label": "PT", "n": 80},
    "controls": {"label": "CN", "n": 160},
    "scheme": "10 repeats of 5-fold cross-validation",
    "interval": "95 %, corrected resampled t",
    "metrics": {
        "balanced_accuracy": {"mean": 0.822, "sd": 0.05, "low": 0.741, "high": 0.903},
        "auc": {"mean": 0.92, "sd": 0.03, "low": 0.87, "high": 0.97},
        "cohens_d": {"mean": 1.9, "sd": 0.2, "low": None, "high": None},
    },
}


def make_score(**changes):
    score = {
        "id": "sub-0001",
        "status": "scored",
        "reasons": [],
        "notes": ["this map was in the training sample"],
        "model": {"name": "SPARE-PT", "patients": "PT", "controls": "CN"},
        "checks": [
            {"name": "likeness", "passed": True, "text": "correlation 0.91, limit 0.80"},
            {"name": "site", "passed": None, "text": "site unknown to the model"},
        ],
        "score": {
            "value": 1.234,
            "low": 0.8,
            "high": 1.7,
            "interval": "95 %",
            "probability": 0.87,
            "probability_at_prevalence": 1 / 3,
        },
        "percentiles": {
            "controls": {"value": 97.4, "reason": ""},
            "patients": {"value": None, "reason": "too few people of this age and sex"},
        },
        "contributions": [
            {"psc": "C32_1", "volume_mm3": 12_000.0, "contribution": 0.1},
            {"psc": "C32_2", "volume_mm3": 9_000.0, "contribution": -0.9},
        ],
        "disclaimer": "For research use only; not a diagnostic device.",
    }
    return score | changes


def show_model(session):
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(-1, 0.7, 160), rng.normal(1.2, 0.8, 80)])
    session.spare.update(
        {
            "model_name": "SPARE-PT",
            "model": SimpleNamespace(
                features=["C32_1", "C32_2"],
                population=SimpleNamespace(age_range=[50.0, 85.0]),
                intended_use="Research only.",
            ),
            "density": score_density(scores, np.arange(240) >= 160),
            "evaluation": EVALUATION,
        }
    )


@pytest.fixture
def panel(qtbot, session):
    panel = SparePanel(session)
    qtbot.addWidget(panel)
    panel.resize(760, 420)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def texts(widget):
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def test_without_a_score_it_says_what_to_do_and_asks_for_it(panel, session, screenshot):
    asked = []
    session.step_requested.connect(lambda step, values: asked.append(step))
    session.study = object()
    panel._score.currentWidget().findChild(QPushButton).click()
    session.study = None
    assert asked == ["spare-score"]
    screenshot(panel, "spare_empty")


def test_a_score_is_shown_with_its_uncertainty(panel, session, screenshot):
    show_model(session)
    session.spare.score = make_score()
    page = panel.score_page
    assert page.number.text() == "+1.23"
    assert "+0.80 to +1.70" in page.interval.text()
    assert "87%" in page.words.text()
    assert "Percentile 97 among CN" in page.words.text()
    assert "too few people" in page.words.text()
    assert "Note: this map was in the training sample" in page.words.text()
    assert page.density.isVisible()
    assert "not a diagnostic device" in texts(page)
    assert page.contributions.item(0, 0).text() == "C32_2"
    screenshot(panel, "spare_score")


def test_a_map_that_fails_a_check_gets_no_number_but_the_reason(panel, session, screenshot):
    show_model(session)
    failed = [{"name": "regions", "passed": False, "text": "32 of 32 regions are out of range"}]
    session.spare.score = make_score(
        status="not applicable",
        reasons=["32 of 32 regions are out of range"],
        score=None,
        percentiles=None,
        contributions=None,
        checks=make_score()["checks"] + failed,
    )
    page = panel.score_page
    assert page.number.text() == "No score"
    assert "out of range" in texts(page.checks)
    assert page.contributions.rowCount() == 0
    assert not page._paint.isEnabled()
    screenshot(panel, "spare_not_applicable")


LONG_CHECKS = [
    {
        "name": "likeness",
        "passed": False,
        "text": "it may be badly aligned, or no brain of the training kind: correlation 0.12 with "
        "the mean of the training maps (limit 0.80, usual 0.91)",
    },
    {"name": "covariates", "passed": False, "text": "the model needs age and sex"},
]


@pytest.mark.parametrize("scored", [True, False])
def test_a_narrow_panel_cuts_off_no_text(panel, session, scored, screenshot, qtbot):
    show_model(session)
    nothing = {"score": None, "percentiles": None, "contributions": None}
    session.spare.score = make_score(checks=LONG_CHECKS, **({} if scored else nothing))
    panel.resize(420, 300)
    page = panel.score_page
    qtbot.waitUntil(lambda: page.width() <= 420)
    screenshot(panel, f"spare_narrow_{'scored' if scored else 'refused'}")
    assert panel.width() == 420
    column, viewport = page.scroll.widget(), page.scroll.viewport()
    assert column.width() <= viewport.width()
    for label in (each for each in column.findChildren(QLabel) if each.text()):
        assert label.mapTo(column, label.rect().bottomRight()).x() < viewport.width()
        assert label.height() >= label.heightForWidth(label.width())
    header = page.contributions.horizontalHeader()
    assert header.length() <= page.contributions.viewport().width()
    for section in range(header.count()):
        needed = max(header.sectionSizeHint(section), page.contributions.sizeHintForColumn(section))
        assert header.sectionSize(section) >= needed


@pytest.mark.parametrize(
    ("value", "text"),
    [(100.0, "Above the 99th"), (0.0, "Below the 1st"), (50.2, "Percentile 50 among CN")],
)
def test_no_score_is_said_to_be_beyond_everyone(panel, session, value, text):
    place = {"value": value, "reason": ""}
    session.spare.score = make_score(percentiles={"controls": place, "patients": place})
    assert text in panel.score_page.words.text()


def test_contributions_are_painted_on_the_brain_on_request(panel, session):
    session.spare.score = make_score()
    panel.score_page._paint.click()
    painted = session.scene.painted
    assert painted.values == {"C32_1": 0.1, "C32_2": -0.9}
    assert painted.kind == "diverging"


def test_the_model_page_tells_how_well_it_does(panel, session, screenshot):
    show_model(session)
    panel.tabs.setCurrentIndex(1)
    said = texts(panel.model_page)
    assert "0.822  [0.741, 0.903]" in said
    assert "not estimable" in said  # sensitivity is missing
    assert "80 PT against 160 CN, aged 50 to 85" in said
    screenshot(panel, "spare_model")


def test_a_model_from_elsewhere_can_not_dress_its_words(panel, session):
    """Text of a file that looks like HTML is shown as it is, wherever it may stand."""
    show_model(session)
    dressed = "<b>Approved</b> <img src='file:///etc/hostname'>"
    model = {"name": dressed, "patients": dressed, "controls": dressed}
    checks = [{"name": "likeness", "passed": True, "text": dressed}]
    session.spare.score = make_score(model=model, checks=checks, notes=[dressed])
    shown = [label for label in panel.findChildren(QLabel) if dressed in label.text()]
    assert len(shown) >= 3
    assert {label.textFormat() for label in shown} == {Qt.TextFormat.PlainText}
