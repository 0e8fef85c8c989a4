"""What the user does with mouse and keys over the 3D view, in words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

_HOVER_DELAY_MS = 30

_TURN_KEYS = {
    Qt.Key.Key_Left: (8.0, 0.0),
    Qt.Key.Key_Right: (-8.0, 0.0),
    Qt.Key.Key_Up: (0.0, -8.0),
    Qt.Key.Key_Down: (0.0, 8.0),
}
_ZOOM_KEYS = {Qt.Key.Key_Plus: 1.15, Qt.Key.Key_Equal: 1.15, Qt.Key.Key_Minus: 1 / 1.15}
_SIDE_KEYS = {getattr(Qt.Key, f"Key_{side}"): side for side in "LRAPSI"}


class BrainGestures(QObject):
    """Watches a widget that VTK draws in; what turns and zooms with the mouse goes on to VTK.

    Parameters
    ----------
    widget : QWidget
        The widget.

    Signals
    -------
    clicked(place), double_clicked(place), hovered(place)
        A pixel of the widget; hovered(None) when the mouse has left.
    side_wanted(side)
        One of ``L R A P S I``.
    turned(azimuth, elevation)
        By degrees, with the arrow keys.
    zoomed(factor)
        With plus and minus.
    reset_wanted(), nothing_wanted()
        Home and Escape.
    """

    clicked = Signal(QPointF)
    double_clicked = Signal(QPointF)
    hovered = Signal(object)
    side_wanted = Signal(str)
    turned = Signal(float, float)
    zoomed = Signal(float)
    reset_wanted = Signal()
    nothing_wanted = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._press: QPointF | None = None
        self._place = QPointF()
        self._hover_timer = QTimer(self, singleShot=True, interval=_HOVER_DELAY_MS)
        self._hover_timer.timeout.connect(lambda: self.hovered.emit(self._place))
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take keys and look at the mouse."""
        if isinstance(event, QKeyEvent):
            # None goes on to VTK, whose own keys switch to wire frames or quit.
            event.setAccepted(event.type() == QEvent.Type.KeyPress and self._on_key(event))
            return True
        if isinstance(event, QMouseEvent):
            self._on_mouse(event)
        elif event.type() == QEvent.Type.Leave:
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
        place = event.position()
        if event.type() == QEvent.Type.MouseMove and not event.buttons():
            self._place = place
            if not self._hover_timer.isActive():
                self._hover_timer.start()
        elif event.button() != Qt.MouseButton.LeftButton:
            return
        elif event.type() == QEvent.Type.MouseButtonPress:
            self._press = place
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            self._press = None  # its release is no second click
            self.double_clicked.emit(place)
        elif event.type() == QEvent.Type.MouseButtonRelease and self._press is not None:
            if (place - self._press).manhattanLength() < QApplication.startDragDistance():
                self.clicked.emit(place)
            self._press = None
