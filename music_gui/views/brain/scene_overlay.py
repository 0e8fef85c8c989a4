"""What lies over the 3D view: directions, sides to look from, what is under the mouse, colours."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from music_gui.state.session import Session
from music_gui.views.brain.color_bar import ColorBar
from music_gui.views.brain.psc_text import describe_psc
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow
from music_gui.views.widgets.simulated_badge import SimulatedBadge

_MARGIN = 10

_SIDES = {
    "L": "the left", "R": "the right", "A": "the front", "P": "the back",
    "S": "above", "I": "below",
}  # fmt: skip

#: Views from between the sides, and their keys.
_BETWEEN = {
    "LAS": ("left, front, above", "1"), "RAS": ("right, front, above", "2"),
    "LPS": ("left, back, above", "3"), "RPS": ("right, back, above", "4"),
}  # fmt: skip


class SceneOverlay(QObject):
    """Small widgets in the corners of the 3D view.

    Parameters
    ----------
    session : Session
        Its scene tells the painted column and the selected PSC.
    view : QWidget
        Whose corners they take.

    Signals
    -------
    direction_chosen(side)
        The user wants to look from a side: one of `brain_camera.DIRECTIONS`.
    """

    direction_chosen = Signal(str)

    def __init__(self, session: Session, view: QWidget) -> None:
        super().__init__(view)
        self._session, self._scene = session, session.scene
        self._area, self._shown = QRect(), True
        self._hovered: str | None = None
        self._message = ""
        self._readout = QLabel(view)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.setAccessibleName("PSC under the mouse, or the selected one")
        self._badge = SimulatedBadge(session, view)
        self._bar = ColorBar(session.scene, view)
        self._sides = self._make_sides(view)
        self._letters = [_letter(view) for _ in range(4)]
        for changed in (self._scene.events.selected, self._scene.events.painted):
            follow(self, changed, self._show_readout)
        follow(self, self._scene.events.painted, self._place)
        follow(self, session.study_changed, self._place)
        follow(self, palette.theme_changed, self._on_theme)
        self._on_theme(palette.current())
        self._show_readout()

    def hover(self, name: str | None) -> None:
        """Show the PSC under the mouse; None shows the selected one again."""
        if name != self._hovered:
            self._hovered = name
            self._show_readout()

    def say(self, message: str) -> None:
        """Show a message while no PSC is under the mouse or selected."""
        self._message = message
        self._show_readout()

    def set_shown(self, shown: bool) -> None:
        """Show or hide everything."""
        self._shown = shown
        self._place()

    def set_area(self, area: QRect) -> None:
        """Take the corners of an area of the view."""
        self._area = area
        self._place()

    def raise_(self) -> None:
        """Put everything in front of the view."""
        for widget in (*self._letters, self._readout, self._badge, self._bar, self._sides):
            widget.raise_()

    def show_letters(self, left: str, right: str, top: str, bottom: str) -> None:
        """Say which side of the body lies towards each edge; empty where none does."""
        letters = (left, right, top, bottom)
        if letters != tuple(label.text() for label in self._letters):
            for label, letter in zip(self._letters, letters, strict=True):
                label.setText(letter)
            self._place()

    def set_sides_shown(self, shown: bool) -> None:
        """Show or hide the buttons, which have no place in a picture."""
        self._sides.setVisible(shown)

    def _make_sides(self, view: QWidget) -> QWidget:
        sides = QWidget(view)
        sides.setObjectName("sides")
        layout = QHBoxLayout(sides)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(0)
        for side, words in _SIDES.items():
            button = QToolButton(text=side)
            button.setToolTip(f"Look from {words} ({side})")
            button.setAccessibleName(f"Look from {words}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, side=side: self.direction_chosen.emit(side))
            layout.addWidget(button)
        layout.addWidget(self._make_between(sides))
        return sides

    def _make_between(self, sides: QWidget) -> QToolButton:
        button = QToolButton(text="¾")
        button.setToolTip("Look from between the sides (1 2 3 4)")
        button.setAccessibleName("Look from between the sides")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for side, (words, key) in _BETWEEN.items():
            action = menu.addAction(f"From the {words}\t{key}")
            action.triggered.connect(lambda _=False, side=side: self.direction_chosen.emit(side))
        button.setMenu(menu)
        return button

    def _show_readout(self) -> None:
        name = self._hovered or self._scene.selected
        text = describe_psc(self._scene, name) if name else self._message
        self._readout.setText(text)
        self._place()

    def _place(self) -> None:
        """Sides at the top right, text at the top left, the colour bar at the bottom right."""
        is_simulated = self._session.study is not None and self._session.study.manifest.simulated
        for widget, wanted in (
            (self._readout, bool(self._readout.text())),
            (self._badge, is_simulated),
            (self._bar, self._scene.painted is not None),
            (self._sides, True),
            *((label, bool(label.text())) for label in self._letters),
        ):
            widget.setVisible(self._shown and wanted)
            widget.resize(widget.sizeHint())
        area = self._area
        right = area.right() - _MARGIN
        self._sides.move(right - self._sides.width(), area.top() + _MARGIN)
        self._badge.move(area.left() + _MARGIN, area.top() + _MARGIN + 2)
        indent = self._badge.width() + _MARGIN if is_simulated else 0
        self._readout.move(area.left() + _MARGIN + indent, area.top() + _MARGIN)
        room = self._sides.x() - self._readout.x() - _MARGIN
        self._readout.resize(min(self._readout.width(), max(room, 0)), self._readout.height())
        self._bar.resize(min(self._bar.width(), area.width() // 2), self._bar.height())
        self._bar.move(right - self._bar.width(), area.bottom() - _MARGIN - self._bar.height())
        self._place_letters()

    def _place_letters(self) -> None:
        area, middle = self._area, self._area.center()
        left, right, top, bottom = self._letters
        left.move(area.left() + _MARGIN, middle.y() - left.height() // 2)
        right.move(area.right() - _MARGIN - right.width(), middle.y() - right.height() // 2)
        # Below the row of buttons, which may reach the middle.
        under = self._sides.geometry().bottom() + 4
        top.move(middle.x() - top.width() // 2, under)
        bottom.move(middle.x() - bottom.width() // 2, area.bottom() - _MARGIN - bottom.height())

    def _on_theme(self, theme: palette.Theme) -> None:
        self._sides.setStyleSheet(
            f"#sides {{ background: {theme.panel}; border: 1px solid {theme.border};"
            "border-radius: 6px; } #sides QToolButton { min-width: 14px; }"
            "#sides QToolButton::menu-indicator { image: none; }"
        )
        for label in self._letters:
            label.setStyleSheet(f"color: {theme.text}; font-weight: 600; font-size: 15px;")
        self._readout.setStyleSheet(
            f"color: {theme.text}; background: {theme.panel}; border-radius: 6px; padding: 4px 8px;"
        )


def _letter(view: QWidget) -> QLabel:
    label = QLabel(view)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label
