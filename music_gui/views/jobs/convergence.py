"""How the fit of one job converges: a curve for each scale, and its atlas as it forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from music_gui.state.fit_run import GrowingLog
from music_gui.views.convergence.atlas_box import AtlasBox
from music_gui.views.convergence.curve_plots import Curve, CurvePlots
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: Out of step with the convergence panel, which may show the same fit.
_REFRESH_MS = 270


class JobConvergence(QWidget):
    """The convergence page of a job's window; the convergence panel compares runs.

    Parameters
    ----------
    job_id : str
        The fit.
    session : Session
        Its preview is shown.
    """

    def __init__(self, job_id: str, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job_id, self._session = job_id, session
        self._logs: dict[int, GrowingLog] = {}
        self._scale = 0
        self._legend = QLabel()
        self._plots = CurvePlots()
        self.plots = self._plots.plots
        self.box = AtlasBox(session)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self._plots, 3)
        row.addWidget(self.box, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._legend)
        layout.addLayout(row, 1)
        self._timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        follow(self, palette.theme_changed, lambda _: self._refresh())
        session.convergence.job_runs.load(job_id)
        follow(self, session.convergence.job_runs.changed, self._on_job)

    def add(self, values: dict[str, Any]) -> None:
        """Take in one epoch: ``scale``, ``epoch``, ``loss``, ``sparsity``, ``n_vanished``."""
        self._scale = values["scale"]
        self._logs.setdefault(self._scale, GrowingLog()).add(values)
        self._refresh_soon()

    def _on_job(self, job_id: str) -> None:
        if job_id == self._job_id:
            self._refresh_soon()

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        colors = self._colors()
        curves = []
        for scale, growing in self._logs.items():
            log = growing.log()
            values = {"loss": log.loss, "sparsity": log.sparsity, "n_vanished": log.n_vanished}
            curves.append(Curve(colors[scale], log.epoch, values, best=log.best))
        self._plots.show_curves(curves, soon=False)
        self._legend.setText(
            "   ".join(
                f'<span style="color:{color.name()}">━</span> C{scale}'
                for scale, color in colors.items()
            )
        )
        self.box.show_run(self._session.convergence.job_runs.run(self._job_id, self._scale))

    def _colors(self) -> dict[int, QColor]:
        """Return a colour for each scale: the accent for one, spread over a map for several."""
        theme = palette.current()
        if len(self._logs) < 2:
            return dict.fromkeys(self._logs, QColor(theme.accent))
        table = palette.color_map("sequential")
        low, high = (90, 245) if theme.is_dark else (20, 190)
        step = (high - low) / (len(self._logs) - 1)
        return {
            scale: QColor(*(int(part) for part in table[round(low + step * number)]))
            for number, scale in enumerate(self._logs)
        }
