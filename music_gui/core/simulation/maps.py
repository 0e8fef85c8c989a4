"""Grey-matter maps that follow age, sex, site, disease, genes and chance, region by region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from music_gui.core.grid import Grid
from music_gui.core.simulation.effects import RegionalEffects
from music_gui.core.simulation.people import People
from music_gui.core.simulation.regions import Regions

#: Mean total grey matter of a person of mean intracranial volume, in ml.
_MEAN_TOTAL_ML = 605.0
_MEAN_ICV = 1.48e6  # mm^3
#: Grey matter grows less than in proportion to the head (allometry).
_ICV_EXPONENT = 0.8
#: Sharpens the template's probability, which is blurred by the average over its subjects.
_SHARPNESS = 1.3
#: Standard deviation of the logarithm: (distance in mm over which it is smooth, amount).
_NOISE = ((18.0, 0.06), (9.0, 0.12))
_VOXEL_NOISE = 0.05
#: Values are multiples of this, so that files shrink to half; a ten thousandth of a voxel's worth.
_STEP = 2.0**-10


@dataclass(frozen=True, eq=False)
class MapModel:
    """Draws one person's map after the other.

    Parameters
    ----------
    mask : ndarray, shape of the grid, bool
        Grey matter; maps are 0 outside.
    people : People
        The sample.
    effects : RegionalEffects
        What each person's regions are multiplied with.
    base : ndarray, shape (n_voxels,), float64
        The mean map inside the mask.
    parents, children : Regions
        The two levels.
    noise : tuple of csr_array
        Interpolation from coarse grids to the voxels, one for each smoothness.
    seed : int
        Of the noise; a person's map does not depend on which were drawn before.
    """

    mask: NDArray[np.bool_]
    people: People
    effects: RegionalEffects
    base: NDArray[np.float64]
    parents: Regions
    children: Regions
    noise: tuple[csr_array, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.people)

    def map_of(self, person: int) -> NDArray[np.float32]:
        """Return a person's map, shape of the grid, float32: 1 is a whole voxel's volume."""
        rng = np.random.default_rng([self.seed, person])
        logarithm = self.parents.shares @ self.effects.parents[person]
        logarithm += self.children.shares @ self.effects.children[person]
        for (_, amount), interpolation in zip(_NOISE, self.noise, strict=True):
            logarithm += amount * (interpolation @ rng.standard_normal(interpolation.shape[1]))
        logarithm += _VOXEL_NOISE * rng.standard_normal(len(logarithm))
        head = (self.people.icv[person] / _MEAN_ICV) ** _ICV_EXPONENT
        values = head * self.base * np.exp(logarithm)
        image = np.zeros(self.mask.shape, dtype=np.float32)
        image[self.mask] = np.rint(values / _STEP) * _STEP
        return image


def make_map_model(
    template: NDArray[np.floating],
    mask: NDArray[np.bool_],
    grid: Grid,
    regions: tuple[Regions, Regions],
    people: People,
    effects: RegionalEffects,
    seed: int,
) -> MapModel:
    """Prepare what all maps share.

    Parameters
    ----------
    template : ndarray, shape of the grid
        Probability of grey matter, 0 to 1.
    mask : ndarray, shape of the grid, bool
        Where maps are not 0.
    grid : Grid
        Of both.
    regions : tuple of Regions
        Parents and children.
    people : People
        The sample.
    effects : RegionalEffects
        Of the same people and regions.
    seed : int
        Of the noise.
    """
    base = template[mask].astype(np.float64) ** _SHARPNESS
    base *= _MEAN_TOTAL_ML * 1000 / (base.sum() * grid.voxel_volume)
    voxels = np.argwhere(mask) * grid.voxel_sizes
    noise = tuple(_interpolation(voxels / distance) for distance, _ in _NOISE)
    return MapModel(mask, people, effects, base, *regions, noise, seed)


def _interpolation(points: NDArray[np.float64]) -> csr_array:
    """Return the linear map from values on the grid of whole numbers to values at points.

    Weights are the square roots of those of trilinear interpolation, so that independent values
    of variance 1 on the grid give values of variance 1 at every point.

    Parameters
    ----------
    points : ndarray, shape (n, 3), float64
        In units of the grid.

    Returns
    -------
    csr_array, shape (n, n_grid_points)
    """
    corner = np.floor(points).astype(np.int64)
    fraction = points - corner
    shape = corner.max(axis=0) + 2
    rows, columns, weights = [], [], []
    for offset in np.ndindex(2, 2, 2):
        near = np.where(np.array(offset) == 1, fraction, 1 - fraction)
        rows.append(np.arange(len(points)))
        columns.append(np.ravel_multi_index((corner + offset).T, tuple(shape)))
        weights.append(np.sqrt(near.prod(axis=1)))
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(entries, shape=(len(points), int(shape.prod())))
