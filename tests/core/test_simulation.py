"""The simulated sample has what it says it has."""

import numpy as np
import pytest
from scipy.stats import chi2

from music_gui.core.grid import Grid
from music_gui.core.simulation.effects import draw_effects
from music_gui.core.simulation.example import simulate_sample
from music_gui.core.simulation.genotypes import CHROMOSOME_LENGTHS, simulate_genotypes
from music_gui.core.simulation.maps import _interpolation
from music_gui.core.simulation.people import SITES, simulate_people
from music_gui.core.simulation.regions import CHILDREN_PER_PARENT, N_PARENTS
from music_gui.io.nifti import read_image
from music_gui.io.resources import TEMPLATE_GM_3MM, resource

N = 120


@pytest.fixture(scope="module")
def template():
    return read_image(resource(TEMPLATE_GM_3MM))


@pytest.fixture(scope="module")
def sample(template):
    return simulate_sample(template.data, template.grid, n_people=N, n_variants=1000, seed=3)


@pytest.fixture(scope="module")
def maps(sample):
    """All maps inside the mask, shape (N, n_voxels)."""
    return np.stack([sample.maps.map_of(person)[sample.maps.mask] for person in range(N)])


@pytest.fixture(scope="module")
def genotypes():
    return simulate_genotypes(1000, 2000, np.random.default_rng(5))


@pytest.fixture(scope="module")
def volumes(sample, maps):
    """Log volume of each parent region, shape (N, 32)."""
    labels = sample.maps.parents.labels
    sums = [maps[:, labels == each].sum(axis=1, dtype=float) for each in range(1, N_PARENTS + 1)]
    return np.log(np.stack(sums, axis=1))


def test_people_are_of_the_age_and_sites_and_a_third_are_patients():
    people = simulate_people(240, np.random.default_rng(0))
    assert people.age.min() >= 50
    assert people.age.max() <= 85
    assert abs(people.is_patient.mean() - 1 / 3) < 0.02
    assert set(people.site_name) == set(SITES)
    assert people.icv[people.sex == "M"].mean() > people.icv[people.sex == "F"].mean() + 1e5
    assert (people.severity[~people.is_patient] == 0).all()
    assert (people.severity[people.is_patient] > 0).all()


def test_each_site_has_both_sexes_and_both_diagnoses():
    people = simulate_people(24, np.random.default_rng(1))
    for site in range(len(SITES)):
        here = people.site == site
        assert set(people.sex[here]) == {"F", "M"}
        assert set(people.diagnosis[here]) == {"CN", "PT"}


def test_variants_lie_in_order_on_their_chromosomes(genotypes):
    assert set(genotypes.chromosome) == set(range(1, 23))
    for number, length in enumerate(CHROMOSOME_LENGTHS, start=1):
        position = genotypes.position[genotypes.chromosome == number]
        assert (np.diff(position) > 0).all()
        assert position[0] > 0
        assert position[-1] < length
    assert len(set(genotypes.names)) == 2000
    strand = {frozenset(pair) for pair in zip(genotypes.effect_allele, genotypes.other_allele,
                                              strict=True)}  # fmt: skip
    assert strand == {frozenset(pair) for pair in ("AG", "CT", "AC", "GT")}


def test_genotypes_are_in_hardy_weinberg_equilibrium(genotypes):
    dosage = genotypes.true_dosage
    frequency = dosage.mean(axis=0) / 2
    expected = 1000 * np.stack([(1 - frequency) ** 2, 2 * frequency * (1 - frequency),
                                frequency**2])  # fmt: skip
    observed = np.stack([(dosage == count).sum(axis=0) for count in range(3)])
    common = expected.min(axis=0) > 5
    statistic = ((observed - expected) ** 2 / expected).sum(axis=0)[common]
    assert abs((statistic > chi2.isf(0.05, 1)).mean() - 0.05) < 0.025


def test_neighbours_are_in_linkage_disequilibrium_and_far_variants_are_not(genotypes):
    scaled = genotypes.standardised(np.arange(2000))
    near = np.diff(genotypes.position)
    pairs = np.flatnonzero((near > 0) & (near < 3000))
    r2_near = (scaled[:, pairs] * scaled[:, pairs + 1]).mean(axis=0) ** 2
    r2_far = (scaled[:, :1000] * scaled[:, 1000:]).mean(axis=0) ** 2
    assert r2_near.mean() > 0.2
    assert abs(r2_far.mean() - 1 / 1000) < 2e-4  # of independent variants in 1,000 people: 1/n


def test_half_a_percent_of_the_calls_are_missing_and_no_others_changed(genotypes):
    missing = genotypes.dosage < 0
    assert abs(missing.mean() - 0.005) < 3e-4
    assert (genotypes.dosage[~missing] == genotypes.true_dosage[~missing]).all()


def test_rare_variants_are_more_frequent_than_common_ones(genotypes):
    frequency = genotypes.true_dosage.mean(axis=0) / 2
    low, high = (((frequency > a) & (frequency < a + 0.1)).sum() for a in (0.01, 0.4))
    assert low > 2 * high
    assert high > 100


def test_regions_tile_the_mask_and_mirror_each_other(sample, template):
    parents, children = sample.maps.parents, sample.maps.children
    assert set(parents.labels) == set(range(1, N_PARENTS + 1))
    np.testing.assert_array_equal((children.labels - 1) // CHILDREN_PER_PARENT + 1, parents.labels)
    np.testing.assert_allclose(parents.shares.sum(axis=1), 1.0, rtol=1e-6)
    x = template.grid.to_world(np.argwhere(sample.maps.mask))[:, 0]
    for each in range(1, N_PARENTS + 1):
        side = (x[parents.labels == each] > 0).mean()
        assert 0.3 < side < 0.7


def test_total_grey_matter_is_what_people_have_and_falls_with_age(sample, maps, template):
    total = maps.sum(axis=1, dtype=float) * template.grid.voxel_volume / 1000
    assert 430 < total.min() < total.max() < 820
    people = sample.maps.people
    assert np.corrcoef(total, people.icv)[0, 1] > 0.6
    design = np.column_stack([np.ones(N), people.age - 65, people.icv / 1e6])
    slope = np.linalg.lstsq(design, np.log(total), rcond=None)[0][1]
    assert -0.010 < slope < -0.004  # a share a year
    assert maps.min() >= 0
    assert maps.max() < 3


def test_regional_volumes_follow_the_effects_that_were_drawn(sample, volumes):
    """The noise of voxels and the borders leave the effect on a region nearly as it was put in."""
    people = sample.maps.people
    effects = sample.maps.effects.parents + 0.8 * np.log(people.icv)[:, None]
    for region in range(N_PARENTS):
        assert np.corrcoef(effects[:, region], volumes[:, region])[0, 1] > 0.85


def test_patients_lose_tissue_in_the_medial_temporal_lobe_and_not_elsewhere(sample, volumes):
    people, effects = sample.maps.people, sample.maps.effects
    design = np.column_stack(
        [people.is_patient, np.ones(N), people.age, people.age**2, np.log(people.icv),
         people.site == 1, people.site == 2]
    ).astype(float)  # fmt: skip
    found = np.linalg.lstsq(design, volumes, rcond=None)[0][0]
    np.testing.assert_allclose(found, effects.disease, atol=0.1)
    assert np.corrcoef(found, effects.disease)[0, 1] > 0.85
    affected = {effects.names[region] for region in np.flatnonzero(effects.disease)}
    assert {"hippocampus", "temporal pole", "middle temporal gyrus"} <= affected


def test_each_causal_variant_explains_its_share_of_the_personal_variance():
    rng = np.random.default_rng(2)
    people = simulate_people(400, rng)
    genotypes = simulate_genotypes(400, 1000, rng)
    regions = _Places(rng.uniform(0, 50, (N_PARENTS, 3)))
    children = _Places(rng.uniform(0, 50, (N_PARENTS * CHILDREN_PER_PARENT, 3)))
    effects = draw_effects(people, genotypes, regions, children, rng)
    assert len({each.region for each in effects.causal}) == 6
    chromosomes = [genotypes.chromosome[each.variant] for each in effects.causal]
    assert len(set(chromosomes)) == 6
    design = np.column_stack(
        [np.ones(400), people.age, people.age**2, people.severity, people.site == 1,
         people.site == 2]
    ).astype(float)  # fmt: skip
    for causal in effects.causal:
        personal = effects.parents[:, causal.region]
        personal = personal - design @ np.linalg.lstsq(design, personal, rcond=None)[0]
        dosage = genotypes.true_dosage[:, causal.variant]
        assert abs(np.corrcoef(dosage, personal)[0, 1] ** 2 - causal.share) < 0.05


class _Places:
    """Regions without voxels: only where they are."""

    def __init__(self, centres):
        self.centres = centres

    def nearest(self, point, taken):
        order = np.argsort(np.linalg.norm(self.centres - np.abs(point), axis=1))
        return next(int(each) for each in order if int(each) not in taken)


def test_noise_has_the_same_variance_between_the_points_of_the_coarse_grid():
    points = np.random.default_rng(0).uniform(0, 4, (50, 3))
    weights = _interpolation(points)
    np.testing.assert_allclose((weights**2).sum(axis=1), 1.0)


def test_the_same_seed_gives_the_same_sample_and_another_does_not(template):
    grid = Grid(template.grid.shape, template.grid.affine)
    first, again, other = (
        simulate_sample(template.data, grid, n_people=8, n_variants=44, seed=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.maps.map_of(5), again.maps.map_of(5))
    np.testing.assert_array_equal(first.genotypes.dosage, again.genotypes.dosage)
    assert (first.genotypes.position != other.genotypes.position).any()
    assert (first.maps.map_of(5) != other.maps.map_of(5)).any()
