"""Progresses for tests: one that keeps what it is told, one that stops in the middle."""

from music_gui.core.errors import Cancelled
from music_gui.core.progress import Silent


class Recorder(Silent):
    """Keeps what it is told."""

    def __init__(self):
        self.metrics, self.logs, self.fractions = [], [], []

    def update(self, fraction, message=""):
        self.fractions.append((fraction, message))

    def log(self, text):
        self.logs.append(text)

    def metric(self, name, values):
        self.metrics.append((name, values))

    def part(self, start, stop):
        return Part(self, start, stop)


class Part:
    def __init__(self, whole, start, stop):
        self._whole, self._start, self._span = whole, start, stop - start
        self.log, self.warn, self.metric, self.check = (
            whole.log,
            whole.warn,
            whole.metric,
            whole.check,
        )

    def update(self, fraction, message=""):
        self._whole.update(self._start + self._span * fraction, message)

    def part(self, start, stop):
        return Part(self, start, stop)


class StopAt(Recorder):
    """Stops in its own way at an epoch, counted over all fits."""

    def __init__(self, stop_at, how):
        super().__init__()
        self.left, self._how = stop_at, how

    def update(self, fraction, message=""):
        super().update(fraction, message)
        self.left -= "loss" in message
        if self.left == 0:
            self._how()


def cancel():
    """Do what the user's cancel does."""
    raise Cancelled
