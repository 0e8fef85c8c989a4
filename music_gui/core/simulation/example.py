"""The whole simulated sample from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.grid import Grid
from music_gui.core.simulation.effects import draw_effects
from music_gui.core.simulation.genotypes import SimulatedGenotypes, simulate_genotypes
from music_gui.core.simulation.maps import MapModel, make_map_model
from music_gui.core.simulation.people import simulate_people
from music_gui.core.simulation.regions import tile

#: Where the template's probability is lower, there is no grey matter in any map.
_LOWEST_PROBABILITY = 0.1


@dataclass(frozen=True, eq=False)
class SimulatedSample:
    """People with genotypes and maps; the truth behind them is in ``maps.effects``.

    Parameters
    ----------
    genotypes : SimulatedGenotypes
        Of all people.
    maps : MapModel
        Their maps, drawn one by one, with people, regions and effects.
    """

    genotypes: SimulatedGenotypes
    maps: MapModel


def simulate_sample(
    template: NDArray[np.floating], grid: Grid, *, n_people: int, n_variants: int, seed: int
) -> SimulatedSample:
    """Simulate a sample.

    Parameters
    ----------
    template : ndarray, shape of the grid
        Probability of grey matter, 0 to 1.
    grid : Grid
        Of the template.
    n_people : int
        Number of people.
    n_variants : int
        Number of variants on 22 autosomes.
    seed : int
        The same seed gives the same sample.
    """
    streams = [np.random.default_rng([seed, number]) for number in range(4)]
    mask = template > _LOWEST_PROBABILITY
    people = simulate_people(n_people, streams[0])
    genotypes = simulate_genotypes(n_people, n_variants, streams[1])
    parents, children = tile(mask, grid, streams[2])
    effects = draw_effects(people, genotypes, parents, children, streams[3])
    maps = make_map_model(template, mask, grid, (parents, children), people, effects, seed)
    return SimulatedSample(genotypes, maps)
