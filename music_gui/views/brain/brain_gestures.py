"""What the user does with mouse and keys over the 3D view, in words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

_HOVER_DELAY_MS = 30

_DEGREES_PER_PIXEL = 0.35
_ZOOM_PER_PIXEL = 1.006
_ZOOM_PER_NOTCH = 1.12
_NOTCH = 120

_TURN_KEYS = {
    Qt.Key.Key_Left: (8.0, 0.0),
    Qt.Key.Key_Right: (-8.0, 0.0),
    Qt.Key.Key_Up: (0.0, -8.0),
    Qt.Key.Key_Down: (0.0, 8.0),
}
_ZOOM_KEYS = {Qt.Key.Key_Plus: 1.15, Qt.Key.Key_Equal: 1.15, Qt.Key.Key_Minus: 1 / 1.15}
_SIDE_KEYS = {getattr(Qt.Key, f"Key_{side}"): side for side in "LRAPSI"}
_SIDE_KEYS |= {
    Qt.Key.Key_1: "LAS",
    Qt.Key.Key_2: "RAS",
    Qt.Key.Key_3: "LPS",
    Qt.Key.Key_4: "RPS",
}


class BrainGestures(QObject):
    """Watches mouse and keys over a widget.

    Left drag turns, middle drag or Shift moves, right drag, wheel and two fingers zoom. A right
    click asks for the menu, a click with Ctrl for one more PSC.

    Parameters
    ----------
    widget : QWidget
        The widget.

    Signals
    -------
    clicked(place, adds), double_clicked(place), hovered(place), menu_wanted(place)
        A pixel of the widget; hovered(None) when the mouse has left, menu_wanted(None) by key.
    side_wanted(side)
        One of `brain_camera.DIRECTIONS`.
    turned(azimuth, elevation)
        By degrees.
    panned(right, down)
        By pixels.
    zoomed(factor)
        Above 1 to come nearer.
    reset_wanted(), nothing_wanted()
        Home and Escape.
    """

    clicked = Signal(QPointF, bool)
    double_clicked = Signal(QPointF)
    hovered = Signal(object)
    menu_wanted = Signal(object)
    side_wanted = Signal(str)
    turned = Signal(float, float)
    panned = Signal(float, float)
    zoomed = Signal(float)
    reset_wanted = Signal()
    nothing_wanted = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._press: QPointF | None = None
        self._menu_press: QPointF | None = None
        self._place = QPointF()
        widget.setMouseTracking(True)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._hover_timer = QTimer(self, singleShot=True, interval=_HOVER_DELAY_MS)
        self._hover_timer.timeout.connect(lambda: self.hovered.emit(self._place))
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take mouse and keys."""
        if isinstance(event, QKeyEvent):
            # What is not ours goes on to the panel.
            event.setAccepted(event.type() == QEvent.Type.KeyPress and self._on_key(event))
            return event.isAccepted()
        if isinstance(event, QMouseEvent):
            self._on_mouse(event)
            event.accept()
            return True
        if isinstance(event, QWheelEvent):
            self.zoomed.emit(_ZOOM_PER_NOTCH ** (event.angleDelta().y() / _NOTCH))
            event.accept()
            return True
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoomed.emit(max(1.0 + event.value(), 0.1))
            return True
        if isinstance(event, QContextMenuEvent):
            # That of the mouse comes with the press, before one knows whether it is a drag.
            if event.reason() == QContextMenuEvent.Reason.Keyboard:
                self.menu_wanted.emit(None)
            event.accept()
            return True
        if event.type() == QEvent.Type.Leave:
            self._hover_timer.stop()
            self.hovered.emit(None)
        return False

    def _on_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        has_modifier = event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        )
        if has_modifier:
            return False
        if key in _SIDE_KEYS:
            self.side_wanted.emit(_SIDE_KEYS[key])
        elif key in _TURN_KEYS:
            self.turned.emit(*_TURN_KEYS[key])
        elif key in _ZOOM_KEYS:
            self.zoomed.emit(_ZOOM_KEYS[key])
        elif key == Qt.Key.Key_Home:
            self.reset_wanted.emit()
        elif key == Qt.Key.Key_Escape:
            self.nothing_wanted.emit()
        else:
            return False
        return True

    def _on_mouse(self, event: QMouseEvent) -> None:
        place, before = event.position(), self._place
        self._place = place
        if event.type() == QEvent.Type.MouseMove:
            if event.buttons():
                self._drag(event, place - before)
            elif not self._hover_timer.isActive():
                self._hover_timer.start()
        elif event.button() == Qt.MouseButton.RightButton:
            self._on_right_button(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._on_left_button(event)

    def _on_left_button(self, event: QMouseEvent) -> None:
        place = event.position()
        if event.type() == QEvent.Type.MouseButtonPress:
            self._press = place
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            self._press = None  # its release is no second click
            self.double_clicked.emit(place)
        elif event.type() == QEvent.Type.MouseButtonRelease:
            if _is_click(self._press, place):
                adds = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
                self.clicked.emit(place, adds)
            self._press = None

    def _on_right_button(self, event: QMouseEvent) -> None:
        if event.type() == QEvent.Type.MouseButtonPress:
            self._menu_press = event.position()
        elif event.type() == QEvent.Type.MouseButtonRelease:
            if _is_click(self._menu_press, event.position()):
                self.menu_wanted.emit(event.position())
            self._menu_press = None

    def _drag(self, event: QMouseEvent, by: QPointF) -> None:
        buttons = event.buttons()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if buttons & Qt.MouseButton.MiddleButton or shift:
            self.panned.emit(by.x(), by.y())
        elif buttons & Qt.MouseButton.RightButton:
            self.zoomed.emit(_ZOOM_PER_PIXEL ** -by.y())
        else:
            self.turned.emit(-by.x() * _DEGREES_PER_PIXEL, by.y() * _DEGREES_PER_PIXEL)


def _is_click(press: QPointF | None, release: QPointF) -> bool:
    """Tell whether the mouse has stayed where it was pressed."""
    if press is None:
        return False
    return (release - press).manhattanLength() < QApplication.startDragDistance()
