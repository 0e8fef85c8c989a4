"""Project many maps on the components of several scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import GridMismatchError, MusicError
from music_gui.core.factorization.projection import ProjectedMap, Projection
from music_gui.core.grid import Grid
from music_gui.core.progress import Progress
from music_gui.io.decomposition_npz import StoredComponents
from music_gui.steps.decompositions import Decomposition
from music_gui.steps.map_rows import MapRows
from music_gui.steps.ordered_work import in_order


@dataclass(eq=False)
class ScaleLoadings:
    """Loadings of all maps at one scale; rows of maps that failed are NaN.

    Attributes
    ----------
    loadings : ndarray, shape (n, C), float64
        W'x.
    errors : ndarray, shape (n,), float64
        Relative squared reconstruction errors.
    residuals, squared_norms : ndarray, shape (n,), float64
        |x - W W'x|^2 and |x|^2.
    """

    loadings: NDArray[np.float64]
    errors: NDArray[np.float64]
    residuals: NDArray[np.float64]
    squared_norms: NDArray[np.float64]

    @classmethod
    def empty(cls, n: int, C: int) -> ScaleLoadings:
        """Return those of n maps that are not projected yet."""
        return cls(np.full((n, C), np.nan), *(np.full(n, np.nan) for _ in range(3)))

    def set(self, row: int, projected: ProjectedMap) -> None:
        """Fill in one map."""
        self.loadings[row] = projected.loadings
        self.errors[row] = projected.error
        self.residuals[row] = projected.residual
        self.squared_norms[row] = projected.squared_norm

    def clear(self, row: int) -> None:
        """Forget one map."""
        self.loadings[row] = np.nan
        self.errors[row] = self.residuals[row] = self.squared_norms[row] = np.nan

    @property
    def relative_loss(self) -> float:
        """Relative squared loss over all maps that were projected (paper, eq. 3)."""
        return float(np.nansum(self.residuals) / np.nansum(self.squared_norms))


@dataclass(eq=False)
class Projected:
    """What became of the maps.

    Attributes
    ----------
    scales : dict of int to ScaleLoadings
        By C.
    failed : dict of int to str
        Rows that could not be used, and why.
    """

    scales: dict[int, ScaleLoadings]
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def kept(self) -> list[int]:
        """Rows that were projected."""
        n = len(next(iter(self.scales.values())).errors)
        return [row for row in range(n) if row not in self.failed]

    def drop(self, row: int, reason: str) -> None:
        """Leave out a map after all."""
        self.failed[row] = reason
        for each in self.scales.values():
            each.clear(row)


class ComponentSet:
    """The components of several scales on one grid.

    Parameters
    ----------
    decompositions : sequence of Decomposition
        At least one; they are read here.

    Attributes
    ----------
    grid : Grid
        Of all of them.
    voxels : ndarray, int64
        Where any of them has its voxels, in the flattened grid.
    projections : dict of int to Projection
        By C.

    Raises
    ------
    GridMismatchError
        If their grids differ.
    """

    def __init__(self, decompositions: Sequence[Decomposition]) -> None:
        stored = {each.scale: each.read() for each in decompositions}
        first = next(iter(stored.values()))
        for scale, each in stored.items():
            if not each.grid.is_same_as(first.grid):
                raise GridMismatchError(
                    f"scale {scale} lies on another voxel grid than scale {next(iter(stored))}",
                    remedy="Choose scales that were fitted on the same maps",
                )
        self.grid: Grid = first.grid
        self.voxels: NDArray[np.int64] = _union([each.voxels for each in stored.values()])
        self._columns = {scale: _columns(each, self.voxels) for scale, each in stored.items()}
        self.projections = {scale: Projection(each.components) for scale, each in stored.items()}

    def project(
        self, rows: MapRows, *, threads: int, progress: Progress, message: str
    ) -> Projected:
        """Project maps; those that can't be used are left out.

        Parameters
        ----------
        rows : MapRows
            Made for the voxels of this set.
        threads : int
        progress : Progress
            Told after each map.
        message : str
            What is being done.
        """
        n = len(rows.names)
        result = Projected(
            {c: ScaleLoadings.empty(n, each.n_components) for c, each in self.projections.items()}
        )

        def work(row: int) -> dict[int, ProjectedMap] | MusicError:
            values = rows.values(row)
            if isinstance(values, MusicError):
                return values
            return {
                scale: each.project(values[self._columns[scale]])
                for scale, each in self.projections.items()
            }

        for row, found in in_order(
            work, range(n), threads=threads, progress=progress, message=message
        ):
            if isinstance(found, MusicError):
                parts = (found.what, found.why, found.remedy)
                result.failed[row] = ". ".join(part.rstrip(".") for part in parts if part)
                continue
            for scale, projected in found.items():
                result.scales[scale].set(row, projected)
        return result


def _union(voxels: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return voxels[0] if len(voxels) == 1 else np.unique(np.concatenate(voxels))


def _columns(stored: StoredComponents, voxels: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    if np.array_equal(stored.voxels, voxels):
        return slice(None)
    return np.searchsorted(voxels, stored.voxels)
