"""The box over the window in which everything is found: keyboard only, if one likes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from music_gui.state.search import SearchResult
from music_gui.state.session import Session
from music_gui.views.search.result_delegate import ResultDelegate
from music_gui.views.search.result_model import ResultModel
from music_gui.views.widgets import palette
from music_gui.views.widgets.elided_label import ElidedLabel
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.icons import pixmap
from music_gui.views.widgets.simulated_badge import SimulatedBadge

_WIDTH, _HEIGHT, _MARGIN = 760, 520, 40

#: Room above it as a share of the window's height, as palettes of other applications have it.
_TOP = 0.12

_STEPS = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Backtab: -1,
}
_PAGE = 6

_HINT = (
    "Type a PSC (C128_3), an anatomical name (right thalamus, M1, hippocampus L), "
    "or a place (-12 8 30, voxel 30 40 50)."
)


class SearchBox(QFrame):
    """One line, and what was found under it.

    Enter goes to the chosen result, the arrows choose another, Esc closes and gives the focus
    back.

    Parameters
    ----------
    session : Session
        Its search is asked.
    window : QWidget
        Over which it opens.
    """

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._session, self._search = session, session.search
        self._focus_before: QWidget | None = None
        self.setObjectName("searchBox")
        self.setAccessibleName("Search")
        self.model = ResultModel(self)
        self.field = QLineEdit(placeholderText="Search PSCs, anatomy, coordinates")
        self.field.setObjectName("searchField")
        self.field.setAccessibleName("Search PSCs, anatomical names and coordinates")
        self.field.textChanged.connect(self._find)
        self.field.installEventFilter(self)
        self._icon = QLabel()
        self.results = self._make_list()
        self._hint = QLabel(_HINT, wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter)
        self._hint.setObjectName("searchHint")
        self._foot = ElidedLabel(color="muted")
        self._lay_out()
        follow(self, session.scene.events.anatomy, self._on_anatomy)
        follow(self, palette.theme_changed, self._dress)
        self._dress(palette.current())

    def _make_list(self) -> QListView:
        view = QListView(uniformItemSizes=False, mouseTracking=True)
        view.setModel(self.model)
        view.setItemDelegate(ResultDelegate(view))
        view.setAccessibleName("Search results")
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys stay with the line above
        view.clicked.connect(self._pick)
        return view

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(14, 10, 12, 10)
        top.setSpacing(8)
        top.addWidget(self._icon)
        top.addWidget(self.field, 1)
        top.addWidget(SimulatedBadge(self._session))
        bottom = QHBoxLayout()
        bottom.setContentsMargins(14, 5, 14, 7)
        bottom.addWidget(self._foot, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.results, 1)
        layout.addWidget(self._hint, 1)
        layout.addLayout(bottom)

    def _dress(self, theme: palette.Theme) -> None:
        self._icon.setPixmap(pixmap("mdi6.magnify", theme.muted, 20))
        self.results.viewport().update()

    # -- opening and closing ---------------------------------------------------------------

    def open(self) -> None:
        """Show it over the window, ready to be typed into."""
        window = self.parentWidget().window()
        self._focus_before = window.focusWidget()
        width = min(_WIDTH, window.width() - 2 * _MARGIN)
        height = min(_HEIGHT, window.height() - 2 * _MARGIN)
        self.resize(width, height)
        corner = QPoint((window.width() - width) // 2, round(window.height() * _TOP))
        corner.setY(min(corner.y(), max(window.height() - height - _MARGIN, 0)))
        self.move(window.mapToGlobal(corner))
        self.field.clear()
        self._find("")
        self.show()
        self.activateWindow()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the focus back to where it was."""
        super().hideEvent(event)
        before, self._focus_before = self._focus_before, None
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Only hide it: the next search opens the same box."""
        self.hide()
        event.ignore()

    # -- typing ----------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the keys that choose and pick away from the line."""
        is_key = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if watched is self.field and is_key and self._take_key(event):
            return True
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in _STEPS:
            self._choose_next(_STEPS[key])
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            for _ in range(_PAGE):
                self._choose_next(1 if key == Qt.Key.Key_PageDown else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self.results.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self.hide()
        else:
            return False
        return True

    def _choose_next(self, step: int) -> None:
        self._choose(self.model.next_choice(self.results.currentIndex().row(), step))

    def _choose(self, row: int) -> None:
        index = self.model.index(row, 0)
        self.results.setCurrentIndex(index)
        heading = row == self.model.next_choice(-1, 1)  # keep the first heading in sight
        self.results.scrollTo(self.model.index(0, 0) if heading else index)

    def _find(self, text: str) -> None:
        """Show what matches, or what was searched for before."""
        if text.strip():
            self.model.show_groups(self._search.find(text))
        else:
            self.model.show_recent(self._search.recent)
        found = self.model.rowCount() > 0
        self.results.setVisible(found)
        self._hint.setVisible(not found)
        self._hint.setText(self._explain(text.strip()))
        self._foot.setText(self._say_source())
        if found and text.strip():
            self._choose(self.model.next_choice(-1, 1))

    def _explain(self, text: str) -> str:
        """Say what can be typed, and why nothing was found."""
        scene = self._session.scene
        if scene.atlas is None:
            return "There is no atlas yet: only places can be found.\n" + _HINT
        if not text:
            return _HINT
        if scene.anatomy is None:
            return "The anatomy of the PSCs is still being computed…"
        return f"Nothing matches “{text[:60]}”.\n{_HINT}"

    def _say_source(self) -> str:
        keys = "↑ ↓ choose   ·   Enter go there   ·   Esc close"
        anatomy = self._session.scene.anatomy
        return keys if anatomy is None else f"{keys}   ·   {anatomy.origin}"

    def _on_anatomy(self, *_: object) -> None:
        if self.isVisible():
            self._find(self.field.text())

    # -- picking ---------------------------------------------------------------------------

    def _pick(self, index: QModelIndex) -> None:
        row = self.model.row(index)
        if isinstance(row, SearchResult):
            text = self.field.text()
            self.hide()
            self._search.pick(row, text)
        elif isinstance(row, tuple):
            self.field.setText(row[0])
