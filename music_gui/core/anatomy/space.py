"""From the world of an atlas to MNI152: which template it was made in, and the way between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Atlas, label_hash
from music_gui.core.grid import Grid, axis_change


@dataclass(frozen=True, eq=False)
class Space:
    """The space of a template, and its affine to MNI152.

    Parameters
    ----------
    name : str
        For example ``MuSIC``.
    to_mni : ndarray, shape (4, 4), float64
        Maps world mm of this space to MNI152 mm.
    grids : tuple of Grid
        Voxel grids that no other space uses.
    hashes : frozenset of str
        `label_hash` of published scales in this space.
    note : str
        How good the affine is, in words.
    """

    name: str
    to_mni: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    grids: tuple[Grid, ...] = ()
    hashes: frozenset[str] = frozenset()
    note: str = ""

    @property
    def is_mni(self) -> bool:
        """Whether its mm are MNI152 mm."""
        return bool(np.array_equal(self.to_mni, np.eye(4)))

    def mni(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map world mm of this space, shape (..., 3), to MNI152 mm."""
        mapped: NDArray[np.float64] = (
            np.asarray(points, np.float64) @ self.to_mni[:3, :3].T + self.to_mni[:3, 3]
        )
        return mapped

    def world(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map MNI152 mm, shape (..., 3), to world mm of this space."""
        inverse = np.linalg.inv(self.to_mni)
        mapped: NDArray[np.float64] = (
            np.asarray(points, np.float64) @ inverse[:3, :3].T + inverse[:3, 3]
        )
        return mapped


#: What an atlas is taken to lie in when nothing says otherwise.
MNI = Space("MNI152")


def space_of(atlas: Atlas, known: Iterable[Space]) -> Space:
    """Tell which of the known spaces an atlas lies in; `MNI` if none.

    A space is recognised by one of its published label images, or by a voxel grid of its own in
    any order of the axes.
    """
    spaces = list(known)
    for space in spaces:
        if any(axis_change(atlas.grid, grid) is not None for grid in space.grids):
            return space
    for space in spaces:
        for scale in atlas.scales.values():
            if space.hashes and label_hash(scale, atlas.grid) in space.hashes:
                return space
    return MNI
