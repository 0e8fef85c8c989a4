"""Anatomical atlases as folders: label image, table of regions and sidecar, as BIDS has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from music_gui.core.anatomy import AnatomicalAtlas, AnatomicalRegion, Space
from music_gui.core.anatomy.regions import Side
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.atomic import write_json, write_text
from music_gui.io.nifti import read_labels, write_image
from music_gui.io.region_names import TABLE_SUFFIXES, read_region_names
from music_gui.io.resources import ANATOMY, TEMPLATE_BRAIN_MASK, resource

#: Name of the atlas that comes with the application.
BUILT_IN = "Desikan-Killiany"

_SUFFIX = "_dseg.nii.gz"

#: No anatomical atlas has more regions; an image of intensities easily has.
_MOST_LABELS = 20_000

#: Less of the regions than this inside the brain of MNI152 means that they lie in another space.
_LEAST_IN_BRAIN = 0.6


class AnatomySidecar(BaseModel):
    """``_dseg.json`` of an anatomical atlas.

    Attributes
    ----------
    name : str
        As it is shown.
    reach_mm : float
        See `AnatomicalAtlas.reach`.
    source : str
        Where it comes from, in words.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    reach_mm: float = Field(default=0.0, ge=0.0, le=20.0)
    source: str = ""


def built_in_folder() -> Path:
    """Return the folder of the atlas that comes with the application."""
    return resource(ANATOMY)


def anatomy_folders(places: Iterable[Path]) -> dict[str, Path]:
    """Return the folders of all anatomical atlases by name.

    Parameters
    ----------
    places : iterable of Path
        Folders that hold one folder an atlas; those that do not exist are passed over. Of two
        atlases of the same name the first wins, and the built-in one before all.
    """
    found = {BUILT_IN: built_in_folder()}
    for place in places:
        if place.is_dir():
            for folder in sorted(place.iterdir()):
                if not folder.name.startswith(".") and any(folder.glob(f"*{_SUFFIX}")):
                    found.setdefault(folder.name, folder)
    return found


def read_anatomical_atlas(folder: Path) -> AnatomicalAtlas:
    """Read an atlas that `write_anatomical_atlas` wrote.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    images = sorted(folder.glob(f"*{_SUFFIX}"))
    if len(images) != 1:
        raise InputError(
            f"there are {len(images)} label images instead of one",
            where=str(folder),
            remedy="Import the anatomical atlas again",
        )
    stem = images[0].name.removesuffix(".nii.gz")
    labels, grid = read_labels(images[0])
    sidecar_path = folder / f"{stem}.json"
    try:
        sidecar = AnatomySidecar.model_validate_json(sidecar_path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            "the sidecar of the anatomical atlas can't be read",
            where=str(sidecar_path),
            why=str(error),
            remedy="Import the anatomical atlas again",
        ) from error
    regions = read_region_names(folder / f"{stem}.tsv")
    return AnatomicalAtlas(
        sidecar.name, labels, grid, regions, reach=sidecar.reach_mm, source=sidecar.source
    )


def write_anatomical_atlas(folder: Path, atlas: AnatomicalAtlas) -> list[str]:
    """Write an anatomical atlas; returns the names of the files. Same atlas, same bytes."""
    stem = f"atlas-{folder.name}_dseg"
    highest = max(region.index for region in atlas.regions)
    dtype = np.uint8 if highest < 256 else np.uint16 if highest < 65536 else np.int32
    named = np.where(atlas.places > 0, atlas.labels, 0)
    write_image(folder / f"{stem}.nii.gz", named, atlas.grid, dtype=dtype)
    rows = [
        "\t".join((str(each.index), each.name, each.side or "n/a", each.group or "n/a"))
        for each in atlas.regions
    ]
    write_text(folder / f"{stem}.tsv", "\n".join(("index\tname\themisphere\tgroup", *rows)) + "\n")
    sidecar = AnatomySidecar(name=atlas.name, reach_mm=atlas.reach, source=atlas.source)
    write_json(folder / f"{stem}.json", sidecar.model_dump(mode="json"))
    return [f"{stem}.nii.gz", f"{stem}.tsv", f"{stem}.json"]


def load_foreign_atlas(
    image: Path, names: Path | None, *, name: str, reach: float, spaces: Sequence[Space] = ()
) -> tuple[AnatomicalAtlas, tuple[str, ...]]:
    """Read a label image with names from elsewhere.

    Parameters
    ----------
    image : Path
        NIfTI label image in MNI152 space, or on a grid of one of ``spaces``.
    names : Path, optional
        Table of its names (`read_region_names`); by default a table of the same name beside it.
    name : str
        Of the atlas.
    reach : float
        See `AnatomicalAtlas.reach`, mm.
    spaces : sequence of Space
        Known spaces; an image on a grid of theirs is brought to MNI152.

    Returns
    -------
    atlas : AnatomicalAtlas
        With the regions that have both voxels and a name.
    notes : tuple of str
        What was decided, and what is missing, in words.

    Raises
    ------
    InputError
        If the values are no labels, no label has a name, the regions do not lie in the brain of
        MNI152, or left and right are exchanged.
    """
    labels, grid = read_labels(image)
    if int(labels.max(initial=0)) <= 0:
        raise InputError(
            "the image holds no label",
            where=str(image),
            why="no value is above 0",
            remedy="Give the label image of an anatomical atlas",
        )
    present = np.unique(labels[labels > 0])
    if len(present) > _MOST_LABELS:
        raise InputError(
            f"the image holds {len(present):,} different values",
            where=str(image),
            why="an anatomical atlas has a few hundred labels",
            remedy="Give a label image, not one of intensities",
        )
    table = names if names is not None else table_beside(image)
    known = {region.index: region for region in read_region_names(table)}
    regions = tuple(known[index] for index in present.tolist() if index in known)
    notes = _notes(labels, present, known, regions, image, table)
    for space in spaces:
        if any(grid.is_same_as(each) for each in space.grids):
            grid = Grid(grid.shape, space.to_mni @ grid.affine)
            notes = (*notes, f"it lies in {space.name} space and was brought to MNI152 by affine")
    atlas = AnatomicalAtlas(name, labels, grid, regions, reach=reach)
    check_in_brain(atlas, str(image))
    check_sides(atlas, str(image))
    return replace(atlas, source=f"imported from {image.name} and {table.name}"), notes


def table_beside(image: Path) -> Path:
    """Return the table of names that stands beside an image under the same name.

    Raises
    ------
    InputError
        If there is none.
    """
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    for suffix in TABLE_SUFFIXES:
        table = image.with_name(stem + suffix)
        if table.is_file():
            return table
    raise InputError(
        "the regions have no names",
        where=str(image),
        why=f"there is no table beside it, such as {stem}.tsv",
        remedy="Give the table of names too: a TSV or CSV with index and name, or a FreeSurfer "
        "colour table",
    )


def _notes(
    labels: NDArray[np.int32],
    present: NDArray[np.int32],
    known: dict[int, AnatomicalRegion],
    regions: Sequence[AnatomicalRegion],
    image: Path,
    table: Path,
) -> tuple[str, ...]:
    """Say which labels have no name; refuse a table of another atlas."""
    if not regions:
        raise InputError(
            "none of the labels has a name",
            where=f"{image} with {table}",
            why=f"the labels are {_some(present.tolist())}; named are {_some(sorted(known))}",
            remedy="Give the table that belongs to this image",
        )
    notes = []
    nameless = [index for index in present.tolist() if index not in known]
    if nameless:
        share = np.isin(labels, nameless).sum() / (labels > 0).sum()
        notes.append(
            f"{len(nameless)} labels ({share:.0%} of the labelled voxels) have no name and are "
            f"left out: {_some(nameless)}"
        )
    empty = len(known) - len(regions)
    if empty:
        notes.append(f"{empty} names have no voxel in the image")
    return tuple(notes)


def check_in_brain(atlas: AnatomicalAtlas, where: str) -> None:
    """Refuse an atlas whose regions do not lie in the brain of MNI152.

    Raises
    ------
    InputError
        Naming the share of its voxels that do.
    """
    mask, mask_grid = read_labels(resource(TEMPLATE_BRAIN_MASK))
    ijk = np.argwhere(atlas.places > 0)
    voxel = np.rint(mask_grid.to_voxel(atlas.grid.to_world(ijk))).astype(int)
    inside = ((voxel >= 0) & (voxel < mask.shape)).all(axis=1)
    share = float((mask[tuple(voxel[inside].T)] > 0).sum()) / max(len(ijk), 1)
    if share < _LEAST_IN_BRAIN:
        raise InputError(
            f"only {share:.0%} of the regions lie in the brain of MNI152",
            where=where,
            why="the image lies in another space, or its header is wrong",
            remedy="Bring the label image to MNI152 space first, with nearest neighbour",
        )


def check_sides(atlas: AnatomicalAtlas, where: str) -> None:
    """Refuse an atlas whose left regions lie on the right.

    Raises
    ------
    InputError
        If more than half of the voxels of the regions with a side lie on the other one.
    """
    sides: tuple[Side, ...] = tuple(region.side for region in atlas.regions)
    expected = np.array([0, *({"L": -1, "R": 1, "": 0}[side] for side in sides)])
    ijk = np.argwhere(expected[atlas.places] != 0)
    if len(ijk) == 0:
        return
    x = atlas.grid.to_world(ijk)[:, 0]
    wrong = float((np.sign(x) == -expected[atlas.places[tuple(ijk.T)]]).mean())
    if wrong > 0.5:
        raise InputError(
            "left and right are exchanged",
            where=where,
            why=f"{wrong:.0%} of the voxels of regions named left or right lie on the other side "
            "of the midline",
            remedy="Mend the image's header or the table of names",
        )


def _some(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:6]))
    return f"{shown}, ... ({len(values)})" if len(values) > 6 else shown
