"""The regions of a coarser scale, whose borders a finer one may have to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError
from music_gui.core.factorization.blocks import BlockRunner, slices
from music_gui.core.factorization.spherical_kmeans import (
    VoxelRows,
    block_width,
    groups,
    members_of,
)

#: Owner of a component that has no voxels, and parent of a voxel that lies in no region.
NOBODY = -1


@dataclass(frozen=True, eq=False)
class ParentRegions:
    """Which region of a coarser scale each voxel lies in.

    Parameters
    ----------
    labels : ndarray, shape (n_voxels,), int32
        From 0, without gaps; `NOBODY` for voxels that lie in none or are zero in all images.
    members : list of ndarray of intp
        The voxels of each region, ascending.
    """

    labels: NDArray[np.int32]
    members: list[NDArray[np.intp]]

    @classmethod
    def of(cls, labels: NDArray[np.integer], rows: VoxelRows) -> ParentRegions:
        """Take the labels of a coarser scale, shape (n_voxels,), 0 for none.

        Raises
        ------
        ParameterError
            If they have another shape, are no whole numbers, or name no region.
        """
        labels = np.asarray(labels)
        if labels.shape != rows.squared_norms.shape or labels.dtype.kind not in "iu":
            raise ParameterError(
                f"the labels of the coarser scale have shape {labels.shape}, type {labels.dtype}",
                remedy=f"Give whole numbers of shape {rows.squared_norms.shape}",
            )
        inside = (labels > 0) & (rows.squared_norms > 0)
        present, number = np.unique(labels[inside], return_inverse=True)
        if len(present) == 0:
            raise ParameterError("the labels of the coarser scale name no region")
        dense = np.full(labels.shape, NOBODY, np.int32)
        dense[inside] = number
        return cls(dense, members_of(dense, len(present)))

    def __len__(self) -> int:
        return len(self.members)

    def assign(
        self,
        rows: VoxelRows,
        directions: NDArray[np.float32],
        owners: NDArray[np.int32],
        runner: BlockRunner,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Give each voxel the direction of its own region that explains most of it.

        Parameters
        ----------
        rows : VoxelRows
        directions : ndarray, shape (C, n_images), float32
        owners : ndarray, shape (C,), int32
            The region that each direction belongs to, or `NOBODY`.
        runner : BlockRunner
            Runs groups of regions.

        Returns
        -------
        labels : ndarray, shape (n_voxels,), int32
            From 0; of equal projections the first direction wins.
        weights : ndarray, shape (n_voxels,), float32
            The projection; 0 for voxels that lie in no region.
        """
        n_voxels, n_images = rows.values.shape
        labels, weights = np.zeros(n_voxels, np.int32), np.zeros(n_voxels, np.float32)
        width = block_width(len(directions), n_images)

        def look(group: range) -> None:
            for parent in group:
                own = np.flatnonzero(owners == parent)
                turned = directions[own].T
                for part in slices(len(self.members[parent]), width):
                    runner.check()
                    mine = self.members[parent][part]
                    scores = rows.values[mine] @ turned
                    winner = scores.argmax(axis=1)
                    labels[mine] = own[winner]
                    weights[mine] = scores[np.arange(len(mine)), winner]

        runner.each(look, groups(self.members))
        return labels, weights

    def owners_of(
        self, labels: NDArray[np.int32], energies: NDArray[np.float64]
    ) -> NDArray[np.int32]:
        """Return the region of each component of a partition that crosses no border.

        Parameters
        ----------
        labels : ndarray, shape (n_voxels,), int32
            Component of each voxel, from 0.
        energies : ndarray, shape (C,), float64
            Components without energy are owned by `NOBODY`.
        """
        owners = np.full(len(energies), NOBODY, np.int32)
        inside = self.labels != NOBODY
        owners[labels[inside]] = self.labels[inside]
        owners[energies <= 0] = NOBODY
        return owners
