"""Short reading and asking off the UI thread; anything longer is a job."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from music_gui.core.errors import MusicError

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]

_logger = logging.getLogger(__name__)


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
        self._readers = None if inline else ThreadPoolExecutor(2, thread_name_prefix="reader")
        self._requests = None if inline else ThreadPoolExecutor(1, thread_name_prefix="requests")
        self._newest: dict[str, int] = {}
        self._stopped = False
        self._n_under_way = 0

    @property
    def is_busy(self) -> bool:
        """Whether some work has not been answered yet; asked on the UI thread."""
        return self._n_under_way > 0

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
            if self._newest.get(topic) == number:
                _hand_over(future, on_done, on_error)

        self._start(self._readers, work, deliver)

    def request(
        self,
        work: Callable[[], T],
        on_done: Callable[[T], None],
        on_error: Callable[[MusicError], None],
    ) -> None:
        """Run ``work`` after all earlier requests have ended, and deliver every answer.

        For what changes something on the disk, where the order counts.
        """
        self._start(self._requests, work, lambda future: _hand_over(future, on_done, on_error))

    def stop(self) -> None:
        """Finish the requests, drop all answers under way, and end the threads."""
        self._stopped = True
        if self._readers is not None and self._requests is not None:
            self._requests.shutdown(wait=True)
            self._readers.shutdown(wait=True, cancel_futures=True)

    def _start(
        self,
        pool: ThreadPoolExecutor | None,
        work: Callable[[], T],
        deliver: Callable[[Future[T]], None],
    ) -> None:
        if self._stopped:
            return
        if pool is None:
            future: Future[T] = Future()
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
            deliver(future)
        else:
            self._n_under_way += 1
            pool.submit(work).add_done_callback(lambda ended: self._post(ended, deliver))

    def _post(self, future: Future[T], deliver: Callable[[Future[T]], None]) -> None:
        def deliver_unless_stopped() -> None:
            self._n_under_way -= 1
            if not self._stopped:
                deliver(future)

        if not (self._stopped or future.cancelled()):
            self.post(deliver_unless_stopped)


def _hand_over(
    future: Future[T], on_done: Callable[[T], None], on_error: Callable[[MusicError], None]
) -> None:
    error = future.exception()
    if error is None:
        on_done(future.result())
    else:
        on_error(_as_music_error(error))


def _as_music_error(error: BaseException) -> MusicError:
    if isinstance(error, MusicError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return MusicError(error.strerror, where=str(error.filename or ""))
    _logger.error("an unexpected error in a background thread", exc_info=error)
    return MusicError(f"an unexpected error: {type(error).__name__}", why=str(error))
