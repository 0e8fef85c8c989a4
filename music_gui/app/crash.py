"""Catch what nobody caught: tell the user instead of dying silently."""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import qVersion

from music_gui import __version__

_PACKAGES = Path(__file__).resolve().parents[2]


class CrashHook:
    """Shows each fault once: one that repeats at every redraw must not bury the user.

    Parameters
    ----------
    show : callable
        Takes the report on the UI thread.
    post : callable
        Runs a function on the UI thread.
    """

    def __init__(
        self, show: Callable[[str], None], post: Callable[[Callable[[], None]], None]
    ) -> None:
        self._show = show
        self._post = post
        self._told: set[str] = set()

    def install(self) -> None:
        """Take over from Python's own hooks, which only print."""
        sys.excepthook = self._on_exception
        threading.excepthook = lambda hook: self._on_exception(
            hook.exc_type, hook.exc_value, hook.exc_traceback
        )

    def remove(self) -> None:
        """Give Python its own hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        traceback.print_exception(kind, error, trace)
        report = crash_report(kind, trace)
        if report not in self._told:
            self._told.add(report)
            self._post(lambda: self._show(report))


def crash_report(kind: type[BaseException], trace: TracebackType | None) -> str:
    """Say where in the program a fault happened.

    The error's message is left out, since it may hold the name or a value of a subject; so are
    the folders in which the program is installed, since they may hold the user's.
    """
    frames = [
        f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(trace)
    ]
    head = (
        f"MuSIC GUI {__version__}, Python {platform.python_version()}, Qt {qVersion()}, "
        f"{platform.system()} {platform.release()}"
    )
    return "\n".join([head, kind.__qualname__, *frames])


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_PACKAGES):
        return path.relative_to(_PACKAGES).as_posix()
    parts = path.parts
    return "/".join(
        parts[parts.index("site-packages") + 1 :] if "site-packages" in parts else parts[-1:]
    )
