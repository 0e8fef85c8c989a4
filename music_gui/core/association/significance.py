"""The significance levels of the application: nominal, per scale, over scales, over genes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from music_gui.core.atlas import Atlas, AtlasScale

#: A single test.
NOMINAL_P = 0.05

#: Genome-wide significance of one trait (Pe'er et al. 2008), as used in the paper.
GENOME_WIDE_P = 5e-8


@dataclass(frozen=True)
class SignificanceLevel:
    """A level that p-values must lie below.

    Parameters
    ----------
    title : str
        Which one it is, for example ``Bonferroni in the scale``.
    alpha : float
        Level of one test.
    n_tests : int
        Tests among which one false positive is allowed for (Bonferroni); 1 corrects nothing.
    """

    title: str
    alpha: float
    n_tests: int = 1

    @property
    def p(self) -> float:
        """The level of each test."""
        return self.alpha / self.n_tests

    @property
    def neg_log_10_p(self) -> float:
        """The same as -log10 p; p-values pass if theirs is larger."""
        return -math.log10(self.p)

    def describe(self) -> str:
        """Say how it comes about: ``p < 0.05 / 32 = 0.00156``."""
        if self.n_tests == 1:
            return f"p < {self.alpha:g}"
        return f"p < {self.alpha:g} / {self.n_tests} = {self.p:.3g}"


def nominal() -> SignificanceLevel:
    """Return the level of a single test."""
    return SignificanceLevel("Nominal", NOMINAL_P)


def over_pscs_of_scale(scale: AtlasScale) -> SignificanceLevel:
    """Correct for one test in each PSC of a scale; vanished components are not tested."""
    return SignificanceLevel("Bonferroni in the scale", NOMINAL_P, max(len(scale.present), 1))


def over_pscs_of_atlas(atlas: Atlas) -> SignificanceLevel:
    """Correct for one test in each PSC of all scales (2003 in the paper)."""
    n_pscs = sum(len(scale.present) for scale in atlas.scales.values())
    return SignificanceLevel("Bonferroni over all scales", NOMINAL_P, max(n_pscs, 1))


def over_genes(n_genes: int) -> SignificanceLevel:
    """Correct for one test in each gene."""
    return SignificanceLevel("Bonferroni over genes", NOMINAL_P, max(n_genes, 1))


def genome_wide(n_traits: int = 1) -> SignificanceLevel:
    """Return the level of a genome-wide scan, corrected for so many traits."""
    title = "Genome-wide" if n_traits == 1 else "Genome-wide over all PSCs"
    return SignificanceLevel(title, GENOME_WIDE_P, max(n_traits, 1))
