"""Listen to the state for as long as a widget lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance
from PySide6.QtCore import QObject


def follow(listener: QObject, signal: SignalInstance, callback: Callable[..., Any]) -> None:
    """Call ``callback`` at each emission until Qt destroys ``listener``.

    The signal alone would go on calling methods of a Python object whose Qt side is gone.

    Parameters
    ----------
    listener : QObject
        The widget that is changed by the callback.
    signal : SignalInstance
        Of the state.
    callback : callable
        Takes the signal's arguments.
    """
    signal.connect(callback)
    listener.destroyed.connect(lambda: signal.disconnect(callback, missing_ok=True))
