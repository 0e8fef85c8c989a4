"""The cohort panel: import maps, see each file's state and reason, list the participants."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSortFilterProxyModel, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QDragEnterEvent, QDropEvent, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QStackedWidget,
    QTableView,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from music_gui.core.errors import InputError
from music_gui.state.dropped_files import import_values
from music_gui.views.cohort.column_table import SORT_ROLE, Column, ColumnTable
from music_gui.views.widgets import palette
from music_gui.views.widgets.colored_label import ColoredLabel
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icon_button import IconButton
from music_gui.views.widgets.icons import icon
from music_gui.views.widgets.simulated_badge import SimulatedBadge

if TYPE_CHECKING:
    from music_gui.state.session import Session

_STATE_ICONS = {
    "imported": ("mdi6.check-circle", "good"),
    "checked": ("mdi6.check", "muted"),
    "waiting": ("mdi6.clock-outline", "muted"),
    "refused": ("mdi6.alert-circle", "bad"),
}

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

_REDRAW_MS = 150


def _state_icon(state: str) -> QIcon:
    name, color = _STATE_ICONS.get(state, ("mdi6.help-circle-outline", "muted"))
    return icon(name, getattr(palette.current(), color))


def _number(value: float) -> str:
    return f"{value:.0f}"


_REPORT_COLUMNS = (
    Column("state", "State", icon=_state_icon),
    Column("participant_id", "Participant"),
    Column("session_id", "Session"),
    Column("total_gm_ml", "GM (ml)", _number, right=True),
    Column("reason", "Reason"),
    Column("warnings", "Warnings"),
    Column("path", "File"),
)


class CohortPanel(QWidget):
    """The cohort panel.

    Parameters
    ----------
    session : Session
        The open study.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._session = session
        self._new_rows: dict[int, dict[str, Any]] = {}
        self._import_job = ""
        self.report = ColumnTable(_REPORT_COLUMNS)
        self.participants = ColumnTable()
        self._summary = ColoredLabel()
        self._search = QLineEdit(placeholderText="Filter", clearButtonEnabled=True)
        self._search.setMaximumWidth(180)
        self.tabs = QTabWidget(documentMode=True)
        self.tabs.addTab(self._table(self.report), "Import report")
        self.tabs.addTab(self._table(self.participants), "Participants")
        start = QAction("Import maps…", self)
        start.triggered.connect(self._request_import)
        self._pages = QStackedWidget()
        self._pages.addWidget(
            EmptyState(
                "mdi6.account-group",
                "No maps yet",
                "Import grey-matter maps: a folder, single files, or a table of participants. "
                "You can also drop them here.",
                start,
            )
        )
        self._pages.addWidget(self._content())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self._redraw = QTimer(self, singleShot=True, interval=_REDRAW_MS)
        self._redraw.timeout.connect(self._take_in)
        follow(self, session.cohort.events.report, self._on_report)
        follow(self, session.cohort.events.participants, self._on_participants)
        follow(self, session.jobs.measured, self._on_measured)
        follow(self, palette.theme_changed, lambda _: self.update())
        self._on_report(session.cohort.report)
        self._on_participants(session.cohort.participants)
        for job in session.jobs.jobs:
            for name, values in session.jobs.metrics_of(job.spec.job_id):
                self._on_measured(job.spec.job_id, name, values)

    # -- layout ----------------------------------------------------------------------------

    def _content(self) -> QWidget:
        head = QHBoxLayout()
        head.setContentsMargins(10, 6, 8, 2)
        head.addWidget(self._summary)
        head.addWidget(SimulatedBadge(self._session))
        head.addStretch(1)
        head.addWidget(self._search)
        self.show_button = IconButton(
            "mdi6.layers-outline",
            "Show the map of the chosen row on the template (Enter or double click)",
            self._show_map,
        )
        head.addWidget(self.show_button)
        head.addWidget(IconButton("mdi6.tray-arrow-down", "Import maps", self._request_import))
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.tabs, 1)
        return content

    def _table(self, model: ColumnTable) -> QTableView:
        proxy = QSortFilterProxyModel(self)
        proxy.setSourceModel(model)
        proxy.setSortRole(SORT_ROLE)
        proxy.setFilterKeyColumn(-1)
        proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._search.textChanged.connect(proxy.setFilterFixedString)
        table = QTableView()
        table.setModel(proxy)
        table.setSortingEnabled(True)
        table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setAlternatingRowColors(True)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(24)
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setDefaultAlignment(_LEFT)
        table.activated.connect(self._show_map)
        for text, call in (
            ("Show on the template", self._show_map),
            ("Open containing folder", self._open_folder),
        ):
            action = QAction(text, table)
            action.triggered.connect(lambda _=False, call=call: call())
            table.addAction(action)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        return table

    # -- content ---------------------------------------------------------------------------

    def _on_report(self, report: Any) -> None:
        keys = [column.key for column in _REPORT_COLUMNS]
        if report is None:
            self.report.show(_REPORT_COLUMNS, {key: [] for key in keys})
        else:
            nothing = [None] * len(report)
            data = {key: report[key].tolist() if key in report else nothing for key in keys}
            self.report.show(_REPORT_COLUMNS, data)
        self._show_page()
        self._fit_columns()

    def _on_participants(self, participants: Any) -> None:
        if participants is None:
            self.participants.show((), {})
        else:
            columns = [
                Column(name, name, _plain, right=participants[name].dtype.kind in "if")
                for name in participants.columns
            ]
            data = {name: participants[name].tolist() for name in participants.columns}
            self.participants.show(columns, data)
        self._show_page()
        self._fit_columns()

    def _on_measured(self, job_id: str, name: str, values: dict[str, Any]) -> None:
        """Collect what a running import tells of its rows; drawn a few times a second."""
        job = self._session.jobs.job(job_id)
        if name != "import" or job is None or job.state.is_final:
            return
        if job_id != self._import_job:
            self._import_job = job_id
            self._on_report(None)
        self._new_rows[int(values["row"])] = values
        if not self._redraw.isActive():
            self._redraw.start()

    def _take_in(self) -> None:
        rows, self._new_rows = self._new_rows, {}
        first = self.report.rowCount() == 0
        self.report.put_rows(rows)
        self._show_page()
        if first:
            self._fit_columns()

    def _show_page(self) -> None:
        n_rows, n_people = self.report.rowCount(), self.participants.rowCount()
        self._pages.setCurrentIndex(1 if n_rows or n_people else 0)
        states = Counter(self.report.column("state"))
        parts = [f"{states[state]} {state}" for state in _STATE_ICONS if states[state]]
        self._summary.setText("  ·  ".join(parts) if parts else f"{n_people} participants")

    def _fit_columns(self) -> None:
        for table in self.tabs.findChildren(QTableView):
            table.resizeColumnsToContents()

    # -- single maps -----------------------------------------------------------------------

    def _chosen(self) -> dict[str, Any] | None:
        """Return ids and file of the row that is chosen, and its state in the report."""
        table, model = (
            (self.tabs.widget(0), self.report), (self.tabs.widget(1), self.participants),
        )[self.tabs.currentIndex()]  # fmt: skip
        index = table.model().mapToSource(table.currentIndex())
        if not index.isValid():
            return None
        keys = ("participant_id", "session_id", "path", "state")
        return {key: values[index.row()] for key in keys if (values := model.column(key))}

    def _path_of(self, row: dict[str, Any]) -> Path:
        """Return a row's file; inside the study it is written relative to the cohort's tables."""
        study = self._session.study
        path = (study.cohort if study else Path()) / str(row.get("path") or "")
        return path.resolve()

    def _show_map(self) -> None:
        if (row := self._chosen()) is None:
            return
        if row.get("state", "imported") == "imported":
            self._session.show_participant_map(row["participant_id"], row["session_id"])
        else:
            self._session.show_map(self._path_of(row))

    def _open_folder(self) -> None:
        if (row := self._chosen()) is None:
            return
        folder = self._path_of(row).parent
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self._session.failed.emit(
                InputError("the folder of this map does not exist any more", where=str(folder))
            )

    # -- import ----------------------------------------------------------------------------

    def _request_import(self) -> None:
        self._session.request_step("import-maps")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the import's dialog, filled in with what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        try:
            self._session.request_step("import-maps", import_values(paths))
        except InputError as error:
            self._session.failed.emit(error)
        event.acceptProposedAction()


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
