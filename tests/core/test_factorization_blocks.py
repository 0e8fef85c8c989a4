"""Work on blocks: order, memory, stopping."""

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from music_gui.core.errors import Cancelled, ParameterError
from music_gui.core.factorization.blocks import BlockRunner, n_threads, slices, voxel_blocks
from music_gui.core.progress import Silent


class Stoppable(Silent):
    def __init__(self):
        self.stop = False

    def check(self):
        if self.stop:
            raise Cancelled


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_results_come_in_the_order_of_the_blocks(n_jobs):
    def slow_first(block):
        time.sleep(0.02 if block == 0 else 0)
        return block

    with BlockRunner(n_jobs) as runner:
        assert list(runner.map(slow_first, range(30))) == list(range(30))


def test_only_a_few_results_wait_to_be_taken():
    done = []
    with BlockRunner(2) as runner:
        results = runner.map(done.append, range(1000))
        next(results)
        time.sleep(0.05)
        assert len(done) <= 6


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_an_error_in_a_block_reaches_the_caller(n_jobs):
    def fail(block):
        raise ZeroDivisionError(block)

    with BlockRunner(n_jobs) as runner, pytest.raises(ZeroDivisionError):
        runner.each(fail, range(5))


def test_a_stop_reaches_work_inside_a_block():
    progress = Stoppable()
    threading.Timer(0.1, lambda: setattr(progress, "stop", True)).start()
    started = time.monotonic()

    def endless(block):
        while True:
            runner.check()
            time.sleep(0.005)

    with pytest.raises(Cancelled), BlockRunner(2, progress) as runner:
        runner.each(endless, range(4))
    assert time.monotonic() - started < 1


def test_blas_has_one_thread_inside_and_as_many_as_before_after():
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    with BlockRunner(2):
        inside = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(inside) == {1}
    assert after == before


def test_each_thread_has_its_own_buffers():
    def fill(block):
        buffer = runner.buffer("sum", (100, 100))
        buffer[:] = block
        time.sleep(0.001)
        return float(buffer.min()), float(buffer.max())

    with BlockRunner(4) as runner:
        assert list(runner.map(fill, range(40))) == [(i, i) for i in range(40)]


def test_blocks_cover_all_voxels_once():
    for n_voxels, n_components in [(1, 1), (2048, 32), (84_090, 1024), (5000, 70_000)]:
        covered = np.zeros(n_voxels, int)
        for block in voxel_blocks(n_voxels, n_components):
            covered[block] += 1
        assert (covered == 1).all()
    assert slices(0, 4) == []


def test_threads_are_counted_as_joblib_counts_them():
    assert n_threads(3) == 3
    assert n_threads(-1) == n_threads(None) >= 1
    assert n_threads(-(10**6)) == 1
    with pytest.raises(ParameterError, match="n_jobs is 0"):
        n_threads(0)
