"""Split-half reproducibility of both factorisations at the paper's size, at equal wall time.

Run by hand, with nothing else on the machine::

    python tests/benchmarks/bench_reproducibility.py --study S --atlas A --maps M \
        [--scales 32 ...] [--budget 1 10]

The maps are split in two halves at random. Each half is factorised on its own with a seed and a
start of its own; the components are matched (Hungarian), and the index is the mean of the inner
products of matched components of length 1. sopNMF as published may take ``--budget`` times the
time that exact ONMF took for the same half (one epoch at least). Its iterates are those of the
public reference package (`bench_factorization.py`), which would take days here.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from paper_scale_cohort import SCALES, add_arguments, cohort_study, read_published
from sklearn.metrics import adjusted_rand_score

from music_gui.core.factorization import ExactONMF, SopNMF, sparsity
from music_gui.core.factorization.reproducibility import reproducibility_index
from music_gui.core.progress import Silent
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.voxel_major import turn_in_memory


@dataclass(frozen=True)
class Fitted:
    """A half's components and what they cost."""

    components: NDArray[np.float32]
    loss: float
    n_epochs: int
    seconds: float

    @property
    def labels(self) -> NDArray[np.intp]:
        """Component of each voxel."""
        return self.components.argmax(axis=0)


def main() -> None:
    """Print a line for each scale and algorithm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", type=int, nargs="+", default=SCALES)
    parser.add_argument("--budget", type=float, nargs="*", default=[1.0])
    add_arguments(parser)
    arguments = parser.parse_args()
    maps = MaskedMaps.open(cohort_study(arguments).masked_maps)
    order = np.random.default_rng(0).permutation(maps.n_images)
    middle = maps.n_images // 2
    halves = [maps.maps[np.sort(part)] for part in (order[:middle], order[middle:])]
    atlas = read_published(arguments.atlas)
    print(f"halves of {middle} maps of {maps.n_voxels} voxels")
    for C in arguments.scales:
        truth = atlas.scales[C].labels[maps.mask]
        exact = [fit_exact(X, C, seed) for seed, X in enumerate(halves)]
        report(f"C = {C}, exact ONMF", exact, truth)
        for budget in arguments.budget:
            seconds = budget * np.mean([each.seconds for each in exact])
            published = [fit_published(X, C, seed, seconds) for seed, X in enumerate(halves)]
            report(f"C = {C}, sopNMF in {budget:g} times that time", published, truth)


def fit_exact(X: NDArray[np.float32], C: int, seed: int) -> Fitted:
    """Fit exact ONMF, the turning of the maps included in the time."""
    started = time.perf_counter()
    fit = ExactONMF(C, 1, seed).fit(turn_in_memory(X, Silent()))
    seconds = time.perf_counter() - started
    return Fitted(fit.components_, fit.reconstruction_err_, fit.n_iter_, seconds)


def fit_published(X: NDArray[np.float32], C: int, seed: int, budget: float) -> Fitted:
    """Fit sopNMF for as many epochs as the budget holds, at least one."""
    started = time.perf_counter()
    moments = []
    first = SopNMF(C, 32, 2, seed).fit(X, callback=lambda _: moments.append(time.perf_counter()))
    start_s, epoch_s = moments[0] - started, moments[1] - moments[0]
    n_epochs = max(int((budget - start_s) / epoch_s) + 1, 1)
    fit = first if n_epochs <= 2 else SopNMF(C, 32, n_epochs, seed).fit(X)
    spent = start_s + (fit.n_iter_ - 1) * epoch_s
    return Fitted(fit.components_, fit.reconstruction_err_, fit.n_iter_, spent)


def report(title: str, halves: list[Fitted], truth: NDArray[np.integer]) -> None:
    """Print how well two halves agree with each other and with what was planted."""
    a, b = halves
    index = reproducibility_index(a.components, b.components)
    rand = adjusted_rand_score(a.labels, b.labels)
    found = np.mean([adjusted_rand_score(truth, each.labels) for each in halves])
    print(
        f"{title}: RI {index.mean:.3f} (median {index.median:.3f}), ARI of the halves {rand:.3f}, "
        f"ARI with the planted regions {found:.3f}; loss {a.loss:.5f} and {b.loss:.5f}, sparsity "
        f"{sparsity(a.components):.3f}, {len(np.unique(a.labels))} used, {a.n_epochs} epochs, "
        f"{a.seconds:.0f} s a half",
        flush=True,
    )


if __name__ == "__main__":
    main()
