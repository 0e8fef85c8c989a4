"""Reading from the open study off the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from music_gui.core.errors import MusicError
from music_gui.io.study import Study
from music_gui.state.background import Background

T = TypeVar("T")


class StudyReader:
    """Reads files in the background; what can't be read is told.

    Parameters
    ----------
    background : Background
        Where files are read.
    get_study : callable
        Returns the open study, or None.
    on_error : callable
        Takes what went wrong.
    """

    def __init__(
        self,
        background: Background,
        get_study: Callable[[], Study | None],
        on_error: Callable[[MusicError], None],
    ) -> None:
        self._background = background
        self._get_study = get_study
        self._on_error = on_error

    def read(self, work: Callable[[], T], show: Callable[[T], None], *, topic: str) -> None:
        """Call ``work`` in a thread and ``show`` with its result, as `Background.run` does."""
        self._background.run(work, show, self._on_error, topic=topic)

    def read_from_study(
        self, work: Callable[[Study], T], show: Callable[[T], None], *, topic: str
    ) -> None:
        """Read from the open study; an answer that comes when it is closed is dropped."""
        study = self._get_study()
        if study is None:
            return

        def show_if_open(result: T) -> None:
            if self._get_study() is study:
                show(result)

        def fail_if_open(error: MusicError) -> None:
            if self._get_study() is study:
                self._on_error(error)

        self._background.run(lambda: work(study), show_if_open, fail_if_open, topic=topic)
