"""Label images from elsewhere: find them among other files, tell their scale, read their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.atlas_dseg import sniff_scale
from music_gui.io.nifti import read_labels

_IMAGE_SUFFIXES = (".nii", ".nii.gz")

#: No atlas of the brain has more regions; an image of intensities easily has.
_MOST_LABELS = 20_000


@dataclass(frozen=True, eq=False)
class LabelImage:
    """A label image that was read.

    Parameters
    ----------
    path : Path
        The file.
    scale : AtlasScale
        Its labels, and their names in words if a table beside it has them.
    grid : Grid
        Of the labels.
    """

    path: Path
    scale: AtlasScale
    grid: Grid


def find_label_images(sources: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Find the label images in folders; files that are named themselves are taken as they are.

    In a folder, an image whose name tells a scale (``MuSIC_C32.nii.gz``) or ends in ``_dseg`` is
    a label image.

    Parameters
    ----------
    sources : sequence of Path
        Files and folders.

    Returns
    -------
    paths : list of Path
        In the order given; those of a folder by scale, then by name.
    passed_over : list of str
        Names of the other files in the folders.

    Raises
    ------
    InputError
        If a source does not exist, a named file is no NIfTI image, or nothing was found.
    """
    paths: list[Path] = []
    passed_over: list[str] = []
    for source in sources:
        if source.is_dir():
            files = sorted(path for path in source.iterdir() if path.is_file())
            found = [path for path in files if _is_image(path) and _is_named_as_labels(path)]
            found.sort(key=lambda path: sniff_scale(path.name) or 0)
            companions = {label_table_path(path) for path in found}
            companions |= {path.with_suffix(".json") for path in companions}
            paths += found
            passed_over += [
                path.name for path in files if path not in found and path not in companions
            ]
        elif not source.exists():
            raise InputError("there is no such file or folder", where=str(source))
        elif not _is_image(source):
            raise InputError(
                "this is not a label image",
                where=str(source),
                remedy="Give NIfTI images (.nii or .nii.gz)",
            )
        else:
            paths.append(source)
    if not paths:
        raise InputError(
            "no label image was found",
            where=", ".join(map(str, sources)),
            why=f"passed over: {', '.join(passed_over[:10])}" if passed_over else "",
            remedy="Name the images one by one, or call them like MuSIC_C32.nii.gz or *_dseg.nii",
        )
    return list(dict.fromkeys(paths)), passed_over


def read_label_image(path: Path, scale: int | None = None) -> LabelImage:
    """Read one label image.

    Parameters
    ----------
    path : Path
        The image; a BIDS table beside it (``*_dseg.tsv`` with ``index`` and ``name``) names its
        labels.
    scale : int, optional
        C; by default as the file's name says, else the largest label of image and table.

    Raises
    ------
    InputError
        If the values are no labels, or larger than the scale.
    """
    labels, grid = read_labels(path)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high == 0 or high > _MOST_LABELS:
        raise InputError(
            f"the values run from {low} to {high}",
            where=str(path),
            why="labels are whole numbers from 1 on, with 0 outside",
            remedy="Give a label image, not one of intensities or weights",
        )
    names = _read_names(label_table_path(path))
    size = scale or sniff_scale(path.name) or max(high, *names, 1)
    if high > size:
        raise InputError(
            f"there are labels up to {high} in an image of scale {size}",
            where=str(path),
            why="the scale was stated" if scale else "the scale is in the file's name",
            remedy="State the scale of the image, or rename it",
        )
    regions = tuple(names.get(label, "") for label in range(1, size + 1))
    return LabelImage(path, AtlasScale(size, labels, regions if any(regions) else ()), grid)


def suggest_atlas_name(paths: Sequence[Path]) -> str:
    """Make a name for an atlas of its files' names; empty if they tell none.

    ``MuSIC_C32.nii.gz`` and ``MuSIC_C64.nii.gz`` give ``MuSIC``, ``atlas-AAL_dseg.nii.gz`` gives
    ``AAL``.
    """
    names = set()
    for path in paths:
        stem = _stem(path)
        entity = re.search(r"(?:^|_)(?:atlas|seg)-([A-Za-z0-9]+)", stem)
        plain = re.sub(r"(?:^|[_\- .])(?:scale-)?C?\d+(?=[_\-. ]|$)|_dseg$|_dparc$", "", stem)
        names.add(entity[1] if entity else re.sub(r"[^A-Za-z0-9]", "", plain))
    return names.pop() if len(names) == 1 else ""


def label_table_path(path: Path) -> Path:
    """Return where the table of an image's labels would be: same name, ``.tsv``."""
    return path.with_name(f"{_stem(path)}.tsv")


def _read_names(path: Path) -> dict[int, str]:
    """Read label -> name in words; names that only repeat the number are left out."""
    if not path.exists():
        return {}
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_values=["n/a"])
    except (OSError, ValueError) as error:
        raise InputError(
            "the table of the labels can't be read", where=str(path), why=str(error)
        ) from error
    column = next((name for name in ("region", "name", "label") if name in table), None)
    if "index" not in table or column is None:
        raise InputError(
            "the table of the labels lacks a column",
            where=str(path),
            why=f"it has {', '.join(map(str, table.columns))}",
            remedy="BIDS asks for the columns index and name",
        )
    names = {}
    for row, (index, name) in enumerate(zip(table["index"], table[column], strict=True)):
        if not re.fullmatch(r"\d+", str(index)):
            raise InputError(
                f"{index!r} is not the number of a label", where=f"{path}, line {row + 2}"
            )
        if int(index) > 0 and isinstance(name, str) and not re.fullmatch(r"C?\d*_?\d+", name):
            names[int(index)] = name
    return names


def _is_image(path: Path) -> bool:
    return path.name.lower().endswith(_IMAGE_SUFFIXES) and not path.name.startswith(".")


def _is_named_as_labels(path: Path) -> bool:
    return sniff_scale(path.name) is not None or _stem(path).endswith(("_dseg", "_dparc"))


def _stem(path: Path) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE)
