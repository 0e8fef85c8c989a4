"""One job in the job panel: where it stands, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from music_gui.jobs.job import JobSnapshot, JobState
from music_gui.state.command_line import command_of
from music_gui.state.job_text import state_text
from music_gui.views.jobs.job_details import JobDetails
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.icon_label import IconLabel
from music_gui.views.widgets.thin_bar import ThinBar

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: Icon and colour of each state.
STATE_ICONS = {
    JobState.QUEUED: ("mdi6.clock-outline", "muted"),
    JobState.RUNNING: ("mdi6.sync", "accent"),
    JobState.CANCELLING: ("mdi6.sync", "muted"),
    JobState.DONE: ("mdi6.check-circle", "good"),
    JobState.FAILED: ("mdi6.alert-circle", "bad"),
    JobState.CANCELLED: ("mdi6.cancel", "muted"),
    JobState.LOST: ("mdi6.help-circle", "bad"),
}


class JobCard(QFrame):
    """Icon, title, message, progress, warnings, error, and the job's buttons.

    Parameters
    ----------
    job : JobSnapshot
        What is shown first.
    session : Session
        Is asked to cancel and to retry.
    """

    def __init__(self, job: JobSnapshot, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jobCard")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._session = session
        self._job = job
        self._icon = IconLabel(*STATE_ICONS[job.state])
        self._title = ElidedLabel(job.spec.title)
        self._title.setStyleSheet("font-weight: 600")
        self._progress = ElidedLabel(color="muted")
        self._message = _selectable(ColoredLabel())
        self._bar = ThinBar()
        self._warnings = _selectable(ColoredLabel(color="warning"))
        self._error = _selectable(ColoredLabel(color="bad"))
        self._remedy = _selectable(ColoredLabel(color="text"))
        self.cancel = IconButton("mdi6.close", "Cancel this job", self._on_cancel)
        self.retry = IconButton("mdi6.restart", "Run this job again", self._on_retry)
        self.details = IconButton("mdi6.text-box-outline", "Log and figures", self.open_details)
        self.copy = IconButton("mdi6.console-line", "Copy as command", self.copy_command)
        self.folder = IconButton(
            "mdi6.folder-open-outline", "Open the job's folder", self._on_folder
        )
        self._lay_out()
        self.show_job(job)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        for button in (self.retry, self.details, self.copy, self.folder, self.cancel):
            buttons.addWidget(button)
        texts = QVBoxLayout()
        texts.setSpacing(5)
        for widget in (
            self._progress,
            self._message,
            self._bar,
            self._warnings,
            self._error,
            self._remedy,
        ):
            texts.addWidget(widget)
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 7, 6, 9)
        grid.setHorizontalSpacing(9)
        grid.setVerticalSpacing(1)
        grid.addWidget(self._icon, 0, 0)
        grid.addWidget(self._title, 0, 1)
        grid.addLayout(buttons, 0, 2)
        grid.addLayout(texts, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)

    @property
    def job(self) -> JobSnapshot:
        """What is shown."""
        return self._job

    def show_job(self, job: JobSnapshot) -> None:
        """Show where the job stands now."""
        self._job = job
        self._icon.show_icon(*STATE_ICONS[job.state])
        self._icon.setAccessibleName(str(job.state))
        ended = job.state.is_final  # one line while it changes, all of it at the end
        self._progress.setVisible(not ended)
        self._progress.setText("" if ended else state_text(job))
        _show_text(self._message, state_text(job) if ended else "")
        self._bar.setVisible(job.state in (JobState.RUNNING, JobState.CANCELLING))
        self._bar.set_fraction(job.fraction)
        _show_text(self._warnings, "\n".join(f"⚠ {text}" for text in job.warnings))
        self._show_error(job.error if job.state in (JobState.FAILED, JobState.LOST) else None)
        self.cancel.setVisible(not ended)
        self.cancel.setEnabled(job.state != JobState.CANCELLING)
        self.retry.setVisible(ended and job.state != JobState.DONE)
        self.setAccessibleName(f"{job.spec.title}: {state_text(job)}")

    def _show_error(self, error: dict[str, str] | None) -> None:
        parts = error or {}
        what, where, why = (parts.get(name, "") for name in ("what", "where", "why"))
        head = what[:1].upper() + what[1:]
        _show_text(self._error, "\n".join(part for part in (head, where, why) if part))
        remedy = parts.get("remedy", "")
        _show_text(self._remedy, f"→ {remedy}" if remedy else "")

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self._session.cancel(self._job.spec.job_id)

    def _on_retry(self) -> None:
        self._session.retry(self._job.spec.job_id)

    def open_details(self) -> JobDetails:
        """Open a window with the job's log, figures and parameters."""
        details = JobDetails(self._job.spec.job_id, self._session, self.window())
        details.show()
        return details

    def copy_command(self) -> None:
        """Put the command that does the same without a window on the clipboard."""
        if self._session.study is not None:
            command = command_of(self._job.spec, self._session.study.root)
            QGuiApplication.clipboard().setText(command)

    def _on_folder(self) -> None:
        if self._session.study is not None:
            folder = self._session.study.jobs / self._job.spec.job_id
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _selectable(label: QLabel) -> QLabel:
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _show_text(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
