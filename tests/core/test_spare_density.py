"""The density plot of patients and controls."""

import numpy as np
from scipy import stats

from music_gui.core.spare.density import score_density


def test_each_density_integrates_to_one_and_lies_where_its_group_lies():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.normal(-1, 0.5, 3000), rng.normal(1, 0.5, 2000)])
    patients = np.arange(5000) >= 3000
    density = score_density(scores, patients)
    np.testing.assert_allclose(np.trapezoid(density.controls, density.scores), 1, atol=1e-3)
    np.testing.assert_allclose(np.trapezoid(density.patients, density.scores), 1, atol=1e-3)
    bandwidth = 0.5 * 2000**-0.2  # Scott; it widens the true density by so much
    expected = stats.norm(1, np.hypot(0.5, bandwidth)).pdf(density.scores)
    assert np.abs(density.patients - expected).max() < 0.06


def test_groups_without_spread_or_people_have_no_density():
    density = score_density(np.array([1.0, 1.0, 2.0]), np.array([False, False, True]))
    assert not density.controls.any()
    assert not density.patients.any()
