"""The list of PSCs: sort, filter, select, hide."""

from __future__ import annotations

from typing import Any

import qtawesome
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QAction, QColor, QFont, QFontMetrics, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from music_gui.state.session import Session
from music_gui.views.brain.psc_colors import scene_colors
from music_gui.views.psc.psc_model import EYE, NAME, PscModel
from music_gui.views.widgets import palette
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.simulated_badge import SimulatedBadge

_ICON = QSize(14, 14)
_ROW_HEIGHT = 22
_WIDEST_CELL = 150

#: Titles longer than this are broken into lines; beside them stand padding and sort arrow.
_WIDEST_TITLE = 56
_TITLE_MARGIN = 34


class PscList(QWidget):
    """All PSCs of the scene's scale with their values; the selection is the scene's.

    Parameters
    ----------
    session : Session
        Its scene is shown and changed; its columns are listed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self.model = PscModel(self)
        self.table = self._make_table()
        self._filter = QLineEdit(clearButtonEnabled=True, placeholderText="Filter PSCs")
        self._filter.setAccessibleName("Filter PSCs by name or anatomy")
        self._filter.textChanged.connect(self._on_filter)
        self._count = ElidedLabel(color="muted")
        self._count.setAccessibleName("Number of PSCs")
        self._empty = EmptyState(
            "mdi6.table",
            "No atlas yet",
            "Fit an atlas to your maps, or import one, to list its PSCs here.",
        )
        self._import = QAction("Import an atlas…", self)
        self._import.triggered.connect(lambda: session.request_step("import-atlas"))
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._make_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self._make_actions()
        self._reload_timer = QTimer(self, singleShot=True, interval=0)
        self._reload_timer.timeout.connect(self._reload)
        self._follow_state()
        self._on_theme(palette.current())
        self._reload()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setAccessibleName("PSCs")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setIconSize(_ICON)
        table.setTabKeyNavigation(False)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._show_menu)
        table.clicked.connect(self._on_clicked)
        rows, header = table.verticalHeader(), table.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSortIndicator(NAME, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorShown(True)
        table.setSortingEnabled(True)
        table.selectionModel().currentRowChanged.connect(self._on_current)
        return table

    def _make_page(self) -> QWidget:
        page = QWidget()
        top = QHBoxLayout()
        top.setContentsMargins(8, 6, 8, 6)
        top.addWidget(self._filter, 1)
        top.addWidget(SimulatedBadge(self._session))
        bottom = QHBoxLayout()
        bottom.setContentsMargins(8, 3, 8, 4)
        bottom.addWidget(self._count, 1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addLayout(bottom)
        return page

    def _make_actions(self) -> None:
        def add(text: str, keys: str | QKeySequence.StandardKey, call: Any) -> QAction:
            action = QAction(text, self.table)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda: call())
            self.table.addAction(action)
            return action

        self._toggle = add("Hide or show", "Space", self._toggle_chosen)
        self._only = add("Show only this", "Shift+Space", self._show_only)
        self._all = add("Show all", "Ctrl+Space", self._scene.show_all)
        self._copy = add("Copy rows", QKeySequence.StandardKey.Copy, self._copy_rows)
        self._copy_name = add("Copy name", "Ctrl+Shift+C", self._copy_names)

    # -- following the state ---------------------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        for changed in (
            events.atlas, events.scale, events.anatomy, self._session.columns_changed,
        ):  # fmt: skip
            follow(self, changed, self._reload_soon)
        follow(self, self._session.study_changed, self._reload_soon)
        for changed in (events.selected, events.painted, events.hidden):
            follow(self, changed, self._recolor)
        follow(self, events.selected, self._show_selected)
        follow(self, palette.theme_changed, self._on_theme)

    def _reload_soon(self) -> None:
        """Fill the table once for all the changes that come together."""
        self._reload_timer.start()

    def _reload(self) -> None:
        atlas, scale = self._scene.atlas, self._scene.scale
        has_atlas = atlas is not None and scale is not None
        self._pages.setCurrentIndex(int(has_atlas))
        self._empty.set_action(self._import if self._session.study is not None else None)
        columns = list(self._session.columns.values())
        shown = atlas.scales[scale] if atlas and scale else None
        self.model.show_scale(shown, columns, self._scene.anatomy)
        self._recolor()
        self._fit_columns()
        self._show_selected()

    def _recolor(self) -> None:
        self.model.show_colors(scene_colors(self._scene))
        self._show_count()

    def _on_theme(self, theme: palette.Theme) -> None:
        eye, crossed = (
            qtawesome.icon(f"mdi6.{name}", color=theme.muted).pixmap(_ICON)
            for name in ("eye-outline", "eye-off-outline")
        )
        self.model.use_icons(eye, crossed, QColor(theme.disabled))
        self._recolor()
        self.table.viewport().update()

    def _show_selected(self, *_: Any) -> None:
        """Choose the row of the scene's PSC, without telling the scene again."""
        name = self._scene.selected
        row = self.model.row(name) if name is not None else None
        selection = self.table.selectionModel()
        if row is None:
            selection.clear()
            return
        if self.table.currentIndex().row() == row and selection.isRowSelected(row):
            return
        index = self.model.index(row, NAME)
        selection.setCurrentIndex(
            index,
            QItemSelectionModel.SelectionFlag.ClearAndSelect
            | QItemSelectionModel.SelectionFlag.Rows,
        )
        self.table.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _show_count(self) -> None:
        atlas, scale = self._scene.atlas, self._scene.scale
        if atlas is None or scale is None:
            self._count.setText("")
            return
        whole = atlas.scales[scale]
        parts = [f"{len(whole.present)} PSCs"]
        if self._filter.text().strip():
            parts.insert(0, f"{self.model.rowCount()} found")
        if whole.vanished:
            parts.append(f"{len(whole.vanished)} vanished")
        n_hidden = len(self._scene.hidden & frozenset(whole.present))
        if n_hidden:
            parts.append(f"{n_hidden} hidden")
        self._count.setText("  ·  ".join(parts))

    def _fit_columns(self) -> None:
        """Make columns as wide as their cells, and the header as high as the titles need."""
        header, cells = self.table.horizontalHeader(), self.table.fontMetrics()
        n = self.model.rowCount()
        sample = [*range(0, n, max(1, n // 50)), *range(max(0, n - 1), n)]
        bold = QFont(header.font())
        bold.setBold(True)
        titles = QFontMetrics(bold)
        height = titles.height()
        header.resizeSection(EYE, 28)
        for column in range(NAME, self.model.columnCount()):
            title = str(self.model.headerData(column, Qt.Orientation.Horizontal))
            texts = [str(self.model.index(row, column).data()) for row in sample]
            widest = max((cells.horizontalAdvance(text) for text in texts), default=0)
            swatch = 24 if column == NAME else 0
            word = max(titles.horizontalAdvance(word) for word in title.split() or [""])
            whole = min(titles.horizontalAdvance(title), _WIDEST_TITLE)
            width = max(min(widest, _WIDEST_CELL) + swatch + 20, max(word, whole) + _TITLE_MARGIN)
            header.resizeSection(column, width)
            room = QRect(0, 0, width - _TITLE_MARGIN + 2, 1000)
            wrapped = titles.boundingRect(room, int(Qt.TextFlag.TextWordWrap), title)
            height = max(height, wrapped.height())
        header.setFixedHeight(height + 10)

    # -- from the user to the state --------------------------------------------------------

    def _on_filter(self, text: str) -> None:
        self.model.filter(text)
        self._show_count()
        self._show_selected()

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            name = self.model.name(current.row())
            if name != self._scene.selected:
                self._scene.select(name)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == EYE:
            self._set_hidden([index.row()], not self.model.is_hidden(index.row()))

    def _chosen_rows(self) -> list[int]:
        return sorted(index.row() for index in self.table.selectionModel().selectedRows())

    def _set_hidden(self, rows: list[int], hidden: bool) -> None:
        names = frozenset(self.model.name(row) for row in rows)
        scene = self._scene
        scene.hidden = scene.hidden | names if hidden else scene.hidden - names

    def _toggle_chosen(self) -> None:
        """Hide the chosen rows, or show them if all are hidden."""
        rows = self._chosen_rows()
        if rows:
            self._set_hidden(rows, not all(self.model.is_hidden(row) for row in rows))

    def _show_only(self) -> None:
        if rows := self._chosen_rows():
            self._scene.show_only(*(self.model.name(row) for row in rows))

    def _copy_rows(self) -> None:
        QGuiApplication.clipboard().setText(self.model.as_text(self._chosen_rows()))

    def _copy_names(self) -> None:
        names = [self.model.name(row) for row in self._chosen_rows()]
        QGuiApplication.clipboard().setText("\n".join(names))

    def _show_menu(self, place: QPoint) -> None:
        rows = self._chosen_rows()
        all_hidden = bool(rows) and all(self.model.is_hidden(row) for row in rows)
        self._toggle.setText("Show" if all_hidden else "Hide")
        for action in (self._toggle, self._only, self._copy, self._copy_name):
            action.setEnabled(bool(rows))
        self._all.setEnabled(bool(self._scene.hidden))
        menu = QMenu(self)
        menu.addActions([self._toggle, self._only, self._all])
        menu.addSeparator()
        menu.addActions([self._copy_name, self._copy])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.aboutToHide.connect(self._enable_all)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _enable_all(self) -> None:
        """Let the shortcuts work again, which a menu's greyed entries would stop."""
        for action in (self._toggle, self._only, self._all, self._copy, self._copy_name):
            action.setEnabled(True)
