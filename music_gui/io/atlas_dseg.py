"""An atlas as a folder of BIDS-like label images: one image, table, sidecar, surface a scale."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from music_gui.core.atlas import Atlas, AtlasScale, label_hash
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.core.surface import LabelSurface
from music_gui.io.atomic import replacing, write_json, write_text
from music_gui.io.nifti import read_grid, read_labels, write_image

_SCALE_IN_NAME = (
    re.compile(r"(?:^|_)scale-C?(\d+)(?=_|\.|$)"),
    re.compile(r"(?:^|[_\- ])C(\d+)(?=[_\-. ]|$)"),
)


class ScaleSource(BaseModel):
    """Where a scale comes from.

    Attributes
    ----------
    source : str
        In words: the file it was imported from, or the decomposition it was made of.
    maps_checksum : str or None
        Checksum of the masked maps it was fitted on; None for an atlas from elsewhere.
    simulated : bool
        The data behind it are made up.
    notes : tuple of str
        What a reader should know, for example that labels were renumbered.
    generation : int
        Which set of the atlas's scales it belongs to (`generation_of`): a higher one is newer.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    source: str
    maps_checksum: str | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()
    generation: int = 0


class ScaleSidecar(ScaleSource):
    """``_dseg.json``: a scale's source and what can be told from its label image.

    Attributes
    ----------
    scale : int
        C.
    hash : str
        `music_gui.core.atlas.label_hash` of the label image.
    vanished : tuple of str
        Names of the components without voxels.
    """

    scale: int
    hash: str
    vanished: tuple[str, ...]


def sniff_scale(file_name: str) -> int | None:
    """Read C from a file name: ``atlas-study_scale-C32_dseg.nii.gz``, ``MuSIC_C1024.nii.gz``.

    Returns
    -------
    int or None
        None if the name tells no scale.
    """
    for pattern in _SCALE_IN_NAME:
        if found := pattern.findall(file_name):
            return int(found[-1])
    return None


def write_scale(
    folder: Path, name: str, scale: AtlasScale, grid: Grid, *, sidecar: ScaleSource
) -> list[str]:
    """Write one scale: label image, table of its PSCs and sidecar; the surface is apart.

    Parameters
    ----------
    folder : Path
        Folder of the atlas.
    name : str
        Name of the atlas, part of the file names.
    scale : AtlasScale
        Labels, shape of the grid.
    grid : Grid
        Of the labels.
    sidecar : ScaleSource
        Where the scale comes from.

    Returns
    -------
    list of str
        Names of the files in the folder. The same labels give the same bytes.
    """
    stem = f"atlas-{name}_scale-C{scale.scale}"
    image, table, json = (f"{stem}_dseg{suffix}" for suffix in (".nii.gz", ".tsv", ".json"))
    dtype = np.uint8 if scale.scale < 256 else np.uint16 if scale.scale < 65536 else np.int32
    write_image(folder / image, scale.labels, grid, dtype=dtype)
    write_text(folder / table, _psc_table(scale, grid))
    whole = ScaleSidecar(
        **sidecar.model_dump(),
        scale=scale.scale,
        hash=label_hash(scale, grid),
        vanished=scale.vanished,
    )
    write_json(folder / json, whole.model_dump(mode="json"))
    return [image, table, json]


def write_surface(folder: Path, name: str, scale: int, surface: LabelSurface) -> str:
    """Write the surface of a scale beside its label image.

    Returns
    -------
    str
        The file's name in the folder. The same surface gives the same bytes.
    """
    file_name = f"atlas-{name}_scale-C{scale}_surface.npz"
    with replacing(folder / file_name) as temporary:
        np.savez(
            temporary,
            vertices=surface.vertices.astype("<f4"),
            triangles=surface.triangles.astype("<i4"),
            labels=surface.labels.astype("<i4"),
        )
    return file_name


def label_file(folder: Path, scale: int) -> Path:
    """Return the label image of a scale of an atlas.

    Raises
    ------
    InputError
        If the folder has none.
    """
    return _the_file(folder, f"atlas-*_scale-C{scale}_dseg.nii.gz")


def read_surface(folder: Path, scale: int) -> LabelSurface:
    """Read the surface of a scale.

    Raises
    ------
    InputError
        If there is none or the file is damaged.
    """
    path = _the_file(folder, f"atlas-*_scale-C{scale}_surface.npz")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return LabelSurface(arrays["vertices"], arrays["triangles"], arrays["labels"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            "the surface can't be read",
            where=str(path),
            why=str(error),
            remedy="Import or fit the scale again; its label image is untouched",
        ) from error


def read_sidecars(folder: Path) -> dict[int, ScaleSidecar]:
    """Read the sidecars of all scales of an atlas, sorted by C.

    Raises
    ------
    InputError
        If the folder holds no scale or a sidecar is damaged.
    """
    sidecars = {}
    for path in folder.glob("atlas-*_scale-C*_dseg.json"):
        try:
            sidecar = ScaleSidecar.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(
                "the description of an atlas's scale is damaged",
                where=str(path),
                why="; ".join(each["msg"] for each in error.errors()),
                remedy="Import or fit the scale again",
            ) from error
        sidecars[sidecar.scale] = sidecar
    if not sidecars:
        raise InputError(
            "there is no atlas here",
            where=str(folder),
            why="no file is named like atlas-NAME_scale-C32_dseg.json",
            remedy="Run `fit` to make the study's own atlas, or `import-atlas` to bring one",
        )
    return dict(sorted(sidecars.items()))


def scale_hashes(folder: Path) -> dict[int, str]:
    """Return C -> hash of the label image, from the sidecars alone."""
    return {scale: sidecar.hash for scale, sidecar in read_sidecars(folder).items()}


def generation_of(folder: Path, maps_checksum: str | None, grid: Grid) -> int:
    """Return the generation of scales that are about to be added to an atlas.

    Scales of the same maps on the same grid share a generation, so that writing one of them again
    gives the same bytes; the first scale of other maps, or on another grid, begins a new one.
    Unlike file times, generations survive copies and checkouts.

    Parameters
    ----------
    folder : Path
        The atlas as it stands in the study; it need not exist. Damaged scales do not count.
    maps_checksum : str or None
        Of the new scales.
    grid : Grid
        Of the new scales.
    """
    sets: dict[int, list[tuple[str | None, Grid]]] = {}
    for path in sorted(folder.glob("atlas-*_scale-C*_dseg.json")):
        try:
            sidecar = ScaleSidecar.model_validate_json(path.read_bytes())
            lies_on = read_grid(path.with_name(path.name.removesuffix(".json") + ".nii.gz"))
        except (ValidationError, InputError, OSError):
            continue
        sets.setdefault(sidecar.generation, []).append((sidecar.maps_checksum, lies_on))
    if not sets:
        return 0
    newest = max(sets)
    belongs = all(own == maps_checksum and each.is_same_as(grid) for own, each in sets[newest])
    return newest if belongs else newest + 1


def read_atlas(folder: Path, *, maps_checksum: str | None = None) -> Atlas:
    """Read an atlas that `write_scale` wrote; stale scales are left out (see `stale_scales`).

    Parameters
    ----------
    folder : Path
        Folder of the atlas.
    maps_checksum : str, optional
        The scales that were fitted on these maps are read, if there are any.

    Raises
    ------
    InputError
        If the folder holds no usable scale.
    """
    atlas, _ = read_atlas_and_stale(folder, maps_checksum=maps_checksum)
    return atlas


def stale_scales(folder: Path, *, maps_checksum: str | None = None) -> dict[int, str]:
    """Return C -> reason for the scales that do not belong to the set that is read.

    That set are the scales fitted on the maps with ``maps_checksum``. If none was, or none is
    given, it is the set of the highest generation; between sets of the same generation (as files
    of earlier versions have it) the larger one, then the one with the finest scale. A scale is
    stale if it was fitted on other maps or lies on another grid than this set, or if its label
    image is not the one that its sidecar describes.
    """
    _, stale = read_atlas_and_stale(folder, maps_checksum=maps_checksum)
    return stale


def read_atlas_and_stale(
    folder: Path, *, maps_checksum: str | None = None
) -> tuple[Atlas, dict[int, str]]:
    """Return `read_atlas` and `stale_scales` of one reading."""
    sidecars = read_sidecars(folder)
    scales: dict[int, AtlasScale] = {}
    grids: dict[int, Grid] = {}
    stale: dict[int, str] = {}
    for c, sidecar in sidecars.items():
        path = label_file(folder, c)
        labels, grid = read_labels(path)
        scale = AtlasScale(c, labels, _regions(path.with_name(_stem(path) + ".tsv"), c))
        if label_hash(scale, grid) != sidecar.hash:
            stale[c] = f"{path.name} was changed after it was written"
            continue
        scales[c], grids[c] = scale, grid
    if not scales:
        raise InputError(
            "no scale of the atlas can be used",
            where=str(folder),
            why="; ".join(stale.values()),
            remedy="Import or fit the atlas again",
        )
    leader = _leader({c: sidecars[c] for c in scales}, grids, maps_checksum)
    for c in list(scales):
        if sidecars[c].maps_checksum != sidecars[leader].maps_checksum:
            stale[c] = f"C{c} was fitted on other maps than C{leader}"
        elif not grids[c].is_same_as(grids[leader]):
            stale[c] = f"C{c} lies on another voxel grid than C{leader}"
        else:
            continue
        del scales[c]
    return Atlas(folder.name, grids[leader], scales), dict(sorted(stale.items()))


def _leader(
    sidecars: dict[int, ScaleSidecar], grids: dict[int, Grid], maps_checksum: str | None
) -> int:
    """Return the C of the scale whose maps and grid decide which others are stale."""
    fitting = [c for c in sidecars if sidecars[c].maps_checksum == maps_checksum]
    if maps_checksum is None or not fitting:
        fitting = list(sidecars)

    def rank(c: int) -> tuple[int, int, int]:
        alike = [
            each
            for each in fitting
            if sidecars[each].maps_checksum == sidecars[c].maps_checksum
            and grids[each].is_same_as(grids[c])
        ]
        return sidecars[c].generation, len(alike), c

    return max(fitting, key=rank)


def _psc_table(scale: AtlasScale, grid: Grid) -> str:
    """Return the text of ``_dseg.tsv``; x, y, z are the centre voxel's world mm."""
    centres = grid.to_world(scale.centre_voxels)
    columns = ["index", "name", "n_voxels", "volume_mm3", "x", "y", "z"]
    lines = ["\t".join(columns + (["region"] if scale.regions else []))]
    for row, (name, count) in enumerate(zip(scale.names, scale.voxel_counts, strict=True)):
        place = [f"{value:.2f}" for value in centres[row] + 0.0] if count else ["n/a"] * 3
        fields = [str(row + 1), name, str(count), f"{count * grid.voxel_volume:.3f}", *place]
        if scale.regions:
            fields.append(scale.regions[row] or "n/a")
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"


def _regions(path: Path, scale: int) -> tuple[str, ...]:
    """Return the names in words that a ``_dseg.tsv`` holds, none if it has no such column."""
    if not path.exists():
        return ()
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, na_values=["n/a"])
    if "region" not in table or len(table) != scale:
        return ()
    return tuple(table["region"].fillna(""))


def _the_file(folder: Path, pattern: str) -> Path:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise InputError(
            "a file of the atlas is missing",
            where=str(folder / pattern),
            remedy="Import or fit the scale again",
        )
    return paths[0]


def _stem(path: Path) -> str:
    return path.name.removesuffix(".nii.gz")
