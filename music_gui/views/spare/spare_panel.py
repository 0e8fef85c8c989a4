"""The SPARE panel: one subject's score and the model behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from music_gui.views.spare.model_page import ModelPage
from music_gui.views.spare.score_page import ScorePage
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session


class SparePanel(QWidget):
    """Two tabs; a map that is dropped here is scored.

    Parameters
    ----------
    session : Session
        The open study.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAcceptDrops(True)
        self._score = QStackedWidget()
        self._model = QStackedWidget()
        self.score_page = ScorePage(session)
        self.model_page = ModelPage(session)
        self._score.addWidget(
            EmptyState(
                "mdi6.gauge",
                "Nobody has been scored",
                "Drop one person's grey-matter map here, or choose it.",
                self._action("Score a subject…", "spare-score"),
            )
        )
        self._score.addWidget(self.score_page)
        self._model.addWidget(
            EmptyState(
                "mdi6.school-outline",
                "No SPARE model yet",
                "Train one on a PSC table and a diagnosis.",
                self._action("Train SPARE…", "spare-train"),
            )
        )
        self._model.addWidget(self.model_page)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self._score, "Score")
        self.tabs.addTab(self._model, "Model")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        follow(self, session.spare.events.score, self._on_score)
        follow(self, session.spare.events.evaluation, self._on_evaluation)
        self._on_score(session.spare.score)
        self._on_evaluation(session.spare.evaluation)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one file."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask for what scoring the dropped map needs besides."""
        path = Path(event.mimeData().urls()[0].toLocalFile())
        event.acceptProposedAction()
        key = "model" if path.name.endswith(".json") else "map"
        self._session.request_step("spare-score", {key: str(path)})

    def _action(self, text: str, step: str) -> QAction:
        action = QAction(text, self)
        action.triggered.connect(lambda: self._session.request_step(step))
        return action

    def _on_score(self, score: dict[str, Any] | None) -> None:
        self._score.setCurrentIndex(0 if score is None else 1)

    def _on_evaluation(self, evaluation: dict[str, Any] | None) -> None:
        self._model.setCurrentIndex(0 if evaluation is None else 1)
