"""The panel "Choosing C": how scales compare in error, sparsity and agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.io.atomic import write_text
from music_gui.io.scale_choice import rows_as_text
from music_gui.state.scale_choice import ATLAS, NEWEST, ScaleComparison
from music_gui.state.scale_curves import CAUTION, ScaleCurve, statement
from music_gui.views.scales.low_scroll import LowScroll
from music_gui.views.scales.readout import muted, read_out, sample
from music_gui.views.scales.scale_plots import ScalePlots
from music_gui.views.scales.scale_table import ScaleTable
from music_gui.views.widgets import palette
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.divided import Divided
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.session import Session

_STEP = "choose-scale"
_REFRESH_MS = 200

#: From this shape on the table stands beside the plots.
_WIDE = 1.9


class ScaleChoicePanel(QWidget):
    """Plots, what they say in words, and the figures.

    Parameters
    ----------
    session : Session
        Its comparisons of scales are shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._state = session, session.scale_choice
        self._shown: ScaleComparison | None = None
        self._marked: int | None = None
        self.box = QComboBox()
        self.box.setAccessibleName("Comparison of scales")
        self.box.setToolTip("The comparison that is shown")
        self.box.activated.connect(lambda row: self._state.choose(self.box.itemData(row)))
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.plots = ScalePlots()
        self.statement = ColoredLabel(color="text")
        self.statement.setWordWrap(True)
        self.statement.setToolTip(CAUTION)
        self.statement.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.statement.setContentsMargins(10, 4, 10, 4)
        self.table = ScaleTable()
        self.readout = QLabel()
        self.readout.setTextFormat(Qt.TextFormat.RichText)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.button = QPushButton()
        self.button.clicked.connect(self._on_button)
        self._compare = QAction("Compare scales…", self)
        self._compare.triggered.connect(lambda: session.request_step(_STEP))
        self._empty = EmptyState("mdi6.chart-bell-curve", "", "", self._compare)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._make_body())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages)
        # Its parts need less height once they stand beside each other, as they then do.
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self.plots.hovered.connect(self._on_hovered)
        self.plots.chosen.connect(self.choose_scale)
        self.table.current_changed.connect(self._mark)
        self.table.chosen.connect(self.choose_scale)
        follow(self, self._state.changed, self._refresh_soon)
        follow(self, self._state.choices_changed, self._fill_box)
        follow(self, session.study_changed, lambda _: self._refresh())
        follow(self, palette.theme_changed, lambda _: self._refresh())
        self._fill_box()
        self._refresh()

    # -- parts -----------------------------------------------------------------------------

    def _make_body(self) -> QWidget:
        words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._said = LowScroll(self.statement)
        column.addWidget(self._said)
        column.addWidget(self.table, 1)
        self.splitter = Divided(Qt.Orientation.Vertical, self.plots, words)
        below = QHBoxLayout()
        below.setContentsMargins(10, 2, 8, 4)
        below.addWidget(self.readout, 1)
        below.addWidget(self.button)
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._make_head())
        layout.addWidget(self.splitter, 1)
        layout.addLayout(below)
        return body

    def _make_head(self) -> QHBoxLayout:
        self.save_button = IconButton(
            "mdi6.export-variant", "Save all figures as a table (TSV)", self._ask_where_to_save
        )
        head = QHBoxLayout()
        head.setContentsMargins(10, 5, 8, 5)
        head.setSpacing(8)
        head.addWidget(self.box)
        head.addWidget(self.legend, 1)
        for button in (
            IconButton("mdi6.plus", "Compare scales", self._compare.trigger),
            IconButton("mdi6.magnify-minus-outline", "Show all scales", self.plots.show_all),
            IconButton("mdi6.content-copy", "Copy the table (Ctrl+C: chosen rows)", self._copy),
            self.save_button,
        ):
            head.addWidget(button)
        head.addWidget(SimulatedBadge(self._session))
        return head

    def sizeHint(self) -> QSize:
        """Return a size at which everything has its place."""
        return QSize(900, 640)

    def minimumSizeHint(self) -> QSize:
        """Return the size of a dock at the foot of a small window."""
        return QSize(420, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the table under the plots, or beside them where there is little height."""
        super().resizeEvent(event)
        is_wide = self.width() > _WIDE * self.height()
        self.splitter.setOrientation(
            Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        )
        room = self.width() if is_wide else self.height()
        first = round((0.58 if is_wide else 0.6) * room)
        self.splitter.propose([first, room - first])

    # -- following the state ---------------------------------------------------------------

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _fill_box(self) -> None:
        choices = [(NEWEST, "Newest"), *self._state.choices]
        with QSignalBlocker(self.box):
            self.box.clear()
            for key, title in choices:
                self.box.addItem(title, key)
            self.box.setCurrentIndex(max(self.box.findData(self._state.chosen), 0))
        self.box.setVisible(len(choices) > 2)

    def _refresh(self) -> None:
        before, self._shown = self._shown, self._state.shown
        shown = self._shown
        self._pages.setCurrentIndex(0 if shown is None else 1)
        if shown is None:
            self._say_why()
            return
        if before is None or before.key != shown.key or self._marked not in shown.scales:
            self._marked = None
        self.plots.show_curves(shown.curves)
        self.table.show_curves(shown.curves)
        self.save_button.setEnabled(bool(shown.rows))
        self._show_legend()
        self._show_statement(shown)
        self._mark(self._marked)

    def _say_why(self) -> None:
        if self._state.is_preparing:
            self._empty.set_text("No figures yet", "The first scales are being fitted.")
            self._empty.set_action(None)
            return
        self._empty.set_text(
            "No scales compared yet",
            "Fit your maps at several numbers of components (C) to see how the error falls and "
            "how well halves of the cohort agree.",
        )
        self._empty.set_action(self._compare if self._session.study is not None else None)

    def _show_legend(self) -> None:
        curves: tuple[ScaleCurve, ...] = () if self._shown is None else self._shown.curves
        parts = [f"{sample(curve)}&nbsp;{curve.title.replace(' ', '&nbsp;')}" for curve in curves]
        parts.append(muted("filled: held-out error, mean RI; hollow: own error, median RI"))
        self.legend.setText(" &nbsp; ".join(parts))
        self.legend.setWordWrap(True)

    def _show_statement(self, shown: ScaleComparison) -> None:
        said = statement(shown.curves)
        if shown.is_running:
            said.append("More comparisons are being computed.")
        self.statement.setText("\n".join(said))
        self._said.setVisible(bool(said))
        self._said.updateGeometry()

    # -- scales ----------------------------------------------------------------------------

    def _on_hovered(self, scale: int | None, quantity: str) -> None:
        """Say the figures of a scale; without one, those of the scale that is marked."""
        at = self._marked if scale is None else scale
        self.plots.mark(at)
        self._say(at, quantity if scale is not None else "ri")

    def _mark(self, scale: int | None) -> None:
        self._marked = scale
        self.plots.mark(scale)
        self._say(scale)
        in_atlas = scale in self._state.atlas_scales
        self.button.setVisible(scale is not None)
        if scale is not None:
            self.button.setText(f"Show C{scale} in the brain" if in_atlas else f"Fit C{scale}…")
            self.button.setToolTip(
                "Show this scale of the study's atlas in the slices and in 3D"
                if in_atlas
                else "The study's atlas does not have this scale: fit it"
            )

    def _say(self, scale: int | None, quantity: str = "ri") -> None:
        """Say all figures of a scale; of several curves those of one quantity."""
        curves = () if self._shown is None else self._shown.curves
        self.readout.setText(
            read_out(curves, scale, quantity)
            or muted("Point at a scale for its figures; click to see it in the brain")
        )

    def choose_scale(self, scale: int) -> None:
        """Mark a scale and show it in the brain, if the study's atlas has it."""
        self._mark(scale)
        if scale in self._state.atlas_scales:
            self._show_in_brain(scale)

    def _on_button(self) -> None:
        scale = self._marked
        if scale is None or self._shown is None:
            return
        if scale in self._state.atlas_scales:
            self._show_in_brain(scale)
            return
        algorithms = {curve.algorithm for curve in self._shown.curves}
        values: dict[str, object] = {"scales": [scale]}
        if len(algorithms) == 1:
            values["algorithm"] = algorithms.pop()
        self._session.request_step("fit", values)

    def _show_in_brain(self, scale: int) -> None:
        scene = self._session.scene
        if scene.atlas is not None and scene.atlas.name == ATLAS and scale in scene.atlas.scales:
            scene.set_scale(scale)
        else:
            self._session.show_atlas(ATLAS, scale)

    # -- text and files --------------------------------------------------------------------

    def _copy(self) -> None:
        self.table.clearSelection()
        self.table.copy()

    def _ask_where_to_save(self) -> None:
        settings = self._session.settings
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save", str(Path(settings.last_folder) / "scale_choice.tsv"), "TSV (*.tsv)"
        )
        if chosen:
            settings.last_folder = str(Path(chosen).parent)
            self.save(Path(chosen).with_suffix(".tsv"))

    def save(self, path: Path) -> None:
        """Save the figures of every split as tab-separated text."""
        if self._shown is not None:
            text = rows_as_text(self._shown.rows)
            self._session.background.request(
                lambda: write_text(path, text), lambda _: None, self._session.failed.emit
            )
