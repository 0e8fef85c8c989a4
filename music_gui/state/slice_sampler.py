"""Planes through an image along the axes of world space, whatever its storage order and tilt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.grid import Grid

#: The two world axes that span the plane across each axis, horizontal first.
PLANE_AXES = ((1, 2), (0, 2), (0, 1))

#: A grid is called aligned with the world if no voxel lies further off than this, in voxels.
_ALIGNED_WITHIN_VOXELS = 0.05


class SliceSampler:
    """Cuts planes x = c, y = c or z = c out of an image.

    An image whose voxel axes run along the world's is only turned, which costs nothing; another
    is sampled at its finest voxel size.

    Parameters
    ----------
    data : ndarray, 3-D
        The image.
    grid : Grid
        Where its voxels lie.
    linear : bool
        Interpolate between the voxels of a tilted image; labels take the nearest voxel.

    Attributes
    ----------
    spacing : ndarray, shape (3,)
        Distance of samples along x, y and z in mm.
    bounds : ndarray, shape (3, 2)
        Lower and upper edge of the image along x, y and z in mm, outer faces of the voxels.
    content : ndarray, shape (3, 2)
        The same of the part that is not zero, as far as it is known without much work: of a
        tilted image, all of it.
    """

    def __init__(self, data: NDArray[Any], grid: Grid, *, linear: bool = False) -> None:
        self._data = data
        self._grid = grid
        self._linear = linear
        self._to_voxel = np.linalg.inv(grid.affine)
        self._turned = _turned_to_ras(data, grid)
        outer = np.array(
            [
                grid.to_world(np.array([i, j, k]) - 0.5)
                for i in (0, data.shape[0])
                for j in (0, data.shape[1])
                for k in (0, data.shape[2])
            ]
        )
        lower, upper = outer.min(axis=0), outer.max(axis=0)
        if self._turned is not None:
            self._n = np.array(self._turned.shape)
        else:
            finest = float(grid.voxel_sizes.min())
            self._n = np.maximum(np.ceil((upper - lower) / finest - 1e-6).astype(int), 1)
            upper = lower + self._n * finest
        self.bounds: NDArray[np.float64] = np.stack([lower, upper], axis=1)
        self.spacing: NDArray[np.float64] = (upper - lower) / self._n
        self.content: NDArray[np.float64] = self._content()

    def plane(self, axis: int, position: float) -> NDArray[Any]:
        """Return the samples of a plane, shape (n_horizontal, n_vertical), both ascending in mm.

        Parameters
        ----------
        axis : int
            0 cuts x (sagittal), 1 cuts y (coronal), 2 cuts z (axial).
        position : float
            World mm; outside of the image all samples are 0.
        """
        index = int(np.floor((position - self.bounds[axis, 0]) / self.spacing[axis]))
        if not 0 <= index < self._n[axis]:
            u, v = PLANE_AXES[axis]
            return np.zeros((self._n[u], self._n[v]), dtype=self._data.dtype)
        if self._turned is not None:
            # Not take(), which copies the whole of an array that is only turned.
            samples: NDArray[Any] = np.moveaxis(self._turned, axis, 0)[index]
            return samples
        return self._tilted_plane(axis, position)

    def _content(self) -> NDArray[np.float64]:
        if self._turned is None or not self._turned.any():
            return self.bounds
        content = self.bounds.copy()
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            first, last = np.flatnonzero(self._turned.any(axis=others))[[0, -1]]
            content[axis] = self.bounds[axis, 0] + self.spacing[axis] * np.array([first, last + 1])
        return content

    def value(self, point: NDArray[np.floating]) -> float | None:
        """Return the nearest voxel's value at a point in world mm, or None outside."""
        i, j, k = np.rint(self._grid.to_voxel(point)).astype(int)
        shape = self._data.shape
        if not (0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]):
            return None
        return float(self._data[i, j, k])

    def _tilted_plane(self, axis: int, position: float) -> NDArray[Any]:
        u, v = PLANE_AXES[axis]
        along_u, along_v = (
            self.bounds[a, 0] + (np.arange(self._n[a]) + 0.5) * self.spacing[a] for a in (u, v)
        )
        matrix, shift = self._to_voxel[:3, :3], self._to_voxel[:3, 3]
        voxel = [
            (matrix[row, axis] * position + shift[row])
            + (matrix[row, u] * along_u)[:, None]
            + (matrix[row, v] * along_v)[None, :]
            for row in range(3)
        ]
        if self._linear:
            from scipy.ndimage import map_coordinates

            samples: NDArray[Any] = map_coordinates(self._data, voxel, order=1, mode="constant")
            return samples
        nearest = [np.rint(coordinate).astype(np.intp) for coordinate in voxel]
        sizes = self._data.shape
        inside = np.logical_and.reduce(
            [(index >= 0) & (index < size) for index, size in zip(nearest, sizes, strict=True)]
        )
        samples = np.zeros(inside.shape, dtype=self._data.dtype)
        samples[inside] = self._data[tuple(index[inside] for index in nearest)]
        return samples


def _turned_to_ras(data: NDArray[Any], grid: Grid) -> NDArray[Any] | None:
    """Permute and flip an aligned image so that its axes run right, anterior, superior.

    None if the image is tilted.
    """
    steps = grid.affine[:3, :3]
    world_of_voxel = np.abs(steps).argmax(axis=0)
    if sorted(world_of_voxel) != [0, 1, 2]:
        return None
    aligned = np.zeros_like(steps)
    aligned[world_of_voxel, range(3)] = steps[world_of_voxel, range(3)]
    off = np.abs(steps - aligned) @ np.array(data.shape, dtype=np.float64)
    if off.max() > _ALIGNED_WITHIN_VOXELS * grid.voxel_sizes.min():
        return None
    turned = data.transpose(np.argsort(world_of_voxel))
    flipped = tuple(axis for axis in range(3) if aligned[axis].sum() < 0)
    ras: NDArray[Any] = np.flip(turned, flipped)
    return ras


def display_range(data: NDArray[Any]) -> tuple[float, float]:
    """Return the values at which a map's colours begin and end.

    They end at the 99.5th percentile of what is above 0 and begin at a tenth of that, so that
    the faint rim of a smooth map is left out. A map without positive values is shown whole.

    Parameters
    ----------
    data : ndarray
        The map; non-finite values are left out.
    """
    values = data[np.isfinite(data)]
    above = values[values > 0]
    if above.size:
        high = _nearly_all_below(above)
        return high / 10, high
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def grey_levels(data: NDArray[Any]) -> NDArray[np.uint8]:
    """Map an image to 0 to 255, black at 0 and white at the 99.5th percentile of what is above.

    Parameters
    ----------
    data : ndarray
        Grey values; negative and non-finite ones become black.
    """
    values = np.nan_to_num(np.asarray(data, dtype=np.float32), posinf=0.0, neginf=0.0)
    above = values[values > 0]
    if above.size == 0:
        return np.zeros(values.shape, dtype=np.uint8)
    white = _nearly_all_below(above)
    grey: NDArray[np.uint8] = np.clip(values * (255 / white), 0, 255).astype(np.uint8)
    return grey


def _nearly_all_below(values: NDArray[Any]) -> float:
    """Return the 99.5th percentile; a hundred thousand values tell it well enough."""
    return float(np.percentile(values[:: max(1, values.size // 100_000)], 99.5))
