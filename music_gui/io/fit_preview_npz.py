"""The atlas as it stands while a fit runs: a small ``.npz`` file without pickle."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.atomic import replacing

#: Name of the file in the scratch folder of the job that fits; it goes when the job is done.
PREVIEW_NAME = "preview.npz"

#: Raised when a change of the format makes older versions misread it.
FORMAT_VERSION = 1

_REMEDY = "Wait for the next one, or for the end of the fit"

_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, eq=False)
class FitPreview:
    """The components of one scale after an epoch, as labels.

    Parameters
    ----------
    scale : int
        C, the number of components.
    epoch : int
        Counted from 1.
    loss : float
        Relative squared Frobenius loss.
    labels : ndarray, shape (n_voxels,), int32
        Component with the largest weight, 1 to C in the order of work, 0 where all are zero.
    mask_hash : str
        Of the mask whose voxels they are (`mask_hash`).
    """

    scale: int
    epoch: int
    loss: float
    labels: NDArray[np.int32]
    mask_hash: str


def mask_hash(mask: NDArray[np.bool_], grid: Grid) -> str:
    """Return a digest of a mask and of where it lies: BLAKE2b, 32 hexadecimal digits."""
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(repr(mask.shape).encode())
    hasher.update(grid.affine.astype("<f4").tobytes())
    hasher.update(np.packbits(mask).tobytes())
    return hasher.hexdigest()


def write_preview(path: Path, preview: FitPreview) -> None:
    """Write a preview, whole or not at all.

    Raises
    ------
    OSError
        If it can't be written.
    """
    kind = "<u2" if preview.scale < 2**16 else "<i4"
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            format_version=np.array(FORMAT_VERSION),
            scale=np.array(preview.scale),
            epoch=np.array(preview.epoch),
            loss=np.array(preview.loss, dtype="<f8"),
            labels=preview.labels.astype(kind),
            mask_hash=np.array(preview.mask_hash),
        )


def read_preview(path: Path) -> FitPreview:
    """Read what `write_preview` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or of a newer version.
    """
    try:
        # Opened here, since numpy leaves a file open in which it finds no zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            version = int(arrays["format_version"])
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        if version > FORMAT_VERSION:
            raise InputError(
                "the preview was written by a newer version", where=str(path), remedy=_REMEDY
            )
        scale, labels = int(found["scale"]), found["labels"].astype(np.int32)
        if labels.ndim != 1 or labels.min(initial=0) < 0 or labels.max(initial=0) > scale:
            raise ValueError(f"its labels are not those of {scale} components")
        return FitPreview(
            scale=scale,
            epoch=int(found["epoch"]),
            loss=float(found["loss"]),
            labels=labels,
            mask_hash=str(found["mask_hash"]),
        )
    except FileNotFoundError as error:
        raise InputError(
            "there is no preview of this fit yet", where=str(path), remedy=_REMEDY
        ) from error
    except _DAMAGE as error:
        raise InputError(
            "the preview of the fit is damaged", where=str(path), why=str(error), remedy=_REMEDY
        ) from error
