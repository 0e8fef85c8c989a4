"""How an atlas's scales cut up the same voxels: every path from the coarsest PSC to the finest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas.labels import Atlas, parse_psc_name, psc_name
from music_gui.core.atlas.nested_scales import Nesting, nesting
from music_gui.core.errors import InputError


@dataclass(frozen=True)
class Overlap:
    """What two PSCs of different scales have in common.

    Parameters
    ----------
    name : str
        The other PSC; empty for voxels that belong to no PSC of that scale.
    n_voxels : int
        Voxels that both share.
    share : float
        Of the voxels of the PSC that was asked about, 0 to 1.
    share_of_other : float
        Of the voxels of the other PSC, 0 to 1; NaN for no PSC.
    """

    name: str
    n_voxels: int
    share: float
    share_of_other: float


@dataclass(frozen=True, eq=False)
class ScalePaths:
    """The voxels of an atlas, grouped by their labels at all scales.

    Voxels with the same labels at all scales form a path. There are far fewer paths than voxels,
    and every overlap between scales is a sum over paths.

    Parameters
    ----------
    scales : tuple of int
        C of each scale, ascending.
    labels : ndarray, shape (n_paths, n_scales), int32
        Label of each path at each scale; 0 for no PSC. No path is 0 at all scales.
    n_voxels : ndarray, shape (n_paths,), int64
        Voxels of each path.
    """

    scales: tuple[int, ...]
    labels: NDArray[np.int32]
    n_voxels: NDArray[np.int64]

    def column(self, scale: int) -> NDArray[np.int32]:
        """Return the label of each path at a scale, shape (n_paths,)."""
        labels: NDArray[np.int32] = self.labels[:, self._place(scale)]
        return labels

    def of(self, name: str) -> ScalePaths:
        """Return the paths that run through a PSC; none if it has vanished."""
        scale, label = parse_psc_name(name)
        inside = self.column(scale) == label
        return ScalePaths(self.scales, self.labels[inside], self.n_voxels[inside])

    def sizes(self, scale: int) -> NDArray[np.int64]:
        """Return the voxels of each PSC of a scale; those of no PSC come first, shape (C + 1,)."""
        counts = np.bincount(self.column(scale), weights=self.n_voxels, minlength=scale + 1)
        return counts.astype(np.int64)

    def overlaps(self, name: str, scale: int) -> tuple[Overlap, ...]:
        """Say how another scale divides up a PSC, the largest part first.

        Parameters
        ----------
        name : str
            A PSC of any scale.
        scale : int
            The other scale: a coarser one gives the parents, a finer one the children.

        Returns
        -------
        tuple of Overlap
            Their shares add up to 1. Empty if the PSC has vanished.
        """
        parts = self.of(name).sizes(scale)
        whole, wholes = parts.sum(), self._sizes[self._place(scale)]
        numbers = np.arange(len(parts))
        order = np.lexsort((numbers, numbers == 0, -parts))  # of equal parts, no PSC comes last
        return tuple(
            Overlap(
                psc_name(scale, label) if label else "",
                int(parts[label]),
                float(parts[label] / whole),
                float(parts[label] / wholes[label]) if label else float("nan"),
            )
            for label in order[: np.count_nonzero(parts)].tolist()
        )

    def nesting(self, coarse: int, fine: int) -> Nesting:
        """Say how well one scale nests in another; see `music_gui.core.atlas.nesting`."""
        return nesting(
            self.column(coarse),
            self.column(fine),
            self.n_voxels,
            n_coarse=coarse,
            n_fine=fine,
        )

    @cached_property
    def _sizes(self) -> tuple[NDArray[np.int64], ...]:
        return tuple(self.sizes(scale) for scale in self.scales)

    def _place(self, scale: int) -> int:
        if scale not in self.scales:
            raise InputError(
                f"the atlas has no scale C = {scale}",
                why=f"it has {', '.join(map(str, self.scales))}",
            )
        return self.scales.index(scale)


def scale_paths(atlas: Atlas) -> ScalePaths:
    """Group an atlas's voxels by their labels at all scales.

    Parameters
    ----------
    atlas : Atlas
        At least one scale.

    Returns
    -------
    ScalePaths
        In lexicographic order of the labels, coarsest scale first.

    Examples
    --------
    >>> from music_gui.core.atlas import AtlasScale
    >>> from music_gui.core.grid import Grid
    >>> coarse = AtlasScale(2, np.array([1, 1, 1, 2], np.int32).reshape(4, 1, 1))
    >>> fine = AtlasScale(3, np.array([1, 1, 2, 3], np.int32).reshape(4, 1, 1))
    >>> paths = scale_paths(Atlas("a", Grid((4, 1, 1), np.eye(4)), {2: coarse, 3: fine}))
    >>> [(each.name, each.n_voxels) for each in paths.overlaps("C2_1", 3)]
    [('C3_1', 2), ('C3_2', 1)]
    """
    scales = tuple(sorted(atlas.scales))
    if not scales:
        raise InputError(f"atlas {atlas.name} has no scales")
    images = [atlas.scales[scale].labels.ravel() for scale in scales]
    inside = np.flatnonzero(np.logical_or.reduce([image > 0 for image in images]))
    # One scale after the other: a number for all labels together would not fit into 64 bits.
    path = np.zeros(len(inside), dtype=np.int64)
    for scale, image in zip(scales, images, strict=True):
        _, path = np.unique(path * (scale + 1) + image[inside], return_inverse=True)
    _, first, counts = np.unique(path, return_index=True, return_counts=True)
    voxels = inside[first]
    labels = np.stack([image[voxels] for image in images], axis=1).astype(np.int32)
    return ScalePaths(scales, labels, counts.astype(np.int64))
