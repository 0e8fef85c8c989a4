"""The scale ladder: the crosshair's PSC at every scale, its parents and its children."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.state.session import Session
from music_gui.state.slice_sampler import SliceSampler
from music_gui.views.ladder.ladder_canvas import LadderCanvas
from music_gui.views.ladder.ladder_text import lineage_text
from music_gui.views.ladder.thumbnails import PLANES, ThumbnailSources, make_sources
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.simulated_badge import SimulatedBadge

#: While the crosshair is dragged, the pictures follow so often.
_CROSSHAIR_DELAY_MS = 120


class LadderPanel(QWidget):
    """All scales side by side at the crosshair.

    Parameters
    ----------
    session : Session
        Its scene is followed, its ladder asked.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene, self._ladder = session, session.scene, session.ladder
        self.canvas = LadderCanvas(self._scene)
        self.canvas.psc_chosen.connect(self._ladder.go_to)
        self.canvas.scale_chosen.connect(self._ladder.go_to_scale)
        self.canvas.stepped.connect(self._scene.step_scale)
        self.canvas.pointed_at.connect(self._describe)
        self._coarser = IconButton(
            "mdi6.minus", "Coarser scale, same place (Page Up)",
            lambda: self._scene.step_scale(-1),
        )  # fmt: skip
        self._finer = IconButton(
            "mdi6.plus", "Finer scale, same place (Page Down)", lambda: self._scene.step_scale(1)
        )
        self._plane = QComboBox()
        self._plane.addItems(list(PLANES))
        self._plane.setCurrentIndex(2)
        self._plane.setAccessibleName("Plane of the pictures")
        self._plane.setToolTip("Plane of the pictures")
        self._plane.currentIndexChanged.connect(self.canvas.show_axis)
        self._readout = ElidedLabel(color="muted")
        self._empty = EmptyState("mdi6.ladder", "", "")
        self._actions = {
            "import": self._action(
                "Import an atlas…", lambda: session.request_step("import-atlas")
            ),
            "fit": self._action("Fit more scales…", lambda: session.request_step("fit")),
            "nearest": self._action("Go to the nearest PSC", self._ladder.go_to_nearest),
        }
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._make_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._refresh)
        self._slow_timer = QTimer(self, singleShot=True, interval=_CROSSHAIR_DELAY_MS)
        self._slow_timer.timeout.connect(self._refresh)
        self._follow_state()
        self._refresh()

    def _make_page(self) -> QWidget:
        page, scroll = QWidget(), QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(self.canvas)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 4, 8, 4)
        for widget in (self._coarser, self._finer):
            bar.addWidget(widget)
        bar.addWidget(self._readout, 1)
        bar.addWidget(SimulatedBadge(self._session))
        bar.addWidget(self._plane)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(scroll, 1)
        return page

    def _action(self, text: str, call: Any) -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda: call())
        return action

    # -- following the state ---------------------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        follow(self, self._ladder.paths_changed, self._refresh_soon)
        for changed in (events.atlas, events.underlay):
            follow(self, changed, self._on_images)
        for changed in (
            events.scale, events.selected, events.painted, events.radiological, events.anatomy,
            self._session.study_changed,
        ):  # fmt: skip
            follow(self, changed, self._refresh_soon)
        follow(self, events.crosshair, self._on_crosshair)

    def _refresh_soon(self, *_: Any) -> None:
        self._timer.start()

    def _on_crosshair(self, *_: Any) -> None:
        if not self._slow_timer.isActive():
            self._slow_timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Prepare what is needed only while the panel is seen."""
        super().showEvent(event)
        self._on_images()

    def _on_images(self, *_: Any) -> None:
        """Find out how the scales overlap, and prepare the pictures."""
        self._timer.start()
        if not self.isVisible():
            return
        atlas, underlay = self._scene.atlas, self._scene.underlay
        self._ladder.prepare()
        if atlas is None:
            return

        def make() -> ThumbnailSources:
            samplers = {
                scale: SliceSampler(whole.labels, atlas.grid)
                for scale, whole in sorted(atlas.scales.items())
            }
            return make_sources(underlay, samplers)

        def show(sources: ThumbnailSources) -> None:
            if self._scene.atlas is atlas and self._scene.underlay is underlay:
                self.canvas.show_sources(sources)

        self._session.background.run(
            make, show, self._session.failed.emit, topic=f"ladder {id(self)}"
        )

    def _refresh(self) -> None:
        scene, atlas = self._scene, self._scene.atlas
        if not self.isVisible():
            return
        scales = sorted(atlas.scales) if atlas is not None else []
        self._coarser.setEnabled(bool(scales) and scene.scale != scales[0])
        self._finer.setEnabled(bool(scales) and scene.scale != scales[-1])
        lineage = self._ladder.lineage() if len(scales) > 1 else None
        if lineage is None:
            self._say_why(scales)
        else:
            self._pages.setCurrentIndex(1)
            self.canvas.show_lineage(lineage)
            self._describe("")

    def _say_why(self, scales: list[int]) -> None:
        """Say why there is nothing to show, and what helps."""
        title, text, action = "Preparing the scales…", "", None
        if not scales:
            title = "No atlas yet"
            text = "Fit an atlas to your maps, or import one, to see its PSCs at all scales."
            action = "import" if self._session.study is not None else None
        elif len(scales) == 1:
            title = f"The atlas has one scale, C = {scales[0]}"
            text = "Fit or import further scales to see what its PSCs are divided into."
            action = "fit" if self._session.study is not None else None
        elif self._ladder.paths is not None:
            title = f"No PSC of C = {self._scene.scale} at the crosshair"
            text = "Click into the brain, or choose a PSC in the list."
            action = "nearest"
        self._empty.set_text(title, text)
        self._empty.set_action(self._actions[action] if action is not None else None)
        self._pages.setCurrentIndex(0)

    def _describe(self, text: str) -> None:
        """Show what is pointed at, or where the PSC lies among the scales."""
        lineage = self.canvas.lineage
        if not text and lineage is not None:
            text = lineage_text(self._scene, lineage)
        self._readout.setText(text)
