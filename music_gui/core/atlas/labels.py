"""From components to labels: each voxel belongs to the component with the largest weight."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

_PSC_NAME = re.compile(r"C([0-9]+)_([0-9]+)")


def psc_name(scale: int, index: int) -> str:
    """Name a PSC: ``psc_name(32, 4) == "C32_4"``, the 4th of scale 32."""
    return f"C{scale}_{index}"


def parse_psc_name(name: str) -> tuple[int, int]:
    """Split a PSC's name into scale and index: ``"C32_4" -> (32, 4)``.

    Raises
    ------
    InputError
        If it is no PSC name.
    """
    match = _PSC_NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{name!r} is not the name of a PSC", remedy="Names look like C32_4")
    return int(match[1]), int(match[2])


def argmax_labels(components: NDArray[np.floating]) -> NDArray[np.int32]:
    """Give each voxel the component with the largest weight (paper, eq. 4).

    Parameters
    ----------
    components : ndarray, shape (C, n_voxels)
        Non-negative weights.

    Returns
    -------
    ndarray, shape (n_voxels,), int32
        1 to C; 0 where all weights are zero. Of equal weights the first component wins.
    """
    labels: NDArray[np.int32] = components.argmax(axis=0).astype(np.int32) + 1
    labels[components.max(axis=0) <= 0] = 0
    return labels


@dataclass(frozen=True, eq=False)
class AtlasScale:
    """All PSCs of one scale as a label image.

    Parameters
    ----------
    scale : int
        C, the number of components that the factorisation was asked for.
    labels : ndarray, shape of the grid, int32
        0 outside, 1 to C inside; a component without voxels has vanished.
    regions : tuple of str, optional
        Names in words for the C labels in order, where the atlas has them; "" where it has none.
    """

    scale: int
    labels: NDArray[np.int32]
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.regions and len(self.regions) != self.scale:
            raise InputError(f"scale {self.scale} has {len(self.regions)} names for its labels")
        low, high = int(self.labels.min(initial=0)), int(self.labels.max(initial=0))
        if low < 0 or high > self.scale:
            raise InputError(
                f"the labels of scale {self.scale} run from {low} to {high}",
                remedy=f"They must lie between 0 and {self.scale}",
            )

    @cached_property
    def voxel_counts(self) -> NDArray[np.int64]:
        """Number of voxels of each PSC, shape (C,)."""
        counts: NDArray[np.int64] = np.bincount(self.labels.ravel(), minlength=self.scale + 1)[1:]
        return counts

    @cached_property
    def centre_voxels(self) -> NDArray[np.int64]:
        """Voxel of each PSC that lies nearest its centre of mass, shape (C, 3).

        -1 for vanished components. The voxel lies inside the PSC even where the centre of mass
        does not, so the crosshair can be sent there. Of equally near voxels the first in C order.
        """
        inside = np.flatnonzero(self.labels)
        owner = self.labels.ravel()[inside] - 1
        ijk = np.stack(np.unravel_index(inside, self.labels.shape), axis=1)
        sums = [np.bincount(owner, ijk[:, axis], minlength=self.scale) for axis in range(3)]
        means = np.stack(sums, axis=1) / np.maximum(self.voxel_counts, 1)[:, None]
        # Rounded, since which of two equally near voxels wins must not hang on the last bit.
        distance = np.round(((ijk - means[owner]) ** 2).sum(axis=1), 6)
        order = np.lexsort((distance, owner))
        present, first = np.unique(owner[order], return_index=True)
        centres = np.full((self.scale, 3), -1, dtype=np.int64)
        centres[present] = ijk[order[first]]
        return centres

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all C components, vanished ones too, in order."""
        return tuple(psc_name(self.scale, index) for index in range(1, self.scale + 1))

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the PSCs that have voxels."""
        return tuple(name for name, n in zip(self.names, self.voxel_counts, strict=True) if n > 0)

    @property
    def vanished(self) -> tuple[str, ...]:
        """Names of the components that won no voxel."""
        return tuple(name for name, n in zip(self.names, self.voxel_counts, strict=True) if n == 0)


@dataclass(frozen=True, eq=False)
class Atlas:
    """Scales of PSCs on one grid.

    Parameters
    ----------
    name : str
        For example ``study`` or ``MuSIC``.
    grid : Grid
        The grid of all label images.
    scales : dict of int to AtlasScale
        Sorted by C.
    """

    name: str
    grid: Grid
    scales: dict[int, AtlasScale]

    def __post_init__(self) -> None:
        for scale in self.scales.values():
            if scale.labels.shape != self.grid.shape:
                raise InputError(
                    f"scale {scale.scale} of atlas {self.name} has shape {scale.labels.shape}",
                    why=f"the atlas's grid has shape {self.grid.shape}",
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all PSCs of all scales, vanished ones too."""
        return tuple(name for scale in self.scales.values() for name in scale.names)

    @property
    def vanished(self) -> tuple[str, ...]:
        """Names of the vanished components of all scales."""
        return tuple(name for scale in self.scales.values() for name in scale.vanished)

    def psc_at(self, world: NDArray[np.floating], scale: int) -> str | None:
        """Return the PSC at a point in world mm, or None outside."""
        i, j, k = np.rint(self.grid.to_voxel(world)).astype(int)
        shape = self.grid.shape
        if not (0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]):
            return None
        label = int(self.scales[scale].labels[i, j, k])
        return psc_name(scale, label) if label else None

    def centre_of(self, name: str) -> NDArray[np.float64] | None:
        """Return the world mm, shape (3,), of the PSC's voxel nearest its centre of mass.

        None if the component has vanished.
        """
        scale, label = parse_psc_name(name)
        atlas_scale = self.scales[scale]
        if atlas_scale.voxel_counts[label - 1] == 0:
            return None
        return self.grid.to_world(atlas_scale.centre_voxels[label - 1])


def label_hash(scale: AtlasScale, grid: Grid) -> str:
    """Return a digest of what a scale says about each point of world space.

    Two files with the same labels at the same places have the same digest, however they are
    stored: the axes are first brought to the order and direction closest to RAS+, and the affine
    to micrometres.

    Returns
    -------
    str
        BLAKE2b, 32 hexadecimal digits.
    """
    labels, affine = _closest_ras(scale.labels, grid.affine.astype(np.float32).astype(np.float64))
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(f"C{scale.scale} {labels.shape}".encode())
    # Adding zero turns -0.0 into 0.0, whose bytes differ.
    hasher.update((np.round(affine, 3) + 0.0).astype("<f8").tobytes())
    hasher.update(labels.astype("<i4").tobytes())
    return hasher.hexdigest()


def _closest_ras(
    array: NDArray[np.int32], affine: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Permute and flip the axes so that they run as nearly right, anterior, superior as can be."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    alignments = {
        order: np.abs(directions[range(3), order]).sum() for order in permutations(range(3))
    }
    order = max(alignments, key=lambda order: alignments[order])
    array, affine = array.transpose(order), affine[:, [*order, 3]]
    for axis in range(3):
        if affine[axis, axis] < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:, axis] *= -1
    return array, affine
