"""The factorisations at the paper's size: 84,090 voxels, 4,000 maps, C = 32 to 1024.

Run by hand, with nothing else on the machine::

    python tests/benchmarks/bench_paper_scale.py PART... --study S --atlas A --maps M \
        [--reference PYTHON]

Parts:

- ``floor``: bandwidth of the memory and peak of float32 matrix products on all cores,
- ``fast``: ``music-gui run fit`` of exact ONMF at all scales, wall time and peak resident memory,
- ``epochs``: one epoch of sopNMF as published at each C, beside the floor, and one batch of the
  public reference package at C = 1024 (``--reference``),
- ``growth``: seconds of both at three sizes of n, d and C.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from paper_scale_cohort import SCALES, add_arguments, cohort_study

from music_gui.core.factorization import BlockRunner, ExactONMF, SopNMF
from music_gui.core.factorization.blocks import n_threads
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.study import Study

BATCH = 32


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=["floor", "fast", "epochs", "growth"])
    parser.add_argument("--reference", type=Path, help="Python with sopnmf 0.0.4")
    add_arguments(parser)
    arguments = parser.parse_args()
    study = cohort_study(arguments)
    X = MaskedMaps.open(study.masked_maps).maps
    n, d = X.shape
    print(f"{n} maps of {d} voxels, {X.nbytes / 1e9:.2f} GB; load {os.getloadavg()[0]:.1f}")
    floor = Floor.measure()
    print(f"memory {floor.bytes_a_second / 1e9:.1f} GB/s, products {floor.flops / 1e9:.0f} GFLOPS")
    for part in arguments.parts:
        if part == "fast":
            bench_fast(study)
        elif part == "epochs":
            bench_epochs(X, floor, arguments.reference)
        elif part == "growth":
            bench_growth(X)


@dataclass(frozen=True)
class Floor:
    """What this machine can do at best.

    Parameters
    ----------
    bytes_a_second : float
        Reading from memory, all cores.
    flops : float
        Float32 operations a second in square matrix products, all cores.
    """

    bytes_a_second: float
    flops: float

    @classmethod
    def measure(cls) -> Floor:
        """Read half a gigabyte and multiply matrices of 1536, one a core at a time."""
        cores = n_threads(None)
        values = np.ones((cores, 2**26), np.float32)
        squares = np.ones((cores, 1536, 1536), np.float32)
        with BlockRunner() as runner:
            reading = _best(5, lambda: runner.each(lambda i: values[i].max(), range(cores)))
            product = _best(5, lambda: runner.each(lambda i: squares[i] @ squares[i], range(cores)))
        return cls(values.nbytes / reading, cores * 2 * 1536**3 / product)


def bench_fast(study: Study) -> None:
    """Fit all scales as a user would, from the command line, and print time and memory."""
    command = [sys.executable, "-m", "music_gui", "run", "fit", "--study", str(study.root)]
    command += ["--scales", ",".join(map(str, SCALES)), "--seed", "0", "--recompute", "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"exact ONMF, C = {SCALES}: {seconds:.1f} s together, {peak:.2f} GiB resident at most")
    print(done.stdout.strip())


def bench_epochs(X: NDArray[np.float32], floor: Floor, reference: Path | None) -> None:
    """Print seconds of an epoch of sopNMF at each C beside the floors."""
    n, d = X.shape
    rng = np.random.default_rng(0)
    for C in SCALES:
        seconds = _epoch(X, C, rng)
        n_batches = n // BATCH
        work = n_batches * _batch_flops(d, C, BATCH) + 2 * n * d * C + 2 * d * C**2
        moved = 2 * X.nbytes + (3 * n_batches + 1) * 4 * d * C
        arithmetic, reading = work / floor.flops, moved / floor.bytes_a_second
        print(
            f"sopNMF C = {C}: {seconds:.2f} s an epoch ({n_batches} batches and the loss); floor "
            f"{arithmetic:.2f} s of products, {reading:.2f} s of memory (X twice, W thrice a batch)"
        )
    if reference:
        seconds = _reference_batch(reference, np.ascontiguousarray(X[:BATCH].T), 1024)
        for name, strict in (("true norm", True), ("cheap norm", False)):
            ours = _batch(X, 1024, rng, strict)
            print(
                f"one batch at C = 1024: reference {seconds:.1f} s, ours with the {name} "
                f"{ours:.2f} s, {seconds / ours:.0f} times"
            )


def bench_growth(X: NDArray[np.float32]) -> None:
    """Print seconds of both algorithms at three sizes of n, d and C."""
    rng = np.random.default_rng(0)
    n, d = X.shape
    sizes = [("n", n // f, d, 256) for f in (4, 2, 1)]
    sizes += [("d", n // 2, d // f, 256) for f in (4, 2, 1)]
    sizes += [("C", n // 2, d, C) for C in (64, 256, 1024)]
    for what, n_images, n_voxels, C in sizes:
        part = np.ascontiguousarray(X[:n_images, :: d // n_voxels][:, :n_voxels])
        epoch = _epoch(part, C, rng)
        started = time.perf_counter()
        fit = ExactONMF(C, 1, 0).fit(part)
        seconds = time.perf_counter() - started
        print(
            f"growth with {what}: n = {part.shape[0]}, d = {part.shape[1]}, C = {C}: sopNMF "
            f"{epoch:.2f} s an epoch; exact ONMF {seconds:.1f} s, {fit.n_iter_} iterations, "
            f"{seconds / fit.n_iter_:.2f} s each"
        )


def _epoch(X: NDArray[np.float32], C: int, rng: np.random.Generator) -> float:
    """Return the seconds of the second epoch of sopNMF from a random start."""
    moments: list[float] = []
    start = rng.random((C, X.shape[1]), np.float32)
    SopNMF(C, BATCH, 2, 0, init=start).fit(
        X, callback=lambda epoch: moments.append(time.perf_counter())
    )
    return moments[1] - moments[0]


def _batch(X: NDArray[np.float32], C: int, rng: np.random.Generator, strict: bool) -> float:
    """Return the seconds of one update with a batch."""
    weights = ScaledWeights.start(rng.random((X.shape[1], C), np.float32))
    batch = np.ascontiguousarray(X[:BATCH])
    with BlockRunner() as runner:
        return _best(3, lambda: update(batch, weights, runner, strict=strict))


def _batch_flops(d: int, C: int, b: int) -> float:
    """Return the operations of a batch: H, numerator, and the shorter way to the denominator."""
    denominator = 4 * d * b * C if 2 * b < C else 2 * d * C**2
    return 4 * d * b * C + denominator


def _reference_batch(python: Path, X: NDArray[np.float32], C: int) -> float:
    script = Path(__file__).with_name("reference_batch.py")
    best = np.inf
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        for threads in (1, 2):
            done = subprocess.run(
                [str(python), "-W", "ignore", str(script), f"{folder}/X.npy", str(C)],
                env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
                check=True,
                capture_output=True,
                text=True,
            )
            best = min(best, json.loads(done.stdout.splitlines()[-1])["seconds"])
    return float(best)


def _best(repeats: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main()
