"""What the association views show: one GWAS, the PSC whose results are drawn, a variant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from psygnal import EventedModel
from pydantic import ConfigDict

if TYPE_CHECKING:
    import pandas as pd

#: Genome-wide significance (Pe'er et al. 2008), as used in the paper.
GENOME_WIDE_P = 5e-8


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
    lambda_gc : float
        Genomic inflation.
    n_tests : int
        PSCs tested in this GWAS; the Bonferroni line lies at ``5e-8 / n_tests``.
    simulated : bool
        Made-up data.
    """

    run: str
    psc: str
    variants: pd.DataFrame
    beta: NDArray[np.floating]
    standard_error: NDArray[np.floating]
    neg_log_10_p_value: NDArray[np.floating]
    lambda_gc: float
    n_tests: int
    simulated: bool


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
