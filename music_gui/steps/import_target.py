"""Where maps are imported to: the grid they have to share, and a mask that was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from music_gui.core.cohort.mask import carry_mask
from music_gui.core.errors import GridMismatchError, ParameterError
from music_gui.core.grid import Grid, axis_change, check_same_grid
from music_gui.core.progress import Progress
from music_gui.io.atlas_dseg import read_atlas
from music_gui.io.nifti import read_image
from music_gui.io.nifti_header import Xform
from music_gui.io.study import Study

_THE_MAPS = "most of the maps"


@dataclass(frozen=True, eq=False)
class ImportTarget:
    """A grid with or without a mask.

    Attributes
    ----------
    grid : Grid
        Where maps have to lie, axes in any order and direction.
    name : str
        What the grid belongs to, in words.
    mask : ndarray, shape of the grid, bool, or None
        None if it is to be made from the maps.
    mask_source : str
        Where the mask is from, in words.
    """

    grid: Grid
    name: str
    mask: NDArray[np.bool_] | None
    mask_source: str


def target_from_maps(grids: Sequence[Grid], mask_source: str) -> ImportTarget:
    """Take the grid that most maps are on; the mask comes later.

    Parameters
    ----------
    grids : sequence of Grid
        Of all maps; at least one.
    mask_source : str
        How the mask will be made, in words.
    """
    return ImportTarget(common_grid(grids), _THE_MAPS, None, mask_source)


def target_from_mask(
    mask: ImportTarget,
    grids: Sequence[Grid],
    resampling: Literal["refuse", "nearest"],
    progress: Progress,
) -> ImportTarget:
    """Take the grid of a mask, or carry the mask to the grid of the maps.

    Parameters
    ----------
    mask : ImportTarget
        As `read_mask` or `read_atlas_mask` give it.
    grids : sequence of Grid
        Of all maps; at least one.
    resampling : {"refuse", "nearest"}
        What to do if no map is on the mask's grid.
    progress : Progress
        Warned if the mask is carried over.

    Raises
    ------
    GridMismatchError
        If no map is on the mask's grid and that is to be refused.
    """
    if mask.mask is None:
        raise AssertionError("a mask was read")
    if any(axis_change(each, mask.grid) for each in grids):
        return mask
    common = common_grid(grids)
    if resampling == "refuse":
        try:
            check_same_grid(mask.grid, common, where=mask.mask_source, reference_name=_THE_MAPS)
        except GridMismatchError as error:
            raise GridMismatchError(
                "the mask is on another voxel grid than the maps",
                where=mask.mask_source,
                why=error.why,
                remedy="Give a mask on the maps' grid, or let it be carried over (mask_resampling "
                "nearest); the maps themselves are not resampled",
            ) from error
    carried = carry_mask(mask.mask, mask.grid, common)
    progress.warn(
        f"the mask ({mask.mask_source}) was carried to the grid of the maps by nearest neighbour: "
        f"{int(mask.mask.sum()):,} voxels of {mask.grid.voxel_volume:g} mm^3 became "
        f"{int(carried.sum()):,} of {common.voxel_volume:g} mm^3"
    )
    source = f"{mask.mask_source}, carried over by nearest neighbour"
    return ImportTarget(common, _THE_MAPS, carried, source)


def common_grid(grids: Sequence[Grid]) -> Grid:
    """Return the grid onto which most of the others can be brought; of equals the first."""
    different: list[Grid] = []
    counts: list[int] = []
    for grid in grids:
        at = next((at for at, each in enumerate(different) if grid.is_same_as(each)), None)
        if at is None:
            different.append(grid)
            counts.append(1)
        else:
            counts[at] += 1
    reach = [
        sum(count for grid, count in zip(different, counts, strict=True) if axis_change(grid, each))
        for each in different
    ]
    return different[max(range(len(different)), key=lambda at: (reach[at], counts[at], -at))]


def read_mask(path: Path, xform: Xform) -> ImportTarget:
    """Read a mask from a NIfTI file: its voxels above zero; labels serve as well."""
    image = read_image(path, xform=xform)
    mask = np.ascontiguousarray(image.data > 0)
    return ImportTarget(image.grid, f"the mask ({path.name})", mask, path.name)


def read_atlas_mask(study: Study, name: str) -> ImportTarget:
    """Take all voxels that any scale of an atlas of the study labels.

    Parameters
    ----------
    study : Study
    name : str
        Empty if there is one only; the study's own atlas does not count beside another.

    Raises
    ------
    ParameterError
        If there is none, or several to choose from.
    """
    names = sorted(path.name for path in study.atlases.glob("*") if path.is_dir())
    candidates = [each for each in names if each != "study"] or names
    if not name and len(candidates) != 1:
        has = f"the study has {len(candidates)}" if candidates else "the study has none"
        raise ParameterError(
            f"the mask is to be an atlas's, but {has}",
            remedy=f"Choose one of {', '.join(names)}" if names else "Import an atlas first",
        )
    atlas = read_atlas(study.atlas(name or candidates[0]))
    mask = np.zeros(atlas.grid.shape, dtype=np.bool_)
    for scale in atlas.scales.values():
        mask |= scale.labels > 0
    return ImportTarget(atlas.grid, f"atlas {atlas.name}", mask, f"atlas {atlas.name}")
