"""Work on fixed blocks on several threads: the same bits for any number of threads."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from music_gui.core.errors import Cancelled, ParameterError
from music_gui.core.progress import Progress, Silent

T = TypeVar("T")
R = TypeVar("R")

_LOOK_SECONDS = 0.1
_IN_FLIGHT_PER_THREAD = 3


class BlockRunner:
    """Run a function over blocks of the data, several at a time.

    A matrix product is cut into blocks whose bounds depend on the data alone, and every block is
    worked on by one-threaded BLAS. So the result does not depend on the number of threads, and
    the stalls that threaded BLAS shows on thin products (hundreds of times slower on some
    machines) can't happen: how many threads BLAS bears need not be measured at the start. Results
    come back in the order of the blocks, a few blocks ahead at most, so that sums have one order
    and little memory.

    Use it as a context manager: BLAS is limited to one thread inside, and has as many as before
    outside.

    Parameters
    ----------
    n_jobs : int or None
        Threads; None or -1 means all processors that this process may use, -2 all but one.
    progress : Progress, optional
        Asked between blocks whether to stop.

    Raises
    ------
    ParameterError
        If ``n_jobs`` is zero.
    """

    def __init__(self, n_jobs: int | None = None, progress: Progress | None = None) -> None:
        self.n_threads = n_threads(n_jobs)
        self.progress = progress or Silent()
        self._stop = threading.Event()
        self._owner = threading.get_ident()
        self._buffers = threading.local()

    def __enter__(self) -> Self:
        self._limits = threadpool_limits(1, user_api="blas")
        self._pool = ThreadPoolExecutor(self.n_threads) if self.n_threads > 1 else None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._limits.restore_original_limits()

    def map(self, function: Callable[[T], R], blocks: Iterable[T]) -> Iterator[R]:
        """Yield ``function(block)`` for every block, in order.

        Raises
        ------
        Cancelled
            If the user asked for a stop; blocks under way end first.
        """
        if self._pool is None:
            for block in blocks:
                self.progress.check()
                yield function(block)
            return
        running: deque[Future[R]] = deque()
        for block in blocks:
            running.append(self._pool.submit(function, block))
            if len(running) >= _IN_FLIGHT_PER_THREAD * self.n_threads:
                yield self._result(running.popleft())
        while running:
            yield self._result(running.popleft())

    def each(self, function: Callable[[T], None], blocks: Iterable[T]) -> None:
        """Call ``function(block)`` for every block and wait for all."""
        for _ in self.map(function, blocks):
            pass

    def check(self) -> None:
        """Raise `Cancelled` if the work shall stop; for long work inside a block."""
        if threading.get_ident() == self._owner:
            self.progress.check()
        elif self._stop.is_set():
            raise Cancelled

    def buffer(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return this thread's float32 array of that name, reused from block to block."""
        size = int(np.prod(shape))
        held: NDArray[np.float32] | None = getattr(self._buffers, name, None)
        if held is None or held.size < size:
            held = np.empty(size, np.float32)
            setattr(self._buffers, name, held)
        return held[:size].reshape(shape)

    def _result(self, future: Future[R]) -> R:
        while True:
            self.progress.check()
            try:
                return future.result(_LOOK_SECONDS)
            except FutureTimeoutError:
                if future.done():  # the function itself ran into a timeout
                    raise


def n_threads(n_jobs: int | None) -> int:
    """Return the number of threads that ``n_jobs`` asks for, as joblib counts them."""
    available = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if n_jobs is None:
        return available
    if n_jobs == 0:
        raise ParameterError("n_jobs is 0", remedy="Use a number of threads, or -1 for all")
    return n_jobs if n_jobs > 0 else max(available + 1 + n_jobs, 1)


def slices(length: int, width: int) -> list[slice]:
    """Cut ``range(length)`` into slices of ``width``; the last one may be shorter."""
    return [slice(start, min(start + width, length)) for start in range(0, length, width)]


def voxel_blocks(n_voxels: int, n_components: int) -> list[slice]:
    """Cut the voxels so that a block of weights, (voxels, C) float32, stays in the L2 cache."""
    width = 2 ** int(np.log2(max(2**16 // max(n_components, 1), 1)))
    return slices(n_voxels, min(max(width, 128), 2048))
