"""One person's SPARE score: the number with its uncertainty, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from music_gui.views.spare.check_list import CheckList
from music_gui.views.spare.contribution_table import ContributionTable
from music_gui.views.spare.density_plot import DensityPlot
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge
from music_gui.views.widgets.wrapping import wrap_to_width

if TYPE_CHECKING:
    from music_gui.state.session import Session


class ScorePage(QWidget):
    """A score, its place among patients and controls, the checks, and what each PSC adds.

    Parameters
    ----------
    session : Session
        The open study.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._scores = QComboBox()
        self._scores.setAccessibleName("Scored subject")
        self._scores.textActivated.connect(session.show_score)
        self._scores.setMinimumContentsLength(8)
        self._scores.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        another = IconButton(
            "mdi6.account-plus", "Score a subject…", lambda: session.request_step("spare-score")
        )
        self._paint = IconButton(
            "mdi6.brush",
            "Colour the PSCs by what each adds to this score",
            session.paint_contributions,
        )
        head = QHBoxLayout()
        head.addWidget(self._scores, 1)
        head.addWidget(SimulatedBadge(session))
        head.addWidget(self._paint)
        head.addWidget(another)
        self.number = QLabel()
        self.number.setAccessibleName("SPARE score")
        self.number.setStyleSheet("font-size: 20pt; font-weight: 600")
        self.interval = ColoredLabel()
        self.words = QLabel(alignment=Qt.AlignmentFlag.AlignTop, textFormat=Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.density = DensityPlot()
        self.density.setMinimumHeight(120)
        self.checks = CheckList()
        self.contributions = ContributionTable()
        self.contributions.chosen.connect(lambda psc: session.scene.select(psc))
        self._disclaimer = ColoredLabel(style="font-size: 8pt")
        for label in (self.number, self.interval, self.words, self._disclaimer):
            wrap_to_width(label)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 6, 0)
        left.setSpacing(4)
        for widget in (self.number, self.interval, self.words, self.checks):
            left.addWidget(widget)
        left.addStretch(1)
        left.addWidget(self._disclaimer)
        column = QWidget()
        column.setLayout(left)
        self.scroll = scroll = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(column)
        right = QVBoxLayout()
        right.addWidget(self.density, 3)
        right.addWidget(self.contributions, 2)
        body = QHBoxLayout()
        body.addWidget(scroll, 5)
        body.addLayout(right, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addLayout(head)
        layout.addLayout(body, 1)
        follow(self, session.spare.events.score, self._on_score)
        follow(self, session.spare.events.evaluation, lambda _: self._draw_density())
        follow(self, session.catalog_changed, self._on_catalog)
        self._on_catalog(session.catalog)
        self._on_score(session.spare.score)

    def _on_catalog(self, catalog: Any) -> None:
        self._scores.clear()
        self._scores.addItems(catalog.scores)
        self._scores.setCurrentText(self._session.spare.score_id or "")

    def _on_score(self, score: dict[str, Any] | None) -> None:
        if score is None:
            return
        self._scores.setCurrentText(self._session.spare.score_id or "")
        figures = score["score"]
        self._paint.setEnabled(figures is not None)
        if figures is None:
            self.number.setText("No score")
            self.interval.setText(f"{score['model']['name']} can't be applied to this map")
            self.words.clear()  # the failed checks say why
        else:
            self.number.setText(f"{figures['value']:+.2f}")
            self.interval.setText(
                f"95 % interval {figures['low']:+.2f} to {figures['high']:+.2f}, "
                f"{score['model']['name']}"
            )
            self.interval.setToolTip(figures["interval"])
            self.words.setText("\n".join(_sentences(score)))
        self.words.setVisible(figures is not None)
        self.checks.show_checks(score["checks"])
        self.contributions.show_contributions(score["contributions"] or [])
        self._disclaimer.setText(score["disclaimer"])
        self._draw_density()

    def _draw_density(self) -> None:
        """Draw the score over the densities of its own model, if that is the one shown."""
        state = self._session.spare
        score = state.score
        same = score is not None and score["model"]["name"] == state.model_name
        self.density.setVisible(same and state.density is not None)
        if not same or state.density is None:
            return
        model, figures = score["model"], score["score"]
        self.density.show_density(
            state.density, controls=model["controls"], patients=model["patients"]
        )
        if figures is None:
            self.density.show_score(None)
        else:
            self.density.show_score(figures["value"], (figures["low"], figures["high"]))


def _sentences(score: dict[str, Any]) -> list[str]:
    """Put probability, percentiles and notes into words."""
    figures, model = score["score"], score["model"]
    said = [
        f"Probability of {model['patients']}: {figures['probability']:.0%} "
        f"(where {figures['probability_at_prevalence']:.0%} of people are patients)"
    ]
    for group in ("controls", "patients"):
        place = score["percentiles"][group]
        who = f"{model[group]} of this age and sex"
        if place["value"] is None:
            said.append(f"No percentile among {who}: {place['reason']}")
        else:
            said.append(f"{_percentile(place['value'])} among {who}")
    return said + [f"Note: {note}" for note in score["notes"]]


def _percentile(value: float) -> str:
    """Say a percentile without claiming to be outside the sample: never 0 or 100."""
    if value > 99:
        return "Above the 99th percentile"
    if value < 1:
        return "Below the 1st percentile"
    return f"Percentile {value:.0f}"
