"""People: age, sex, site, diagnosis and size of the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SITES = ("SiteA", "SiteB", "SiteC")
CONTROL, PATIENT = "CN", "PT"

_AGE_RANGE = (50.0, 85.0)
#: Sites differ in size, age and share of patients (a third in all), as they do in real studies;
#: neither age nor diagnosis is settled by the site, so that its effect can be told from theirs.
_SITE_SHARES = (0.42, 0.33, 0.25)
_SITE_AGE_SHIFTS = (0.0, 3.0, -2.0)
_SITE_PATIENT_SHARES = (0.29, 0.42, 0.29)
#: Mean and standard deviation of intracranial volume in mm^3, women and men.
_ICV = {"F": (1.40e6, 0.11e6), "M": (1.56e6, 0.12e6)}


@dataclass(frozen=True, eq=False)
class People:
    """A sample of people; all arrays have shape (n,).

    Parameters
    ----------
    age : ndarray, float64
        Years.
    sex : ndarray, str
        F or M.
    site : ndarray, int
        Index into `SITES`.
    is_patient : ndarray, bool
        Patient or control.
    severity : ndarray, float64
        How much of the disease's effect a patient shows, 1 on average; 0 for controls.
    icv : ndarray, float64
        Intracranial volume in mm^3.
    """

    age: NDArray[np.float64]
    sex: NDArray[np.str_]
    site: NDArray[np.int64]
    is_patient: NDArray[np.bool_]
    severity: NDArray[np.float64]
    icv: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.age)

    @property
    def diagnosis(self) -> NDArray[np.str_]:
        """CN or PT, shape (n,)."""
        return np.where(self.is_patient, PATIENT, CONTROL)

    @property
    def site_name(self) -> NDArray[np.str_]:
        """Name of the site, shape (n,)."""
        return np.array(SITES)[self.site]


def simulate_people(n: int, rng: np.random.Generator) -> People:
    """Draw people between 50 and 85 years, a third of them patients, from three sites.

    Every site has women, men, patients and controls if n is at least 24.

    Parameters
    ----------
    n : int
        Number of people.
    rng : Generator
        Source of chance.
    """
    site = np.searchsorted(np.cumsum(_SITE_SHARES), (np.arange(n) + 0.5) / n)
    sex = np.where(np.arange(n) % 2 == 0, "F", "M")
    is_patient = np.zeros(n, dtype=np.bool_)
    for number, share in enumerate(_SITE_PATIENT_SHARES):
        members = np.flatnonzero(site == number)
        is_patient[rng.choice(members, round(share * len(members)), replace=False)] = True
    age = rng.uniform(*_AGE_RANGE, n) + np.array(_SITE_AGE_SHIFTS)[site] + 1.5 * is_patient
    age = np.round(np.clip(age, *_AGE_RANGE), 1)
    mean, spread = (np.array([_ICV[each][part] for each in sex]) for part in (0, 1))
    icv = np.round(rng.normal(mean, spread))
    severity = np.where(is_patient, np.clip(rng.normal(1.0, 0.3, n), 0.3, None), 0.0)
    order = rng.permutation(n)  # a table sorted by site would hide mistakes in matching rows
    return People(
        age=age[order],
        sex=sex[order],
        site=site[order],
        is_patient=is_patient[order],
        severity=severity[order],
        icv=icv[order],
    )
