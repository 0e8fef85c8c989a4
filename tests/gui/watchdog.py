"""Measure how long the UI thread was busy or away between two turns of its event loop."""

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer

_TICK_MS = 2


@dataclass(frozen=True)
class Block:
    """A stretch in which the event loop did not turn, in milliseconds.

    Attributes
    ----------
    wall : float
        On the clock; on a busy machine the scheduler's part is in it.
    busy : float
        In which the UI thread itself computed.
    """

    wall: float
    busy: float


class Watchdog(QObject):
    """Ticks every two milliseconds on the UI thread and keeps the longest gap between ticks."""

    def __init__(self):
        super().__init__()
        self._timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self.blocks = []

    def start(self):
        self.blocks = []
        self._last = (time.perf_counter(), time.thread_time())
        self._timer.start()

    def stop(self):
        """Return the longest block on the clock and the longest computation."""
        self._tick()
        self._timer.stop()
        return Block(
            max(block.wall for block in self.blocks), max(block.busy for block in self.blocks)
        )

    def _tick(self):
        now = (time.perf_counter(), time.thread_time())
        wall, busy = (1000 * (new - old) for new, old in zip(now, self._last, strict=True))
        self._last = now
        self.blocks.append(Block(wall, busy))
