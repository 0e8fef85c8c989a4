"""An anatomical atlas: named regions of the brain as a label image in MNI152 space."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

Side = Literal["L", "R", ""]

_LEFT, _RIGHT = ("left", "lh", "l"), ("right", "rh", "r")
_SIDE = "|".join((*_LEFT, *_RIGHT))

#: How tools mark the side of a region: ``Left-Thalamus``, ``ctx-lh-insula``, ``Insula_R``.
_BEFORE = re.compile(rf"^(?:ctx[-_ .])?({_SIDE})[-_ .]+(?=\w)", re.IGNORECASE)
_AFTER = re.compile(rf"(?:[-_ .,]+({_SIDE})|[-_ ]*\(({_SIDE})\))$", re.IGNORECASE)

_SIDE_WORDS: dict[Side, str] = {"L": "left", "R": "right", "": ""}


@dataclass(frozen=True)
class AnatomicalRegion:
    """A named region.

    Parameters
    ----------
    index : int
        Its label in the image.
    name : str
        Without its side: ``thalamus``.
    side : str
        ``L``, ``R``, or empty for a region of the midline or of both sides.
    group : str
        What it is a part of, for example ``frontal lobe``; empty if unknown.
    """

    index: int
    name: str
    side: Side = ""
    group: str = ""

    @property
    def full_name(self) -> str:
        """Side and name: ``right thalamus``."""
        return f"{_SIDE_WORDS[self.side]} {self.name}".strip()

    @property
    def short_name(self) -> str:
        """Name and side: ``thalamus R``."""
        return f"{self.name} {self.side}".strip()


def split_side(name: str) -> tuple[str, Side]:
    """Take the side out of a region's name, as the usual tools write it.

    ``Right-Thalamus-Proper`` gives ``("Thalamus-Proper", "R")``, ``ctx-lh-insula`` gives
    ``("insula", "L")``, ``Precentral_L`` gives ``("Precentral", "L")``.
    """
    for pattern in (_BEFORE, _AFTER):
        found = pattern.search(name)
        if found is not None:
            word = next(each for each in found.groups() if each).lower()
            rest = (name[: found.start()] + name[found.end() :]).strip(" -_.,")
            if rest:
                return rest, "L" if word in _LEFT else "R"
    return name, ""


@dataclass(frozen=True, eq=False)
class AnatomicalAtlas:
    """Named regions as a label image whose world space is MNI152.

    Parameters
    ----------
    name : str
        For example ``Desikan-Killiany``.
    labels : ndarray, shape of the grid, int
        0 outside; other values are indices of regions. Labels without a region count as outside.
    grid : Grid
        Of the labels.
    regions : tuple of AnatomicalRegion
        Each index once.
    reach : float
        A voxel of a PSC that lies in no region belongs to the nearest one of its side within so
        many mm: for atlases that are thinner than the grey matter of a group. 0 for those that
        fill it.
    source : str
        Where it comes from, in words.
    """

    name: str
    labels: NDArray[np.integer]
    grid: Grid
    regions: tuple[AnatomicalRegion, ...]
    reach: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if self.labels.shape != self.grid.shape:
            raise InputError(
                f"the labels of {self.name} have shape {self.labels.shape}",
                why=f"their grid has shape {self.grid.shape}",
            )
        indices = [region.index for region in self.regions]
        if len(set(indices)) < len(indices) or min(indices, default=1) < 1:
            raise InputError(
                f"the regions of {self.name} are not numbered one by one",
                why="each needs a positive index of its own",
            )

    @cached_property
    def places(self) -> NDArray[np.uint16]:
        """The label image with 0 outside and k + 1 in ``regions[k]``; shape of the grid."""
        low = min(int(self.labels.min(initial=0)), 0)
        table = np.zeros(int(self.labels.max(initial=0)) - low + 1, dtype=np.uint16)
        for place, region in enumerate(self.regions, start=1):
            if region.index - low < len(table):
                table[region.index - low] = place
        places: NDArray[np.uint16] = table[self.labels - low if low else self.labels]
        return places

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of everything that decides an overlap, 32 hexadecimal digits."""
        hasher = hashlib.blake2b(digest_size=16)
        hasher.update(repr((self.grid.shape, self.regions, self.reach)).encode())
        hasher.update(np.round(self.grid.affine, 6).astype("<f8").tobytes())
        hasher.update(np.ascontiguousarray(self.places, dtype="<u2").tobytes())
        return hasher.hexdigest()

    def region_at(self, point: NDArray[np.floating]) -> AnatomicalRegion | None:
        """Return the region at a point in MNI mm, shape (3,), without its reach."""
        i, j, k = np.rint(self.grid.to_voxel(point)).astype(int)
        shape = self.grid.shape
        if not (0 <= i < shape[0] and 0 <= j < shape[1] and 0 <= k < shape[2]):
            return None
        place = int(self.places[i, j, k])
        return self.regions[place - 1] if place else None

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """MNI mm of each region's voxel nearest its centre of mass, shape (R, 3); NaN if empty."""
        inside = np.flatnonzero(self.places)
        owner = self.places.ravel()[inside].astype(np.intp) - 1
        ijk = np.stack(np.unravel_index(inside, self.grid.shape), axis=1)
        n = len(self.regions)
        counts = np.maximum(np.bincount(owner, minlength=n), 1)
        means = np.stack([np.bincount(owner, ijk[:, a], n) for a in range(3)], axis=1)
        distance = ((ijk - (means / counts[:, None])[owner]) ** 2).sum(axis=1)
        order = np.lexsort((distance, owner))
        present, first = np.unique(owner[order], return_index=True)
        centres = np.full((n, 3), np.nan)
        centres[present] = self.grid.to_world(ijk[order[first]])
        return centres
