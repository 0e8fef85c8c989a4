"""The header of a NIfTI file: what it says of shape, storage and place, checked before use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid

#: Which of the two transforms of the header places the voxels: the coded one, or one by choice.
Xform = Literal["auto", "sform", "qform"]

#: Distance in mm between sform and qform from which on a user has to choose. Rounding of the
#: quaternion in float32 stays far below; a wrong transform lies far above.
XFORM_TOLERANCE_MM = 0.1

#: Bytes that are enough for the header of either version.
HEADER_BYTES = 540

#: Largest number of voxels of one volume: 800 voxels a side, twice what 7 T scans have.
MAX_VOXELS = 2**29

_MAX_OFFSET = 2**26  # header extensions hold kilobytes; more is a damaged field
_NIFTI1_OFFSET, _NIFTI2_OFFSET = 352, 544
_SMALLEST_VOXEL_MM, _LARGEST_VOXEL_MM = 0.02, 50.0

_OTHER_FORMATS = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"PK\x03\x04", "a zip archive (or an Excel workbook)"),
    (0, b"NRRD", "an NRRD image"),
    (0, b"%PDF", "a PDF"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"\x89HDF", "an HDF5 or MINC 2 image"),
    (0, b"CDF", "a MINC 1 image"),
    (0, b"\x00\x00\x00\x01\x00\x00", "an MGH image"),
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (128, b"DICM", "a DICOM file"),
)


@dataclass(frozen=True, eq=False)
class NiftiHeader:
    """What a NIfTI header says, as far as a map or a label image needs it.

    Parameters
    ----------
    shape : tuple of int
        Voxels along i, j, k.
    n_volumes : int
        Product of all further dimensions.
    dtype : numpy.dtype
        As stored, byte order included.
    offset : int
        Byte of the (inflated) file at which the first volume starts.
    slope, intercept : float
        ``value = slope * stored + intercept``.
    affine : ndarray, shape (4, 4), float64
        Voxel indices to world RAS+ mm.
    xform : str
        Where the affine is from: ``sform``, ``qform`` or ``pixdim``.
    xform_distance : float
        Largest distance in mm between the corners as placed by sform and by qform if both are
        coded; 0 otherwise.
    warnings : tuple of str
        What a user should know, in plain words.
    """

    shape: tuple[int, int, int]
    n_volumes: int
    dtype: np.dtype[Any]
    offset: int
    slope: float
    intercept: float
    affine: NDArray[np.float64]
    xform: str
    xform_distance: float
    warnings: tuple[str, ...]

    @property
    def grid(self) -> Grid:
        """Shape and affine."""
        return Grid(self.shape, self.affine)

    @property
    def volume_bytes(self) -> int:
        """Bytes of one volume as stored."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def needs_xform_choice(self) -> bool:
        """Whether sform and qform are both coded and place the image differently."""
        return self.xform_distance > XFORM_TOLERANCE_MM


def parse_header(block: bytes, *, where: str, xform: Xform = "auto") -> NiftiHeader:
    """Read a NIfTI-1 or NIfTI-2 header of either byte order.

    Parameters
    ----------
    block : bytes
        The first `HEADER_BYTES` bytes of the inflated file, or fewer if it is shorter.
    where : str
        Name of the file, for errors.
    xform : {"auto", "sform", "qform"}
        ``auto`` takes the sform if it is coded, else the qform.

    Raises
    ------
    InputError
        If it is no NIfTI header, or describes no usable 3D image.
    """
    raw = _raw_header(block, where)
    shape, n_volumes = _dimensions(raw, where)
    offset = float(raw["vox_offset"])
    smallest = _NIFTI2_OFFSET if isinstance(raw, Nifti2Header) else _NIFTI1_OFFSET
    if offset == 0:
        offset = smallest
    if not (smallest <= offset <= _MAX_OFFSET and offset == int(offset)):
        raise InputError("the header is damaged", where=where, why=f"vox_offset is {offset:g}")
    slope, intercept = _scaling(raw, where)
    affine, used, distance, warnings = _place(raw, shape, where, xform)
    return NiftiHeader(
        shape=shape,
        n_volumes=n_volumes,
        dtype=_stored_dtype(raw, where),
        offset=int(offset),
        slope=slope,
        intercept=intercept,
        affine=affine,
        xform=used,
        xform_distance=distance,
        warnings=tuple(warnings),
    )


def _raw_header(block: bytes, where: str) -> Any:
    versions: tuple[tuple[int, Any, int], ...] = ((348, Nifti1Header, 344), (540, Nifti2Header, 4))
    for size, kind, magic_at in versions:
        magic = block[magic_at : magic_at + 4]
        sizes = (size.to_bytes(4, "little"), size.to_bytes(4, "big"))
        if len(block) < size or block[:4] not in sizes:
            continue
        if magic[:3] in (b"n+1", b"n+2"):
            endianness = "<" if block[:4] == sizes[0] else ">"
            return kind(block[:size], endianness=endianness, check=False)
        pair = magic[:3] in (b"ni1", b"ni2")
        raise InputError(
            "the image is stored as a pair of .hdr and .img" if pair else "an Analyze 7.5 header",
            where=where,
            why="" if pair else "the format doesn't say where left and right are",
            remedy="Convert it to one .nii.gz file",
        )
    kind_found = next(
        (name for at, magic, name in _OTHER_FORMATS if block[at : at + len(magic)] == magic), ""
    )
    if not block:
        why = "it is empty"
    elif kind_found:
        why = f"it is {kind_found}"
    else:
        why = "it doesn't start with a NIfTI header"
    raise InputError(
        "the file is not a NIfTI image", where=where, why=why, remedy="Give a .nii or .nii.gz file"
    )


def _dimensions(raw: Any, where: str) -> tuple[tuple[int, int, int], int]:
    n_dimensions = int(raw["dim"][0])
    if not 1 <= n_dimensions <= 7:
        raise InputError("the header is damaged", where=where, why=f"dim[0] is {n_dimensions}")
    sizes = [int(size) for size in raw["dim"][1 : n_dimensions + 1]]
    if any(size < 1 for size in sizes):
        raise InputError("the header is damaged", where=where, why=f"its dimensions are {sizes}")
    if n_dimensions < 3 or 1 in sizes[:3]:
        raise InputError(
            f"the image has {'x'.join(map(str, sizes))} voxels: a slice or a line, not a volume",
            where=where,
            remedy="Give a three-dimensional image",
        )
    shape = (sizes[0], sizes[1], sizes[2])
    n_volumes = 1
    for size in sizes[3:]:
        n_volumes *= size
    if sizes[0] * sizes[1] * sizes[2] > MAX_VOXELS:
        raise InputError(
            f"the image claims {'x'.join(map(str, shape))} voxels",
            where=where,
            why=f"a volume of more than {MAX_VOXELS:,} voxels is not opened",
            remedy="The header is damaged, or the image has to be cropped or downsampled",
        )
    return shape, n_volumes


def _stored_dtype(raw: Any, where: str) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = raw.get_data_dtype()
    except HeaderDataError as error:
        raise InputError(
            "the header is damaged", where=where, why=f"datatype is {int(raw['datatype'])}"
        ) from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        kind = {"c": "complex numbers", "V": "colours"}.get(dtype.kind, str(dtype))
        raise InputError(
            f"the voxels hold {kind}", where=where, remedy="Save it with one real number a voxel"
        )
    return dtype


def _scaling(raw: Any, where: str) -> tuple[float, float]:
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or np.isnan(slope):  # NIfTI: the values are as stored
        return 1.0, 0.0
    if np.isinf(slope) or not np.isfinite(intercept):
        raise InputError(
            "the header is damaged",
            where=where,
            why=f"scl_slope is {slope:g}, scl_inter is {intercept:g}",
        )
    return slope, intercept


def _place(
    raw: Any, shape: tuple[int, int, int], where: str, xform: Xform
) -> tuple[NDArray[np.float64], str, float, list[str]]:
    """Return affine, its origin, how far the two forms disagree in mm, and warnings."""
    warnings: list[str] = []
    forms: dict[str, NDArray[np.float64]] = {}
    if int(raw["sform_code"]) > 0:
        forms["sform"] = np.asarray(raw.get_sform(), dtype=np.float64)
    if int(raw["qform_code"]) > 0:
        try:
            forms["qform"] = _qform(raw)
        except (ValueError, HeaderDataError):
            bcd = ", ".join(f"{float(raw[f'quatern_{axis}']):g}" for axis in "bcd")
            fault = f"the qform is invalid: quatern_b, c, d = {bcd} is no unit quaternion"
            if xform == "qform" or "sform" not in forms:
                raise InputError(
                    fault,
                    where=where,
                    remedy="Use the sform" if "sform" in forms else "Write the header anew",
                ) from None
            warnings.append(f"{fault}; the sform was used")
    if xform != "auto" and xform not in forms:
        raise InputError(
            f"the {xform} has code 0: it says nothing",
            where=where,
            remedy=f"Use the {' or the '.join(forms)}" if forms else "",
        )
    if not forms:
        warnings.append(
            "neither sform nor qform is coded: voxel sizes are known, position, left and right "
            "are guessed"
        )
        forms["pixdim"] = np.asarray(raw.get_base_affine(), dtype=np.float64)
    used = next(iter(forms)) if xform == "auto" else xform
    affine = forms[used]
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    volume = abs(np.linalg.det(affine[:3, :3])) if np.isfinite(affine).all() else 0.0
    if not (volume > 0.01 * np.prod(sizes) and _sizes_are_sane(sizes)):
        raise InputError(
            f"the {used} of the header is no usable transform",
            where=where,
            why=f"its voxel sizes come out as {', '.join(f'{size:g}' for size in sizes)} mm",
            remedy="Write the header anew, with millimetres as the unit",
        )
    distance = 0.0
    if "sform" in forms and "qform" in forms:
        distance = Grid(shape, forms["sform"]).distance_to(Grid(shape, forms["qform"]))
        if not distance <= XFORM_TOLERANCE_MM:
            warnings.append(
                f"sform and qform disagree by up to {distance:.2f} mm; the {used} was used "
                f"(sform {_in_words(forms['sform'])}; qform {_in_words(forms['qform'])})"
            )
    return affine, used, distance, warnings


def _qform(raw: Any) -> NDArray[np.float64]:
    """Return the qform; a qfac of 0 means 1 (nifti1.h, method 2)."""
    fixed = raw.copy()
    if fixed["pixdim"][0] not in (-1, 1):
        fixed["pixdim"][0] = 1
    return np.asarray(fixed.get_qform(), dtype=np.float64)


def _sizes_are_sane(sizes: NDArray[np.float64]) -> bool:
    return bool((sizes >= _SMALLEST_VOXEL_MM).all() and (sizes <= _LARGEST_VOXEL_MM).all())


def _in_words(affine: NDArray[np.float64]) -> str:
    rows = "; ".join(" ".join(f"{value:.4g}" for value in row) for row in affine[:3])
    return f"[{rows}]"
