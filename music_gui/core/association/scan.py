"""Go through all variants block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.association.linear import Association, allele_frequency, associate
from music_gui.core.association.phenotypes import PhenotypeGroup
from music_gui.core.progress import Progress

#: A block of genotypes is kept below this size.
_BLOCK_BYTES = 64 << 20
#: Operations of a block's matrix product: a fraction of a second, so that a cancel is quick.
_BLOCK_OPERATIONS = 1e10
_SMALLEST_BLOCK, _LARGEST_BLOCK = 64, 512


@dataclass(frozen=True, eq=False)
class ScannedBlock:
    """Results of consecutive variants.

    Parameters
    ----------
    first : int
        Number of the first variant among those that were asked for.
    frequency : ndarray, shape (n_block,), float64
        Of the effect allele, among the analysed samples with a call.
    n_called : ndarray, shape (n_block,), int
        Analysed samples with a call.
    tested : ndarray, shape (n_block,), bool
        False where the minor allele is too rare.
    results : tuple of Association
        One for each group of phenotypes; a row for each tested variant.
    """

    first: int
    frequency: NDArray[np.float64]
    n_called: NDArray[np.intp]
    tested: NDArray[np.bool_]
    results: tuple[Association, ...]


def block_size(n_samples: int, n_columns: int) -> int:
    """Return how many variants to take at once for so many samples and right-hand sides."""
    by_memory = _BLOCK_BYTES / (8 * n_samples)
    by_time = _BLOCK_OPERATIONS / (2 * n_samples * n_columns)
    return int(np.clip(min(by_memory, by_time), _SMALLEST_BLOCK, _LARGEST_BLOCK))


def is_common(frequency: NDArray[np.float64], minimum: float) -> NDArray[np.bool_]:
    """Tell where the minor allele's frequency is at least ``minimum``, shape of ``frequency``.

    With a minimum of 0 that is everywhere, where there is no call too.
    """
    if minimum <= 0:
        return np.ones(len(frequency), dtype=np.bool_)
    # Frequencies are fractions of counts: a rounding error must not decide about equality.
    return np.minimum(frequency, 1 - frequency) >= minimum * (1 - 1e-10)


def scan(
    read: Callable[[int, int], NDArray[np.float64]],
    n_variants: int,
    groups: Sequence[PhenotypeGroup],
    *,
    size: int,
    first: int,
    min_maf: float,
    max_vif: float,
    progress: Progress,
) -> Iterator[ScannedBlock]:
    """Test variants against all phenotypes.

    Parameters
    ----------
    read : callable
        ``read(start, stop)`` returns genotypes, shape (n, stop - start), NaN where missing; the
        array may be overwritten.
    n_variants : int
        How many there are.
    groups : sequence of PhenotypeGroup
        Together all phenotypes.
    size : int
        Variants in a block.
    first : int
        Variant to start with: where an earlier run stopped.
    min_maf : float
        Variants with rarer minor alleles are not tested.
    max_vif : float
        As for `associate`.
    progress : Progress
        Asked for a cancel before each product.

    Yields
    ------
    ScannedBlock
    """
    for start in range(first, n_variants, size):
        progress.update(start / n_variants, f"variant {start:,} of {n_variants:,}")
        genotypes = read(start, min(start + size, n_variants))
        frequency, n_called = allele_frequency(genotypes)
        tested = is_common(frequency, min_maf)
        if not tested.all():
            genotypes = genotypes[:, tested]
        results = []
        for group in groups:
            progress.check()
            everyone = len(group.rows) == len(genotypes)
            results.append(
                associate(
                    genotypes if everyone else genotypes[group.rows],
                    group,
                    max_vif=max_vif,
                    # The last one to need the block may spoil it.
                    overwrite_genotypes=not everyone or len(groups) == 1,
                )
            )
        yield ScannedBlock(start, frequency, n_called, tested, tuple(results))
