"""A window on one job: its log as it grows, its figures, its parameters and the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from music_gui.state.command_line import command_of
from music_gui.state.job_text import state_text
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.state.session import Session

_MOST_LINES = 5000


class JobDetails(QDialog):
    """Log, convergence (of a fit) and request of one job; follows it while it runs.

    Parameters
    ----------
    job_id : str
        The job.
    session : Session
        The open study.
    """

    def __init__(self, job_id: str, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._job_id = job_id
        self._session = session
        self._title = ElidedLabel()
        self._title.setStyleSheet("font-weight: 600; font-size: 12pt")
        self._state = ElidedLabel(color="muted")
        self.log = QPlainTextEdit(readOnly=True, maximumBlockCount=_MOST_LINES)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setAccessibleName("Log")
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self.log, "Log")
        self.tabs.addTab(self._request_page(), "Request")
        self._convergence: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.addWidget(self._title)
        layout.addWidget(self._state)
        layout.addWidget(self.tabs, 1)
        self.resize(860, 540)
        self._append(session.jobs.log_of(job_id))
        metrics = session.jobs.metrics_of(job_id)
        job = session.jobs.job(job_id)
        if not metrics and job is not None and job.state.is_final:
            session.load_metrics(job_id, self._take_metrics)
        self._take_metrics(metrics)
        follow(self, session.jobs.changed, self._on_changed)
        follow(self, session.jobs.logged, self._on_logged)
        follow(self, session.jobs.measured, self._on_measured)
        follow(self, session.jobs.cleared, lambda: self.close())
        self._on_changed(job_id)

    def _request_page(self) -> QWidget:
        """Return what was asked for, as a command that can be copied."""
        job, study = self._session.jobs.job(self._job_id), self._session.study
        command = command_of(job.spec, study.root) if job and study else ""
        text = QPlainTextEdit(command, readOnly=True)
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setAccessibleName("Command")
        copy = QPushButton("Copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(command))
        hint = ColoredLabel("The same job without a window; it gives the same result.")
        row = QHBoxLayout()
        row.addWidget(hint, 1)
        row.addWidget(copy)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(row)
        layout.addWidget(text, 1)
        return page

    def _on_changed(self, job_id: str) -> None:
        job = self._session.jobs.job(job_id)
        if job_id == self._job_id and job is not None:
            self.setWindowTitle(job.spec.title)
            self._title.setText(job.spec.title)
            self._state.setText(state_text(job))

    def _on_logged(self, job_id: str, lines: list[str]) -> None:
        if job_id == self._job_id:
            self._append(lines)

    def _append(self, lines: list[str]) -> None:
        """Add lines; the view follows the end unless the user has scrolled up."""
        bar = self.log.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        if lines:
            self.log.appendPlainText("\n".join(lines))
        if at_end:
            self.log.moveCursor(QTextCursor.MoveOperation.End)

    def _take_metrics(self, metrics: list[tuple[str, dict[str, Any]]]) -> None:
        if isValid(self):
            for name, values in metrics:
                self._on_measured(self._job_id, name, values)

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        if job_id != self._job_id or name != "fit":
            return
        if self._convergence is None:
            from music_gui.views.jobs.convergence import JobConvergence

            self._convergence = JobConvergence(self._job_id, self._session)
            self.tabs.insertTab(0, self._convergence, "Convergence")
            self.tabs.setCurrentIndex(0)
        self._convergence.add(values)
