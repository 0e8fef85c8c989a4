"""What the application takes for granted of Qt's Python bindings."""

import sys

from PySide6.QtCore import QObject


def test_a_call_into_qt_gives_a_reference_for_the_none_that_it_returns():
    """PySide6 6.12.0 does not, and below Python 3.12 the interpreter aborts when none is left."""
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(1000):
        thing.setObjectName("x")
    assert sys.getrefcount(None) > before - 500
