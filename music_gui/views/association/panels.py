"""The Manhattan and QQ panels: a plot that follows the association state, or what to do first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from music_gui.views.association.manhattan import ManhattanPlot
from music_gui.views.association.qq import QQPlot
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.association import AssociationResult
    from music_gui.state.session import Session


class AssociationPanel(QWidget):
    """A header, a plot, and a page that says what to do while there is nothing to draw.

    Parameters
    ----------
    session : Session
        The open study.
    plot : ManhattanPlot or QQPlot
        What draws the result.
    """

    def __init__(
        self, session: Session, plot: ManhattanPlot | QQPlot, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.plot = plot
        self._title = QLabel()
        self._empty = EmptyState("mdi6.chart-scatter-plot", "", "")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(plot)
        self.header = QHBoxLayout()
        self.header.setContentsMargins(8, 4, 8, 2)
        self.header.setSpacing(10)
        self.header.addWidget(self._title)
        self.header.addWidget(SimulatedBadge(session))
        self.header.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self.header)
        layout.addWidget(self._pages, 1)
        events = session.association.events
        follow(self, events.result, self._on_result)
        for changed in (events.empty_reason, events.run, session.scene.events.selected):
            follow(self, changed, self._on_change)
        self._on_result(session.association.result)

    def _on_result(self, result: AssociationResult | None) -> None:
        self.plot.show_result(result)
        self._title.setText("" if result is None else f"{result.psc}  ·  {result.run}")
        self._pages.setCurrentWidget(self._empty if result is None else self.plot)
        self._on_change()

    def _on_change(self, *_: Any) -> None:
        state = self._session.association
        if state.run is None:
            self._empty.set_text(
                "No association results yet",
                "Run a GWAS on a PSC table and genotypes: Analysis ▸ GWAS.",
            )
        elif self._session.scene.selected is None:
            self._empty.set_text(
                "No PSC selected",
                "Click a PSC in the brain or in the list to see its association.",
            )
        elif state.empty_reason:
            self._empty.set_text("Nothing to draw", state.empty_reason)
        else:
            self._empty.set_text("Reading…", "")


class ManhattanPanel(AssociationPanel):
    """The Manhattan plot of the selected PSC; a click on a variant chooses it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, ManhattanPlot(), parent)
        self._runs = QComboBox()
        self._runs.setAccessibleName("GWAS")
        self._runs.setToolTip("Which GWAS is browsed")
        self._runs.textActivated.connect(session.show_gwas)
        whole = QToolButton(text="Whole genome")
        whole.setToolTip("Zoom out to the whole genome (Home)")
        whole.clicked.connect(self.plot.reset_view)
        shortcut = QShortcut(QKeySequence("Home"), self.plot)
        shortcut.activated.connect(self.plot.reset_view)
        self.header.addWidget(self._runs)
        self.header.addWidget(whole)
        self.plot.variant_chosen.connect(self._choose)
        follow(self, session.association.events.variant, self.plot.mark)
        follow(self, session.association.events.run, self._on_run)
        follow(self, session.catalog_changed, self._on_catalog)
        self._on_catalog(session.catalog)

    def _choose(self, variant: int) -> None:
        self._session.association.variant = variant

    def _on_catalog(self, catalog: Any) -> None:
        self._runs.clear()
        self._runs.addItems(catalog.gwas_runs)
        self._runs.setVisible(len(catalog.gwas_runs) > 1)
        self._on_run(self._session.association.run)

    def _on_run(self, run: str | None) -> None:
        self._runs.setCurrentText(run or "")


class QQPanel(AssociationPanel):
    """The QQ plot of the selected PSC."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, QQPlot(), parent)
