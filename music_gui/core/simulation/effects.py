"""What changes the size of a region from person to person, and how much of it is due to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from music_gui.core.simulation.genotypes import SimulatedGenotypes
from music_gui.core.simulation.people import SITES, People
from music_gui.core.simulation.regions import N_PARENTS, Regions

# All effects are on the natural logarithm of local volume: -0.2 is 18 % less.

Point = tuple[float, float, float]

#: Loss at mean severity, by name and place (MNI mm, right): the medial temporal lobe most, as in
#: Alzheimer's disease.
_DISEASE: dict[str, tuple[Point, float]] = {
    "hippocampus": ((18, -20, -20), -0.24),
    "temporal pole": ((36, 4, -36), -0.20),
    "middle temporal gyrus": ((57, -14, -20), -0.14),
    "inferior temporal gyrus": ((58, -45, -10), -0.10),
    "posterior cingulate": ((8, -38, 38), -0.08),
}
#: Regions whose size a common variant changes.
_ONE_VARIANT: dict[str, Point] = {
    "thalamus": (12, -12, 12),
    "ventral striatum": (12, 14, -8),
    "cerebellum VIIb": (36, -62, -48),
    "occipital pole": (16, -92, -2),
    "superior frontal gyrus": (14, 30, 46),
    "insula": (40, 0, 2),
}
#: Regions whose size many variants of small effect change.
_MANY_VARIANTS: dict[str, Point] = {
    "paracentral lobule": (16, -32, 69),
    "lateral frontal pole": (38, 52, 0),
    "calcarine cortex": (12, -62, 10),
}

_PERSONAL_SPREAD = 0.12  # standard deviation over people of like age, sex, site and diagnosis
_CHILD_SPREAD = 0.07
#: Share of the personal variance that a region has in common with regions far away.
_NETWORK_SHARE, _N_NETWORKS = 0.2, 4
_VARIANT_SHARE = 0.27
_CAUSAL_MAF_RANGE = (0.25, 0.45)
_POLYGENIC_SHARE, _N_POLYGENIC = 0.5, 300
#: Loss per decade, between regions, and how it grows with age.
_AGE_RANGE, _AGE_GROWTH = (-0.06, -0.015), -0.006
_SITE_SHIFT, _SITE_SCALE = 0.06, 0.12  # standard deviations of additive and (log) scaling effect


class CausalVariant(NamedTuple):
    """A variant that changes the size of one parent region."""

    region: int
    variant: int
    share: float


@dataclass(frozen=True, eq=False)
class RegionalEffects:
    """The sum of all effects, and its parts.

    Parameters
    ----------
    parents : ndarray, shape (n_people, 32), float64
        On the logarithm of the volume of each parent region.
    children : ndarray, shape (n_people, 64), float64
        Of each child region, on top.
    names : dict of int to str
        Parent regions that something is known of, and the place they are named after.
    disease : ndarray, shape (32,), float64
        Of a patient of severity 1.
    age_slope : ndarray, shape (32,), float64
        Per decade, at age 50.
    site_shift, site_scale : ndarray, shape (3, 32), float64
        Added, and the factor that the personal part is multiplied with.
    causal : tuple of CausalVariant
        With the share of the personal variance that each explains.
    polygenic : dict of int to float
        Parent region -> share of the personal variance that many variants explain together.
    """

    parents: NDArray[np.float64]
    children: NDArray[np.float64]
    names: dict[int, str]
    disease: NDArray[np.float64]
    age_slope: NDArray[np.float64]
    site_shift: NDArray[np.float64]
    site_scale: NDArray[np.float64]
    causal: tuple[CausalVariant, ...]
    polygenic: dict[int, float]


def draw_effects(
    people: People,
    genotypes: SimulatedGenotypes,
    parents: Regions,
    children: Regions,
    rng: np.random.Generator,
) -> RegionalEffects:
    """Draw the effects on all regions of all people.

    Parameters
    ----------
    people : People
        n people.
    genotypes : SimulatedGenotypes
        Of the same people.
    parents, children : Regions
        The two levels.
    rng : Generator
        Source of chance.
    """
    n, taken = len(people), set[int]()
    names: dict[int, str] = {}

    def place(name: str, point: Point) -> int:
        region = parents.nearest(point, taken)
        taken.add(region)
        names[region] = name
        return region

    disease = np.zeros(N_PARENTS)
    for name, (point, loss) in _DISEASE.items():
        disease[place(name, point)] = loss
    personal = _networks_and_chance(n, rng)
    chosen = _choose_causal(genotypes, len(_ONE_VARIANT), rng)
    causal = []
    for (name, point), variant in zip(_ONE_VARIANT.items(), chosen, strict=True):
        region = place(name, point)
        _mix_in(personal, region, genotypes.standardised(np.array([variant])), _VARIANT_SHARE)
        causal.append(CausalVariant(region, int(variant), _VARIANT_SHARE))
    polygenic = {}
    for name, point in _MANY_VARIANTS.items():
        region = place(name, point)
        n_polygenic = min(_N_POLYGENIC, len(genotypes.names))
        many = rng.choice(len(genotypes.names), n_polygenic, replace=False)
        score = genotypes.standardised(many) @ rng.standard_normal(n_polygenic)
        _mix_in(personal, region, score[:, None], _POLYGENIC_SHARE)
        polygenic[region] = _POLYGENIC_SHARE
    age_slope = rng.uniform(*_AGE_RANGE, N_PARENTS)
    site_shift = _SITE_SHIFT * rng.standard_normal((len(SITES), N_PARENTS))
    site_scale = np.exp(_SITE_SCALE * rng.standard_normal((len(SITES), N_PARENTS)))
    decades = (people.age[:, None] - 50) / 10
    total = age_slope * decades + _AGE_GROWTH * decades**2
    total += people.severity[:, None] * disease
    total += site_shift[people.site]
    total += _PERSONAL_SPREAD * site_scale[people.site] * personal
    total -= total.mean(axis=0)
    return RegionalEffects(
        parents=total,
        children=_CHILD_SPREAD * rng.standard_normal((n, len(children.centres))),
        names=names,
        disease=disease,
        age_slope=age_slope,
        site_shift=site_shift,
        site_scale=site_scale,
        causal=tuple(causal),
        polygenic=polygenic,
    )


def _networks_and_chance(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the personal part of each region, variance 1, shape (n, 32).

    A few networks of regions vary together; the rest is each region's own.
    """
    network = rng.integers(_N_NETWORKS, size=N_PARENTS)
    common = rng.standard_normal((n, _N_NETWORKS))[:, network]
    own = rng.standard_normal((n, N_PARENTS))
    mixed: NDArray[np.float64] = (
        np.sqrt(_NETWORK_SHARE) * common + np.sqrt(1 - _NETWORK_SHARE) * own
    )
    return mixed


def _choose_causal(
    genotypes: SimulatedGenotypes, n: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose common variants, each on another chromosome; the most common if there are few."""
    frequency = genotypes.true_dosage.mean(axis=0) / 2
    low, high = _CAUSAL_MAF_RANGE
    outside = np.maximum(low - frequency, 0) + np.maximum(frequency - high, 0)
    order = rng.permutation(len(frequency))
    order = order[np.argsort(outside[order], kind="stable")]
    _, first = np.unique(genotypes.chromosome[order], return_index=True)
    return np.sort(order[np.sort(first)[:n]])


def _mix_in(
    personal: NDArray[np.float64], region: int, score: NDArray[np.float64], share: float
) -> None:
    """Let a genetic score explain a share of a region's personal variance, in this sample."""
    genetic = score[:, 0] / score.std()
    rest = personal[:, region]
    rest -= genetic * (genetic @ rest) / len(rest)
    personal[:, region] = np.sqrt(share) * genetic + np.sqrt(1 - share) * rest / rest.std()
