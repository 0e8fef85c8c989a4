"""Work on many things in threads, and take the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import TypeVar

from music_gui.core.progress import Progress

_T = TypeVar("_T")

_WAIT_SECONDS = 0.1


def in_order(
    work: Callable[[int], _T],
    items: Sequence[int],
    *,
    threads: int,
    progress: Progress,
    message: str,
) -> Iterator[tuple[int, _T]]:
    """Work on items in threads; yield each with its result, in the order of the items.

    At most two results a thread are held at a time, so memory stays bounded; the order makes
    what is summed from them the same at every run.

    Parameters
    ----------
    work : callable
        Given an item. What it raises is raised here and ends the rest.
    items : sequence of int
    threads : int
    progress : Progress
        Told after each item, and asked for a cancel ten times a second.
    message : str
        What is being done, for the progress.
    """
    waiting = deque(items)
    running: deque[tuple[int, Future[_T]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            n_done = 0
            while waiting or running:
                while waiting and len(running) < 2 * threads:
                    item = waiting.popleft()
                    running.append((item, pool.submit(work, item)))
                item, future = running.popleft()
                yield item, _result(future, progress)
                n_done += 1
                progress.update(n_done / len(items), f"{message}: {n_done} of {len(items)}")
        finally:
            for _, future in running:
                future.cancel()


def _result(future: Future[_T], progress: Progress) -> _T:
    while True:
        try:
            return future.result(timeout=_WAIT_SECONDS)
        except NotYet:
            if future.done():  # the work itself timed out
                raise
            progress.check()
