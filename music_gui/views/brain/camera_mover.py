"""Moves the camera in a moment instead of at once, so that one sees where one goes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation
from PySide6.QtWidgets import QStyle, QWidget

from music_gui.state.view_3d import Camera
from music_gui.views.brain.brain_camera import between


class CameraMover(QObject):
    """Takes the camera from one place to another.

    As long as the desktop's style lets things move; where the user has asked for no animations,
    at once.

    Parameters
    ----------
    widget : QWidget
        Its style tells how long a movement takes.
    move : callable
        Takes each place on the way.
    """

    def __init__(self, widget: QWidget, move: Callable[[Camera], None]) -> None:
        super().__init__(widget)
        self._widget, self._move = widget, move
        self._way: tuple[Camera, Camera] | None = None
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._animation.valueChanged.connect(self._step)

    def go(self, start: Camera, end: Camera) -> None:
        """Set out; the way to an earlier end is left."""
        self.stop()
        duration = self._duration()
        if duration <= 0:
            self._move(end)
            return
        self._way = (start, end)
        self._animation.setDuration(duration)
        self._animation.start()

    def _duration(self) -> int:
        """Return milliseconds, as the desktop's style wants them; 0 for no animations."""
        hint = QStyle.StyleHint.SH_Widget_Animation_Duration
        return self._widget.style().styleHint(hint, None, self._widget)

    def stop(self) -> None:
        """Stay where the camera is now."""
        self._way = None
        self._animation.stop()

    @property
    def is_moving(self) -> bool:
        """Whether the camera is on its way."""
        return self._animation.state() == QVariantAnimation.State.Running

    def _step(self, part: float) -> None:
        if self._way is not None:
            self._move(between(*self._way, part))
