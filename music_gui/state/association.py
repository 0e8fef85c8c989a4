"""What the association views show: one GWAS, the PSC whose results are drawn, a variant."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import EventedModel
from pydantic import ConfigDict


@dataclass(frozen=True, eq=False)
class AssociationResult:
    """One PSC's association with all variants, ready to draw.

    Parameters
    ----------
    run : str
        Name of the GWAS.
    psc : str
        Name of the PSC.
    variants : DataFrame, n_variants rows
        ``chromosome``, ``base_pair_location``, ``rsid``, alleles, frequency, n.
    beta, standard_error, neg_log_10_p_value : ndarray, shape (n_variants,)
        NaN where a variant could not be tested.
    axis : GenomeAxis
        Where the variants lie on the Manhattan plot.
    quantiles : QuantilePlot
        The points of the QQ plot.
    lambda_gc : float
        Genomic inflation.
    n_tests : int
        PSCs tested in this GWAS; the Bonferroni line lies at ``5e-8 / n_tests``.
    simulated : bool
        Made-up data.
    """

    run: str
    psc: str
    variants: Any  # naming pandas here would import it when the application starts
    beta: NDArray[np.floating]
    standard_error: NDArray[np.floating]
    neg_log_10_p_value: NDArray[np.floating]
    axis: Any
    quantiles: Any
    lambda_gc: float
    n_tests: int
    simulated: bool

    def describe(self, variant: int) -> str:
        """Say in two lines what is known of a variant: id and place, then p, effect, allele."""
        row = self.variants.iloc[variant]
        place = f"chr{row['chromosome']}:{int(row['base_pair_location']):,}"
        return (
            f"{row['rsid']}  {place}\n"
            f"p = {p_value_text(float(self.neg_log_10_p_value[variant]))}   "
            f"β = {self.beta[variant]:.3g} ± {self.standard_error[variant]:.2g}   "
            f"{row['effect_allele']} ({row['effect_allele_frequency']:.2f})"
        )


def p_value_text(neg_log_10_p_value: float) -> str:
    """Write a p-value that may be too small for a float: ``3.2e-412``."""
    if neg_log_10_p_value < 4:
        return f"{10**-neg_log_10_p_value:.3g}"
    exponent = math.floor(-neg_log_10_p_value + 0.0223)  # from 9.95 on it rounds to 10.0
    return f"{10 ** (-neg_log_10_p_value - exponent):.1f}e{exponent}"


class AssociationState(EventedModel):
    """The state of the association views.

    Attributes
    ----------
    run : str or None
        Name of the GWAS that is browsed.
    result : AssociationResult or None
        Of the selected PSC.
    variant : int or None
        Row of the chosen variant in the result's variants.
    empty_reason : str
        What to say while there is no result.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    run: str | None = None
    result: AssociationResult | None = None
    variant: int | None = None
    empty_reason: str = ""
