"""The convergence panel: how a fit converges, beside another one, and its atlas as it forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.io.convergence_log import is_convergence_log
from music_gui.state.fit_run import FitRun
from music_gui.views.convergence.atlas_box import AtlasBox
from music_gui.views.convergence.comparison_table import ComparisonTable
from music_gui.views.convergence.convergence_tools import ConvergenceTools
from music_gui.views.convergence.curve_plots import Curve, CurvePlots
from music_gui.views.convergence.export import prepare_writing
from music_gui.views.convergence.run_chooser import SLOTS, RunChooser, slot_color
from music_gui.views.widgets import palette
from music_gui.views.widgets.divided import Divided
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: Epochs may come a hundred times a second.
_REFRESH_MS = 200

#: Below this width the tools stand under the boxes.
_NARROW = 640
#: Below this height captions stand beside their pictures.
_LOW = 430
_SIDE_SHARE = 0.42


class ConvergencePanel(QWidget):
    """Curves of one fit or two, their figures, and their atlases in small.

    A log of a fit that is dropped here is shown beside the fit that is there.

    Parameters
    ----------
    session : Session
        Its convergence state is shown and changed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._session, self._state = session, session.convergence
        self.choosers = tuple(RunChooser(self._state, slot) for slot in (0, 1))
        self.plots = CurvePlots()
        self.table = ComparisonTable()
        self.boxes = tuple(AtlasBox(session, letter) for letter in SLOTS)
        self.readout = ElidedLabel(color="muted")
        self._curves: dict[int, Curve] = {}
        self._runs: dict[int, FitRun] = {}
        self.tools = ConvergenceTools(session)
        self._fit = QAction("Fit an atlas…", self)
        self._fit.triggered.connect(lambda: session.request_step("fit"))
        self._empty = EmptyState("mdi6.chart-line", "", "", self._fit)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._make_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._head = self._make_head()
        layout.addLayout(self._head)
        layout.addWidget(self._pages, 1)
        self._timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.plots.hovered.connect(self._on_hovered)
        follow(self, self._state.run_changed, self._refresh_soon)
        follow(self, session.study_changed, lambda _: self._refresh())
        follow(self, palette.theme_changed, lambda _: self._refresh())
        self._apply_settings()
        self._refresh()

    # -- parts -----------------------------------------------------------------------------

    def _make_head(self) -> QBoxLayout:
        runs = QHBoxLayout()
        runs.setSpacing(8)
        runs.addWidget(self.choosers[0], 1)
        runs.addWidget(IconButton("mdi6.swap-horizontal", "Exchange A and B", self._state.exchange))
        runs.addWidget(self.choosers[1], 1)
        self.tools.switched.connect(self._apply_settings)
        self.tools.whole_wanted.connect(self.plots.show_all)
        self.tools.open_wanted.connect(self._ask_what_to_open)
        self.tools.save_wanted.connect(self._ask_where_to_save)
        head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.setContentsMargins(8, 5, 8, 5)
        head.setSpacing(8)
        head.addLayout(runs, 1)
        head.addWidget(self.tools)
        return head

    def _make_body(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for box in self.boxes:
            column.addWidget(box, 2)
        column.addWidget(self.table, 3)
        side.setMinimumWidth(260)
        self.splitter = Divided(Qt.Orientation.Horizontal, self.plots, side)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.splitter, 1)
        below = QHBoxLayout()
        below.setContentsMargins(8, 2, 8, 4)
        below.addWidget(self.readout)
        layout.addLayout(below)
        return body

    def sizeHint(self) -> QSize:
        """Return a size at which everything has its place."""
        return QSize(900, 460)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the figures beside the curves or under them, the tools beside the boxes or so."""
        super().resizeEvent(event)
        self._head.setDirection(
            QBoxLayout.Direction.TopToBottom
            if self.width() < _NARROW
            else QBoxLayout.Direction.LeftToRight
        )
        tall = self.height() > 1.1 * self.width()
        self.splitter.setOrientation(Qt.Orientation.Vertical if tall else Qt.Orientation.Horizontal)
        for box in self.boxes:
            box.set_low(low=self.height() < _LOW)
        room = self.height() if tall else self.width()
        side = room // 2 if tall else min(max(round(_SIDE_SHARE * room), 260), 400)
        self.splitter.propose([room - side, side])

    # -- following the state ---------------------------------------------------------------

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _apply_settings(self) -> None:
        settings = self._session.settings
        self.plots.set_log(
            epochs=settings.convergence_log_epochs, loss=settings.convergence_log_loss
        )
        self._show_curves()

    def _refresh(self) -> None:
        runs = {slot: self._state.run(slot) for slot in (0, 1)}
        self._runs = {slot: run for slot, run in runs.items() if run is not None}
        for slot, box in enumerate(self.boxes):
            box.show_run(runs[slot])
        self.table.show_runs(list(self._runs.values()), [SLOTS[slot] for slot in self._runs])
        self.tools.save.setEnabled(bool(self._runs))
        self._show_curves()
        self._pages.setCurrentIndex(1 if self._runs else 0)
        if not self._runs:
            self._say_why()

    def _show_curves(self) -> None:
        relative = {run.log.is_relative for run in self._runs.values()}
        as_share = self._session.settings.convergence_shares or len(relative) > 1
        self.tools.shares.setChecked(as_share)
        self.tools.shares.setEnabled(len(relative) < 2)
        self._curves = {
            slot: Curve(
                slot_color(slot),
                run.log.epoch,
                {
                    "loss": run.shown_loss(as_share=as_share),
                    "sparsity": run.log.sparsity,
                    "n_vanished": run.log.n_vanished,
                },
                dashed=slot == 1,
                best=run.log.best,
            )
            for slot, run in self._runs.items()
        }
        self.plots.plots["loss"].setLabel("left", "loss / first" if as_share else "loss")
        self.plots.show_curves(list(self._curves.values()), soon=False)
        self._on_hovered(None)

    def _say_why(self) -> None:
        if self._state.has_chosen:
            self._empty.set_text("No epochs yet", "The fit is being prepared, or read.")
            self._empty.set_action(None)
        else:
            self._empty.set_text(
                "No fit yet",
                "Fit an atlas to your maps to see how it converges, or drop the log of a fit here.",
            )
            self._empty.set_action(self._fit if self._session.study is not None else None)

    # -- read-out --------------------------------------------------------------------------

    def _on_hovered(self, epoch: float | None) -> None:
        """Say the figures at an epoch; without one, those of the last."""
        parts, marked = [], None
        for slot, curve in self._curves.items():
            place = len(curve.epoch) - 1 if epoch is None else curve.nearest(epoch)
            if place is None or place < 0:
                continue
            marked = curve.epoch[place] if marked is None else marked
            parts.append(f"{SLOTS[slot]}  {_figures(curve, place)}")
        self.readout.setText("      ".join(parts))
        self.plots.mark(marked if epoch is not None else None)

    # -- files -----------------------------------------------------------------------------

    def _ask_what_to_open(self) -> None:
        settings = self._session.settings
        chosen, _ = QFileDialog.getOpenFileName(
            self,
            "Open the log of a fit",
            settings.last_folder,
            "Logs of fits (*.tsv *.csv *.txt *tfevents*);;All files (*)",
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self._state.open_log(Path(chosen))

    def _ask_where_to_save(self, name: str) -> None:
        settings = self._session.settings
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Save",
            str(Path(settings.last_folder) / f"convergence.{name}"),
            f"{name.upper()} (*.{name})",
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self.save(Path(chosen).with_suffix(f".{name}"))

    def save(self, path: Path) -> None:
        """Save the curves: as a picture (.png, .svg) or as a table (.tsv)."""
        runs = list(self._runs.values())
        legend = [
            (f"{SLOTS[slot]}: {run.title}", self._curves[slot]) for slot, run in self._runs.items()
        ]
        write = prepare_writing(path, self.plots, legend, runs)
        self._session.background.request(write, lambda _: None, self._session.failed.emit)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept the log of a fit; anything else is for the window."""
        if _dropped_log(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the log that was dropped."""
        if (path := _dropped_log(event)) is not None:
            event.acceptProposedAction()
            self._state.open_log(path)


def _dropped_log(event: QDropEvent) -> Path | None:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and is_convergence_log(paths[0]) else None


def _figures(curve: Curve, place: int) -> str:
    forms = {"loss": "loss {:.5f}", "sparsity": "sparsity {:.4f}", "n_vanished": "{:.0f} vanished"}
    said = [
        form.format(value)
        for name, form in forms.items()
        if np.isfinite(value := curve.values[name][place])
    ]
    return f"epoch {curve.epoch[place]:,.0f}:  " + ", ".join(said)
