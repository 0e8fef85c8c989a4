"""Genotypes with linkage disequilibrium, a spectrum of allele frequencies and missing calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

#: Lengths of chromosomes 1 to 22 in base pairs, Genome Reference Consortium build GRCh37.
CHROMOSOME_LENGTHS = (
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022,
    141213431, 135534747, 135006516, 133851895, 115169878, 107349540, 102531392, 90354753,
    81195210, 78077248, 59128983, 63025520, 48129895, 51304566,
)  # fmt: skip

_VARIANTS_PER_BLOCK = 25
_MEAN_GAP = 4_000  # base pairs between neighbours in a block
_LD_DISTANCE = 40_000  # base pairs over which the correlation of haplotypes falls to 1/e
_EDGE = 1_000_000  # base pairs kept free at both ends of a chromosome: the telomeres
_MAF_RANGE = (0.01, 0.5)
_MISSING_RATE = 0.005
#: Pairs of alleles that name the strand: no A/T, no C/G. Transitions are twice as frequent.
_ALLELES = np.array(["AG", "AG", "CT", "CT", "AC", "GT"])


@dataclass(frozen=True, eq=False)
class SimulatedGenotypes:
    """Genotypes of unrelated people.

    Parameters
    ----------
    dosage : ndarray, shape (n_people, n_variants), int8
        Copies of the effect allele, 0 to 2; -1 where the call is missing.
    true_dosage : ndarray, shape (n_people, n_variants), int8
        The same without missing calls.
    chromosome : ndarray, shape (n_variants,), int
        1 to 22, ascending.
    position : ndarray, shape (n_variants,), int
        Base pair on GRCh37, ascending and distinct on each chromosome.
    effect_allele, other_allele : ndarray, shape (n_variants,), str
        The effect allele is the rarer one in expectation.
    names : ndarray, shape (n_variants,), str
        ``sim00001`` on: no one should look for them in a database.
    """

    dosage: NDArray[np.int8]
    true_dosage: NDArray[np.int8]
    chromosome: NDArray[np.int64]
    position: NDArray[np.int64]
    effect_allele: NDArray[np.str_]
    other_allele: NDArray[np.str_]
    names: NDArray[np.str_]

    def standardised(self, variants: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return true dosages with mean 0 and variance 1, shape (n_people, len(variants)).

        A variant that no one or everyone carries becomes 0.
        """
        dosage = self.true_dosage[:, variants].astype(np.float64)
        dosage -= dosage.mean(axis=0)
        spread = dosage.std(axis=0)
        scaled: NDArray[np.float64] = dosage / np.where(spread > 0, spread, 1.0)
        return scaled


def simulate_genotypes(
    n_people: int, n_variants: int, rng: np.random.Generator
) -> SimulatedGenotypes:
    """Draw genotypes in blocks of linkage disequilibrium over the 22 autosomes.

    In a block each haplotype is a Gaussian process along the chromosome, cut at the quantile of
    each variant's allele frequency: near variants are correlated, blocks are independent. Alleles
    are drawn haplotype by haplotype, so that variants are in Hardy-Weinberg equilibrium.

    Parameters
    ----------
    n_people : int
        Number of people.
    n_variants : int
        Number of variants, at least 22.
    rng : Generator
        Source of chance.
    """
    chromosome, position, is_first = _positions(n_variants, rng)
    # Density 1/(maf + c) between the limits: many rare variants, as genotyping arrays have after
    # the rarest were left out.
    low, high = (np.log(limit + 0.05) for limit in _MAF_RANGE)
    frequency = np.exp(rng.uniform(low, high, n_variants)) - 0.05
    threshold = ndtri(frequency)
    haplotypes = np.empty((2 * n_people, n_variants), dtype=np.bool_)
    process = np.zeros(2 * n_people)
    for variant in range(n_variants):
        near = 0.0
        if not is_first[variant]:
            near = float(np.exp((position[variant - 1] - position[variant]) / _LD_DISTANCE))
        process = near * process + np.sqrt(1 - near**2) * rng.standard_normal(2 * n_people)
        haplotypes[:, variant] = process < threshold[variant]
    true_dosage = haplotypes[:n_people].astype(np.int8) + haplotypes[n_people:]
    missing = rng.random(true_dosage.shape) < _MISSING_RATE
    pairs = rng.choice(_ALLELES, n_variants)
    swap = rng.random(n_variants) < 0.5
    first = np.array([pair[0] for pair in pairs])
    second = np.array([pair[1] for pair in pairs])
    return SimulatedGenotypes(
        dosage=np.where(missing, np.int8(-1), true_dosage),
        true_dosage=true_dosage,
        chromosome=chromosome,
        position=position,
        effect_allele=np.where(swap, second, first),
        other_allele=np.where(swap, first, second),
        names=np.array([f"sim{number:05d}" for number in range(1, n_variants + 1)]),
    )


def _positions(
    n_variants: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return chromosome, position and whether a block begins, each of shape (n_variants,)."""
    lengths = np.array(CHROMOSOME_LENGTHS)
    share = np.cumsum(np.concatenate([[0], lengths])) / lengths.sum()
    counts = np.diff(np.rint(share * n_variants).astype(int))
    chromosomes, positions, firsts = [], [], []
    for number, (count, length) in enumerate(zip(counts, lengths, strict=True), start=1):
        n_blocks = -(-count // _VARIANTS_PER_BLOCK)
        spans = np.full(n_blocks, _VARIANTS_PER_BLOCK)
        spans[-1:] = count - _VARIANTS_PER_BLOCK * (n_blocks - 1)
        # One block in each of equally long stretches, so that blocks never meet.
        stretch = (length - 2 * _EDGE) / max(n_blocks, 1)
        starts = _EDGE + stretch * (np.arange(n_blocks) + rng.uniform(0.0, 0.8, n_blocks))
        for start, span in zip(starts, spans, strict=True):
            gaps = 1 + rng.exponential(_MEAN_GAP, span).astype(np.int64)
            positions.append(int(start) + np.cumsum(gaps))
            firsts.append(np.arange(span) == 0)
            chromosomes.append(np.full(span, number))
    return np.concatenate(chromosomes), np.concatenate(positions), np.concatenate(firsts)
