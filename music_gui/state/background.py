"""Short reading and scanning off the UI thread; anything longer is a job."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from music_gui.core.errors import MusicError

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]


class Background:
    """Run functions in threads and bring their results back to the UI thread.

    Parameters
    ----------
    post : callable
        Takes a function and runs it on the UI thread, soon. Tests give ``lambda f: f()``.
    inline : bool
        Run at once instead of in a thread: for tests without a window.
    """

    def __init__(self, post: Post, *, inline: bool = False) -> None:
        self.post = post
        self._pool = None if inline else ThreadPoolExecutor(2, thread_name_prefix="background")
        self._newest: dict[str, int] = {}

    def run(
        self,
        work: Callable[[], T],
        on_done: Callable[[T], None],
        on_error: Callable[[MusicError], None],
        *,
        topic: str,
    ) -> None:
        """Run ``work`` in a thread, then ``on_done`` with its result on the UI thread.

        Parameters
        ----------
        work : callable
            Touches no widget and no state.
        on_done, on_error : callable
            Called on the UI thread.
        topic : str
            Of several works on one topic only the newest answer is delivered.
        """
        number = self._newest.get(topic, 0) + 1
        self._newest[topic] = number

        def deliver(future: Future[T]) -> None:
            if self._newest.get(topic) != number or future.cancelled():
                return
            error = future.exception()
            if error is None:
                on_done(future.result())
            else:
                on_error(_as_music_error(error))

        if self._pool is None:
            future: Future[T] = Future()
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
            deliver(future)
        else:
            self._pool.submit(work).add_done_callback(lambda f: self.post(lambda: deliver(f)))

    def forget(self, topic: str) -> None:
        """Drop the answers on a topic that are still under way."""
        self._newest[topic] = self._newest.get(topic, 0) + 1

    def stop(self) -> None:
        """Drop all answers under way and end the threads."""
        self._newest.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _as_music_error(error: Any) -> MusicError:
    if isinstance(error, MusicError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return MusicError(error.strerror, where=str(error.filename or ""))
    return MusicError(f"an unexpected error: {type(error).__name__}", why=str(error))
