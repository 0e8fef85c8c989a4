"""A SPARE model: whom it was trained on, how well it does on people it had not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from music_gui.views.spare.density_plot import DensityPlot
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.session import Session

_METRICS = {
    "balanced_accuracy": "Balanced accuracy",
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "cohens_d": "Cohen's d",
}


class ModelPage(QWidget):
    """Model card, cross-validated performance and the densities of the out-of-fold scores.

    Parameters
    ----------
    session : Session
        The open study.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._models = QComboBox()
        self._models.setAccessibleName("SPARE model")
        self._models.textActivated.connect(session.show_spare)
        paint = IconButton(
            "mdi6.brush",
            "Colour the PSCs by this model's weights",
            lambda: session.paint("SPARE weight"),
        )
        head = QHBoxLayout()
        head.addWidget(self._models)
        head.addWidget(SimulatedBadge(session))
        head.addStretch(1)
        head.addWidget(paint)
        self._card = ColoredLabel()
        self._card.setWordWrap(True)
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(14)
        self._values = {key: self._add_metric(row, key) for row, key in enumerate(_METRICS)}
        self._scheme = ColoredLabel()
        self._scheme.setWordWrap(True)
        self.density = DensityPlot()
        side = QVBoxLayout()
        side.addWidget(self._card)
        side.addLayout(self._figures)
        side.addWidget(self._scheme)
        side.addStretch(1)
        body = QHBoxLayout()
        body.addLayout(side, 2)
        body.addWidget(self.density, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addLayout(head)
        layout.addLayout(body, 1)
        follow(self, session.spare.events.evaluation, self._on_evaluation)
        follow(self, session.catalog_changed, self._on_catalog)
        self._on_catalog(session.catalog)
        self._on_evaluation(session.spare.evaluation)

    def _add_metric(self, row: int, key: str) -> QLabel:
        value = QLabel()
        value.setAccessibleName(_METRICS[key])
        self._figures.addWidget(ColoredLabel(_METRICS[key]), row, 0)
        self._figures.addWidget(value, row, 1)
        self._figures.setColumnStretch(1, 1)
        return value

    def _on_catalog(self, catalog: Any) -> None:
        self._models.clear()
        self._models.addItems(catalog.spare_models)
        self._models.setCurrentText(self._session.spare.model_name or "")

    def _on_evaluation(self, evaluation: dict[str, Any] | None) -> None:
        state = self._session.spare
        if evaluation is None or state.model is None:
            return
        self._models.setCurrentText(state.model_name or "")
        patients, controls = evaluation["patients"], evaluation["controls"]
        ages = state.model.population.age_range
        age = f", aged {ages[0]:.0f} to {ages[1]:.0f}" if ages else ""
        self._card.setText(
            f"{patients['n']} {patients['label']} against {controls['n']} {controls['label']}"
            f"{age}; {len(state.model.features)} PSCs. {state.model.intended_use}"
        )
        for key, label in self._values.items():
            metric = evaluation["metrics"].get(key)
            label.setText("not estimable" if metric is None else _with_interval(metric))
        self._scheme.setText(f"{evaluation['scheme']}. Interval: {evaluation['interval']}.")
        if state.density is not None:
            self.density.show_density(
                state.density, controls=controls["label"], patients=patients["label"]
            )


def _with_interval(metric: dict[str, float | None]) -> str:
    low, high = metric["low"], metric["high"]
    if low is None or high is None:
        return f"{metric['mean']:.3f}"
    return f"{metric['mean']:.3f}  [{low:.3f}, {high:.3f}]"
