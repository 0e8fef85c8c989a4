"""Says that the slices show a fit under way, and takes it away again."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from music_gui.state.fit_previews import AtlasPreview
from music_gui.state.session import Session
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.icon_label import IconLabel


class PreviewBar(QWidget):
    """Which preview lies over the template; without one, takes no place.

    Parameters
    ----------
    session : Session
        Its preview is named and hidden.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.name = ElidedLabel()
        hide = IconButton(
            "mdi6.close",
            "Show the study's atlas again",
            lambda: session.previews.show_in_brain(None),
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 2)
        layout.addWidget(IconLabel("mdi6.progress-clock", "accent", 16))
        layout.addWidget(self.name, 1)
        layout.addWidget(hide)
        follow(self, session.previews.brain_changed, self._show)
        follow(self, session.convergence.job_runs.changed, self._on_job)
        self._show(session.previews.in_brain)

    def _on_job(self, job_id: str) -> None:
        shown = self._session.previews.in_brain
        if shown is not None and shown.job_id == job_id:
            self._show(shown)

    def _show(self, preview: AtlasPreview | None) -> None:
        self.setVisible(preview is not None)
        if preview is not None:
            job = self._session.jobs.job(preview.job_id)
            which = "Fit that was stopped" if job and job.state.is_final else "Fit under way"
            self.name.setText(f"{which}: {preview.title}, loss {preview.loss:.4f}")
