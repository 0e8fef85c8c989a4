"""Three slices through a label image: what a small picture of an atlas shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.grid import Grid
from music_gui.state.slice_sampler import PLANE_AXES, SliceSampler


@dataclass(frozen=True, eq=False)
class LabelPlane:
    """A plane through a label image.

    Parameters
    ----------
    labels : ndarray, shape (n_horizontal, n_vertical), int32
        Both ascending in mm.
    size : tuple of float
        Width and height in mm.
    """

    labels: NDArray[np.int32]
    size: tuple[float, float]


@dataclass(frozen=True, eq=False)
class PictureFrame:
    """Where a sagittal, a coronal and an axial plane cut a mask, and its box in each.

    Parameters
    ----------
    places : tuple of float
        World mm along x, y and z.
    boxes : tuple of tuple of slice
        For each plane the samples that hold the mask.
    """

    places: tuple[float, ...]
    boxes: tuple[tuple[slice, slice], ...]

    @classmethod
    def of(cls, mask: NDArray[np.bool_], grid: Grid) -> PictureFrame:
        """Choose the planes: of those in the middle third the fullest.

        The one between the hemispheres has little grey matter.
        """
        sampler = SliceSampler(mask, grid)
        places, boxes = [], []
        for axis in range(3):
            low, high = sampler.content[axis]
            third = (high - low) / 3
            candidates = np.arange(low + third, high - third + 1e-6, sampler.spacing[axis])
            counts = [np.count_nonzero(sampler.plane(axis, float(each))) for each in candidates]
            places.append(float(candidates[int(np.argmax(counts))]))
            first, second = (_range(sampler, other) for other in PLANE_AXES[axis])
            boxes.append((first, second))
        return cls(tuple(places), tuple(boxes))

    def cut(self, sampler: SliceSampler) -> tuple[LabelPlane, ...]:
        """Cut the planes out of a label image on the grid of the mask."""
        planes = []
        for axis, (place, box) in enumerate(zip(self.places, self.boxes, strict=True)):
            plane = np.ascontiguousarray(sampler.plane(axis, place)[box])
            width, height = (
                float(n * sampler.spacing[other])
                for n, other in zip(plane.shape, PLANE_AXES[axis], strict=True)
            )
            planes.append(LabelPlane(plane, (width, height)))
        return tuple(planes)


def _range(sampler: SliceSampler, axis: int) -> slice:
    first, last = np.rint(
        (sampler.content[axis] - sampler.bounds[axis, 0]) / sampler.spacing[axis]
    ).astype(int)
    return slice(first, last)
