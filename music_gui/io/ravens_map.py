"""Read one RAVENS map and check that it can be one: grid, values, unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from music_gui.core.cohort.ravens import check_total, check_values, plausible_scale
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.nifti import read_image, reorient_to
from music_gui.io.nifti_header import Xform


@dataclass(frozen=True, eq=False)
class RavensMap:
    """A map that passed all checks that one map alone can be given.

    Attributes
    ----------
    data : ndarray, shape of the grid, float32
        Tissue as a fraction of the voxel's volume; not negative; NaN where the file has no value.
    grid : Grid
        The reference's if there was one, else the file's.
    scale : float
        What the values of the file were divided by.
    total_gm_ml : float
        Grey matter of the whole image in ml.
    n_nan : int
        Voxels without a value.
    warnings : tuple of str
        In plain words.
    """

    data: NDArray[np.float32]
    grid: Grid
    scale: float
    total_gm_ml: float
    n_nan: int
    warnings: tuple[str, ...]


def read_ravens_map(
    path: Path,
    *,
    grid: Grid | None = None,
    reference_name: str = "the reference",
    ravens_scale: float | Literal["auto"] = "auto",
    xform: Xform = "auto",
    volume: int | None = None,
) -> RavensMap:
    """Read and check a map.

    Parameters
    ----------
    path : Path
        NIfTI file.
    grid : Grid, optional
        Where the map must lie; axes in another order or direction are brought onto it exactly.
    reference_name : str
        What that grid belongs to, for the error.
    ravens_scale : float or "auto"
        What to divide the values by, so that 1 is a whole voxel of tissue; ``auto`` tells 1 and
        1000 apart by the total grey matter.
    xform : {"auto", "sform", "qform"}
        Which transform of the header places the map.
    volume : int, optional
        Which volume of a 4D image, from 0.

    Returns
    -------
    RavensMap

    Raises
    ------
    GridMismatchError
        If the map lies on another grid.
    InputError
        If the file can't be read, its two transforms disagree and none was chosen, a value is
        infinite or negative, the map is empty, or (for ``auto``) its total is that of no brain.
    """
    where = str(path)
    image = read_image(path, volume=volume, xform=xform)
    if image.needs_xform_choice and xform == "auto":
        raise InputError(
            "sform and qform of the header place the image differently",
            where=where,
            why=next(text for text in image.warnings if "disagree" in text),
            remedy="Look at the image with both and choose the transform (xform)",
        )
    if grid is not None:
        image = reorient_to(image, grid, where=where, reference_name=reference_name)
    volume_mm3 = image.grid.voxel_volume
    values = check_values(image.data, volume_mm3, where=where)
    warnings = list(image.warnings)
    if ravens_scale == "auto":
        scale = plausible_scale(values.total_ml) or 1.0
        check_total(values.total_ml, scale, volume_mm3, where=where)
    else:
        scale = ravens_scale
        try:
            check_total(values.total_ml, scale, volume_mm3, where="")
        except InputError as error:
            warnings.append(f"{error.what}; {error.why}")
    if values.n_negative:
        warnings.append(f"{values.n_negative} voxels slightly below zero were set to zero")
    data = image.data
    if scale != 1.0 or values.n_negative:
        data = np.maximum(data / np.float32(scale), np.float32(0))
    return RavensMap(
        data=data,
        grid=image.grid,
        scale=scale,
        total_gm_ml=values.total_ml / scale,
        n_nan=values.n_nan,
        warnings=tuple(warnings),
    )
