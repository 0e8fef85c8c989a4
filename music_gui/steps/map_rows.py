"""Maps one after another, each with its values where components have their voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError, MusicError
from music_gui.core.grid import Grid, axis_change, check_same_grid
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.nifti_header import Xform
from music_gui.io.ravens_map import read_ravens_map
from music_gui.steps.map_checking import error_or, without_value
from music_gui.steps.map_list import MapList
from music_gui.steps.original_images import read_original


class MapRows(Protocol):
    """Maps that can be read in any order."""

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """Participant and session of each."""

    def values(self, row: int) -> NDArray[np.float32] | MusicError:
        """Return the values of a map, or why it can't be used."""


@dataclass(frozen=True, eq=False)
class ImportedRows:
    """The imported maps of a study; files are read only if the mask left voxels out.

    Parameters
    ----------
    maps : MaskedMaps
        The maps.
    paths : sequence of Path
        The file of each row.
    flat : ndarray, shape (n_voxels,), int64
        Where the components' voxels lie in the flattened grid of the maps.
    columns : ndarray, shape (n_voxels,), int64, or None
        Which column of the masked maps each of these is; None if the mask lacks one of them.
    """

    maps: MaskedMaps
    paths: Sequence[Path]
    flat: NDArray[np.int64]
    columns: NDArray[np.int64] | None

    @classmethod
    def of(
        cls, maps: MaskedMaps, paths: Sequence[Path], voxels: NDArray[np.int64], grid: Grid
    ) -> ImportedRows:
        """Find voxels of a grid among those of the maps.

        Parameters
        ----------
        maps, paths
            As above.
        voxels : ndarray, shape (n_voxels,), int64
            In the flattened grid of the components.
        grid : Grid
            Of the components.

        Raises
        ------
        GridMismatchError
            If the voxels of the two grids do not coincide.
        """
        change = axis_change(maps.grid, grid)
        if change is None:
            check_same_grid(
                maps.grid, grid, where="the imported maps", reference_name="the components"
            )
            flat = voxels
        else:
            whole = np.arange(maps.grid.n_voxels).reshape(maps.grid.shape)
            flat = change.apply(whole).ravel()[voxels]
        own = np.flatnonzero(maps.mask)
        columns = np.minimum(np.searchsorted(own, flat), len(own) - 1)
        inside = bool((own[columns] == flat).all())
        return cls(maps, paths, flat, columns if inside else None)

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """Participant and session of each."""
        return list(zip(self.maps.participant_ids, self.maps.session_ids, strict=True))

    def values(self, row: int) -> NDArray[np.float32] | MusicError:
        """Return the values of a map, fractions of the voxel's volume, or why it can't be used."""
        if self.columns is not None:
            values: NDArray[np.float32] = self.maps.maps[row][self.columns]
            return values
        return error_or(lambda: self._from_file(row))

    def _from_file(self, row: int) -> NDArray[np.float32]:
        image = read_original(self.maps, row, self.paths[row])
        return _complete(image.data.ravel()[self.flat], self.flat, self.maps.grid)


@dataclass(frozen=True, eq=False)
class NewRows:
    """Map files, checked as an import checks single maps.

    Parameters
    ----------
    offered : MapList
        The files; rows with a problem are passed over.
    voxels : ndarray, shape (n_voxels,), int64
        Of the components, in the flattened grid.
    grid : Grid
        Of the components; where maps have to lie.
    reference_name : str
        What the grid belongs to, for errors.
    ravens_scale, xform, volume
        As in `read_ravens_map`.

    Attributes
    ----------
    scales : dict of int to float
        Row -> what its values were divided by, of those that were read.
    totals : dict of int to float
        Row -> total grey matter in ml.
    """

    offered: MapList
    voxels: NDArray[np.int64]
    grid: Grid
    reference_name: str
    ravens_scale: float | Literal["auto"]
    xform: Xform
    volume: int | None
    scales: dict[int, float] = field(default_factory=dict)
    totals: dict[int, float] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """Participant and session of each."""
        table = self.offered.table
        return list(zip(table["participant_id"], table["session_id"], strict=True))

    def values(self, row: int) -> NDArray[np.float32] | MusicError:
        """Return the values of a map, fractions of the voxel's volume, or why it can't be used."""
        if row in self.offered.problems:
            return InputError(self.offered.problems[row])
        return error_or(lambda: self._read(row))

    def _read(self, row: int) -> NDArray[np.float32]:
        image = read_ravens_map(
            self.offered.path(row),
            grid=self.grid,
            reference_name=self.reference_name,
            ravens_scale=self.ravens_scale,
            xform=self.xform,
            volume=self.volume,
        )
        values = _complete(image.data.ravel()[self.voxels], self.voxels, self.grid)
        self.scales[row], self.totals[row] = image.scale, image.total_gm_ml
        return values


def _complete(
    values: NDArray[np.float32], voxels: NDArray[np.int64], grid: Grid
) -> NDArray[np.float32]:
    if missing := without_value(values, voxels, grid):
        raise InputError(missing, remedy="Make the map again")
    return values
