"""The status bar: which study, where the crosshair is, how many jobs run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QStatusBar, QToolButton, QWidget

from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.session import Session


class StatusBar(QStatusBar):
    """The status bar.

    Parameters
    ----------
    session : Session
        What is told.
    show_jobs : callable
        Called when the number of jobs is clicked.
    """

    def __init__(
        self, session: Session, show_jobs: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._study = ColoredLabel(color="text")
        self._place = ColoredLabel()
        self._jobs = QToolButton(autoRaise=True)
        self._jobs.setToolTip("Show the job panel")
        self._jobs.clicked.connect(lambda: show_jobs())
        self.addWidget(self._study)
        self.addWidget(SimulatedBadge(session))
        self.addWidget(self._place)
        self.addPermanentWidget(self._jobs)
        scene = session.scene
        follow(self, session.study_changed, self._on_study)
        follow(self, session.jobs.changed, self._on_jobs)
        follow(self, session.jobs.cleared, self._on_jobs)
        for signal in (scene.events.crosshair, scene.events.selected, scene.events.atlas):
            follow(self, signal, self._on_place)
        self._on_study()
        self._on_jobs()

    def _on_study(self, *_: Any) -> None:
        study = self._session.study
        note = "" if study is None or study.is_writable else "   (read only: nothing can be run)"
        self._study.setText(study.manifest.name + note if study else "No study is open")
        self._study.setToolTip(str(study.root) if study else "")
        self._on_place()

    def _on_place(self, *_: Any) -> None:
        scene = self._session.scene
        x, y, z = scene.crosshair
        parts = [f"x {x:.0f}  y {y:.0f}  z {z:.0f} mm", scene.selected or ""]
        self._place.setText("   ·   ".join(part for part in parts if part))
        self._place.setVisible(self._session.study is not None)

    def _on_jobs(self, *_: Any) -> None:
        n = self._session.jobs.n_active
        self._jobs.setText(f"{n} job{'s' if n != 1 else ''} running" if n else "No jobs running")
        self._jobs.setVisible(self._session.study is not None)
