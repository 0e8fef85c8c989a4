"""All jobs of the study, the newest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton, QScrollArea, QStackedLayout, QVBoxLayout, QWidget

from music_gui.views.jobs.job_card import JobCard
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: Cards made at once; a study with thousands of jobs must not stop the window.
_PAGE = 50

#: Progress comes ten times a second from each job; more often than this nobody reads it.
_REFRESH_MS = 250


class JobPanel(QWidget):
    """The job panel.

    Parameters
    ----------
    session : Session
        Its jobs are shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._most_cards = _PAGE
        self.cards: dict[str, JobCard] = {}
        self._older = QPushButton("Show older jobs", clicked=self._show_older)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(8, 8, 8, 8)
        self._column.setSpacing(6)
        self._column.addWidget(self._older, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._column.addStretch(1)
        content = QWidget()
        content.setLayout(self._column)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        empty = EmptyState(
            "mdi6.progress-check",
            "No jobs yet",
            "Steps of the Analysis menu run here, one after another. They go on when this window "
            "is closed.",
        )
        self._changed: set[str] = set()
        self._refresh = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._show_progress)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(empty)
        self._pages.addWidget(scroll)
        follow(self, session.jobs.changed, self._on_changed)
        follow(self, session.jobs.cleared, self._on_cleared)
        for job in session.jobs.jobs:
            self._on_changed(job.spec.job_id)
        self._show_page()

    def _on_changed(self, job_id: str) -> None:
        job = self._session.jobs.job(job_id)
        if job is None:
            return
        if card := self.cards.get(job_id):
            if job.state == card.job.state:
                self._changed.add(job_id)
                if not self._refresh.isActive():
                    self._refresh.start()
            else:
                card.show_job(job)
            return
        place = sum(other > job_id for other in self.cards)
        if place < self._most_cards:
            self.cards[job_id] = JobCard(job, self._session)
            self._column.insertWidget(place, self.cards[job_id])
            if len(self.cards) > self._most_cards:
                self._remove(min(self.cards))
        self._show_page()

    def _show_progress(self) -> None:
        for job_id in self._changed & self.cards.keys():
            if (job := self._session.jobs.job(job_id)) is not None:
                self.cards[job_id].show_job(job)
        self._changed.clear()

    def _remove(self, job_id: str) -> None:
        card = self.cards.pop(job_id)
        self._column.removeWidget(card)
        card.deleteLater()

    def _on_cleared(self) -> None:
        self._most_cards = _PAGE
        for job_id in list(self.cards):
            self._remove(job_id)
        self._show_page()

    def _show_older(self) -> None:
        self._most_cards += _PAGE
        for job in reversed(self._session.jobs.jobs):
            if job.spec.job_id not in self.cards and len(self.cards) < self._most_cards:
                self._on_changed(job.spec.job_id)

    def _show_page(self) -> None:
        self._older.setVisible(len(self._session.jobs.jobs) > len(self.cards))
        self._pages.setCurrentIndex(1 if self.cards else 0)
