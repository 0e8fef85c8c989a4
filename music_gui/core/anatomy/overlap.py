"""How the PSCs of a scale and the regions of an anatomical atlas overlap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from music_gui.core.anatomy.regions import AnatomicalAtlas, AnatomicalRegion
from music_gui.core.anatomy.space import MNI, Space
from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid


@dataclass(frozen=True, eq=False)
class AnatomyOverlap:
    """The anatomy of all PSCs of one scale; rows are PSCs 1 to C, columns are regions.

    Parameters
    ----------
    names : tuple of str
        Of the PSCs.
    regions : tuple of AnatomicalRegion
        Of the anatomical atlas.
    n_voxels : ndarray, shape (C,), int64
        Voxels of each PSC.
    within : ndarray, shape (C, R), int64
        Voxels of each PSC that lie in each region or within the atlas's reach of it.
    inside : ndarray, shape (C, R), int64
        Voxels of each PSC that lie in each region proper.
    left_shares : ndarray, shape (C,), float64
        Share of each PSC's volume left of the midline of MNI152; NaN if it has vanished.
    centres : ndarray, shape (C, 3), float64
        Centre of mass, MNI mm; NaN if it has vanished. It may lie outside the PSC.
    inner_centres : ndarray, shape (C, 3), float64
        MNI mm of the PSC's own voxel nearest the centre of mass; NaN if it has vanished.
    """

    names: tuple[str, ...]
    regions: tuple[AnatomicalRegion, ...]
    n_voxels: NDArray[np.int64]
    within: NDArray[np.int64]
    inside: NDArray[np.int64]
    left_shares: NDArray[np.float64]
    centres: NDArray[np.float64]
    inner_centres: NDArray[np.float64]

    @cached_property
    def psc_shares(self) -> NDArray[np.float64]:
        """Share of each PSC in each region, shape (C, R); a row's rest lies in no region."""
        shares: NDArray[np.float64] = self.within / np.maximum(self.n_voxels, 1)[:, None]
        return shares

    @cached_property
    def region_shares(self) -> NDArray[np.float64]:
        """Share of each region in each PSC, shape (C, R).

        Of the part that the PSCs of the scale cover: a column sums to 1, or to 0 where they cover
        none. The published overlaps of MuSIC (BRIDGEPORT) count so.
        """
        shares: NDArray[np.float64] = self.inside / np.maximum(self.inside.sum(axis=0), 1)
        return shares


def anatomy_overlap(
    atlas: Atlas, anatomy: AnatomicalAtlas, space: Space = MNI
) -> dict[int, AnatomyOverlap]:
    """Compute the anatomy of every PSC of an atlas.

    The regions are brought to the atlas's grid once, each voxel taking the region at its centre
    (labels are never interpolated); every scale is then one counting of pairs of labels.

    Parameters
    ----------
    atlas : Atlas
        Any orientation, voxel size and tilt.
    anatomy : AnatomicalAtlas
        In MNI152 space.
    space : Space
        Of the atlas's world.

    Returns
    -------
    dict of int to AnatomyOverlap
        By C.
    """
    grid = atlas.grid
    to_mni = space.to_mni @ grid.affine
    proper = regions_on_grid(anatomy, grid, space)
    covered = np.zeros(grid.shape, dtype=bool)
    for scale in atlas.scales.values():
        covered |= scale.labels > 0
    flat = np.flatnonzero(covered)
    ijk = np.stack(np.unravel_index(flat, grid.shape), axis=1)
    left = _left_shares(to_mni, ijk)
    region = proper.ravel()[flat]
    near = _with_reach(proper, anatomy, grid, to_mni, covered).ravel()[flat]
    return {
        c: _one_scale(scale, (flat, ijk, left, region, near), anatomy, grid, space)
        for c, scale in atlas.scales.items()
    }


_Voxels = tuple[
    NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.uint16], NDArray[np.uint16]
]


def _one_scale(
    scale: AtlasScale,
    voxels: _Voxels,
    anatomy: AnatomicalAtlas,
    grid: Grid,
    space: Space,
) -> AnatomyOverlap:
    flat, ijk, left, region, near = voxels
    labels = scale.labels.ravel()[flat]
    c, n = scale.scale, len(anatomy.regions)

    def count(regions: NDArray[np.uint16]) -> NDArray[np.int64]:
        pairs = labels.astype(np.int64) * (n + 1) + regions
        table = np.bincount(pairs, minlength=(c + 1) * (n + 1)).reshape(c + 1, n + 1)
        counts: NDArray[np.int64] = table[1:, 1:]
        return counts

    n_voxels = scale.voxel_counts
    with np.errstate(invalid="ignore", divide="ignore"):
        left_shares = np.bincount(labels, left, minlength=c + 1)[1:] / n_voxels
        sums = [np.bincount(labels, ijk[:, axis], minlength=c + 1)[1:] for axis in range(3)]
        means = np.stack(sums, axis=1) / n_voxels[:, None]
    inner = space.mni(grid.to_world(scale.centre_voxels))
    inner[n_voxels == 0] = np.nan
    return AnatomyOverlap(
        names=scale.names,
        regions=anatomy.regions,
        n_voxels=n_voxels,
        within=count(near),
        inside=count(region),
        left_shares=left_shares,
        centres=space.mni(grid.to_world(means)),
        inner_centres=inner,
    )


def regions_on_grid(anatomy: AnatomicalAtlas, grid: Grid, space: Space = MNI) -> NDArray[np.uint16]:
    """Bring the regions to another grid: `AnatomicalAtlas.places` at each voxel's centre.

    Parameters
    ----------
    anatomy : AnatomicalAtlas
        In MNI152 space.
    grid : Grid
        Any grid whose world is ``space``.
    space : Space
        Of the grid's world.

    Returns
    -------
    ndarray, shape of the grid, uint16
        0 outside all regions, else 1 + the place in ``anatomy.regions``.
    """
    matrix = np.linalg.inv(anatomy.grid.affine) @ space.to_mni @ grid.affine
    places = np.zeros(grid.shape, dtype=np.uint16)
    ndimage.affine_transform(
        anatomy.places,
        matrix[:3, :3],
        matrix[:3, 3],
        output_shape=grid.shape,
        output=places,
        order=0,
        mode="constant",
        cval=0,
    )
    return places


def _left_shares(to_mni: NDArray[np.float64], ijk: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how much of each voxel lies left of the midline, 0 to 1, shape (n,)."""
    x = ijk @ to_mni[0, :3] + to_mni[0, 3]
    width = np.abs(to_mni[0, :3]).sum()
    shares: NDArray[np.float64] = np.clip(0.5 - x / width, 0.0, 1.0)
    return shares


def _with_reach(
    proper: NDArray[np.uint16],
    anatomy: AnatomicalAtlas,
    grid: Grid,
    to_mni: NDArray[np.float64],
    covered: NDArray[np.bool_],
) -> NDArray[np.uint16]:
    """Give covered voxels in no region the nearest one of their side within the atlas's reach."""
    if anatomy.reach <= 0 or not (covered & (proper == 0)).any():
        return proper
    margin = np.ceil(anatomy.reach / grid.voxel_sizes).astype(int)
    places = np.argwhere(covered)
    low = np.maximum(places.min(axis=0) - margin, 0)
    high = places.max(axis=0) + margin + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    whole, part = proper.copy(), proper[box]
    index = np.indices(part.shape, sparse=True)
    x = sum(to_mni[0, a] * (index[a] + low[a]) for a in range(3)) + to_mni[0, 3]
    side_of = np.array(["", *(region.side for region in anatomy.regions)])
    for side, here in (("L", x < 0), ("R", x >= 0)):
        other = "R" if side == "L" else "L"
        free = here & (part == 0) & covered[box]
        ours = (part > 0) & (side_of != other)[part]
        if not (free.any() and ours.any()):
            continue
        distance, nearest = ndimage.distance_transform_edt(
            ~ours, sampling=grid.voxel_sizes, return_indices=True
        )
        free &= distance <= anatomy.reach
        whole[box][free] = part[tuple(nearest)][free]
    return whole
