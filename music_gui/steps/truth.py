"""What was put into the example study, in words and numbers, to hold results against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.simulation.effects import CausalVariant
from music_gui.core.simulation.example import SimulatedSample
from music_gui.core.simulation.people import SITES


def describe_truth(sample: SimulatedSample, people: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """Describe the truth behind a simulated sample, ready for JSON.

    Parameters
    ----------
    sample : SimulatedSample
        The sample.
    people : ndarray of int
        Those who are in the study; allele frequencies are theirs.
    seed : int
        The seed it was made from.
    """
    return {
        "simulated": True,
        "seed": seed,
        "n_participants": len(people),
        "n_variants": len(sample.genotypes.names),
        "genome_build": "GRCh37",
        "unit_of_effects": "natural logarithm of local volume; -0.2 is 18 % less",
        "causal_variants": [_variant(sample, people, each) for each in sample.maps.effects.causal],
        "regions": [_region(sample, each) for each in range(len(sample.maps.parents.centres))],
    }


def _variant(
    sample: SimulatedSample, people: NDArray[np.int64], causal: CausalVariant
) -> dict[str, Any]:
    genotypes, number = sample.genotypes, causal.variant
    return {
        "rsid": str(genotypes.names[number]),
        "chromosome": str(genotypes.chromosome[number]),
        "base_pair_location": int(genotypes.position[number]),
        "effect_allele": str(genotypes.effect_allele[number]),
        "other_allele": str(genotypes.other_allele[number]),
        "effect_allele_frequency": round(
            float(genotypes.true_dosage[people, number].mean() / 2), 4
        ),
        "region": causal.region + 1,
        "share_of_personal_variance": causal.share,
    }


def _region(sample: SimulatedSample, number: int) -> dict[str, Any]:
    effects, parents = sample.maps.effects, sample.maps.parents
    return {
        "label": number + 1,
        "near": effects.names.get(number),
        "centre_right_mm": [round(float(each), 1) for each in parents.centres[number]],
        "n_voxels": int((parents.labels == number + 1).sum()),
        "disease_effect": float(effects.disease[number]),
        "age_slope_per_decade": round(float(effects.age_slope[number]), 4),
        "site_shift": _by_site(effects.site_shift[:, number]),
        "site_scale": _by_site(effects.site_scale[:, number]),
        "polygenic_share_of_personal_variance": effects.polygenic.get(number, 0.0),
    }


def _by_site(values: NDArray[np.float64]) -> dict[str, float]:
    return {site: round(float(value), 4) for site, value in zip(SITES, values, strict=True)}
