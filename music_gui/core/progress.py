"""How long work tells about itself: one small interface, and one that keeps silent."""

from __future__ import annotations

from typing import Any, Protocol


class Progress(Protocol):
    """What a long computation is given to report with.

    Every method may raise `music_gui.core.errors.Cancelled`; a computation lets it pass.
    """

    def update(self, fraction: float, message: str = "") -> None:
        """Say how much is done, from 0 to 1, and what is being done now."""

    def log(self, text: str) -> None:
        """Add a line to the log that the user reads."""

    def warn(self, text: str) -> None:
        """Add a warning that stays attached to the result."""

    def metric(self, name: str, values: dict[str, Any]) -> None:
        """Publish numbers that a panel draws while the work goes on (``loss`` per epoch)."""

    def check(self) -> None:
        """Raise `Cancelled` if the user asked for a stop; cheap enough for inner loops."""

    def part(self, start: float, stop: float) -> Progress:
        """Return the progress of a part of the work that spans ``start`` to ``stop``."""


class Silent:
    """A `Progress` that reports to no one: for notebooks and tests."""

    def update(self, fraction: float, message: str = "") -> None:
        """Do nothing."""

    def log(self, text: str) -> None:
        """Do nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""

    def metric(self, name: str, values: dict[str, Any]) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Do nothing."""

    def part(self, start: float, stop: float) -> Progress:
        """Return this same object."""
        return self
