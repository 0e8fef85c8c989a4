"""One person's PSC volumes for a SPARE model, from a map or a row of the study, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Atlas
from music_gui.core.cohort.ravens import GREY_MATTER_ML
from music_gui.core.errors import (
    DamagedFileError,
    GridMismatchError,
    InputError,
    MusicError,
    ParameterError,
)
from music_gui.core.psc import PscExtractor
from music_gui.core.spare.applicability import Check
from music_gui.core.spare.likeness import CoarseCells, Likeness
from music_gui.io.atlas_dseg import read_atlas, read_sidecars
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.nifti import read_grid
from music_gui.io.nifti_header import Xform
from music_gui.io.psc_table import read_psc_sidecar, read_psc_table
from music_gui.io.ravens_map import RavensMap, read_ravens_map
from music_gui.io.study import Study
from music_gui.jobs.publication import digest
from music_gui.steps.psc_rows import people_of
from music_gui.steps.spare_likeness import ImportedMaps


@dataclass(frozen=True, eq=False)
class Measured:
    """What is known of one person's brain.

    Parameters
    ----------
    volumes : ndarray, shape (n_features,), or None
        mm^3 in the order of the model's features; None if they could not be measured.
    checks : tuple of Check
        Of space, unit and likeness.
    record : dict
        Where it is from, ready for JSON.
    covariates : dict
        What the study's participants table says of the person; empty for a map.
    notes : tuple of str
        What the reader of the map had to decide.
    """

    volumes: NDArray[np.float64] | None
    checks: tuple[Check, ...]
    record: dict[str, Any]
    covariates: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class AtlasOfModel:
    """The atlas that a model needs.

    Parameters
    ----------
    atlas : Atlas
        Only the scales that the model uses.
    hashes : dict of int to str
        Of these.
    features : tuple of str
        The model's PSCs.
    likeness : Likeness or None
        What its training maps have in common.
    """

    atlas: Atlas
    hashes: dict[int, str]
    features: tuple[str, ...]
    likeness: Likeness | None

    def pick(self, names: Sequence[str], volumes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring volumes into the order of the features."""
        place = {name: k for k, name in enumerate(names)}
        return volumes[[place[name] for name in self.features]]


def find_atlas(
    study: Study, hashes: dict[int, str], features: Sequence[str], likeness: Likeness | None
) -> AtlasOfModel:
    """Find the atlas with these label images among those of the study, whatever its name.

    Raises
    ------
    InputError
        If the study has not got it.
    """
    folders = sorted(study.atlases.iterdir()) if study.atlases.is_dir() else []
    for folder in folders:
        if not folder.is_dir():
            continue
        try:
            sidecars = read_sidecars(folder)
            if not hashes.items() <= {c: each.hash for c, each in sidecars.items()}.items():
                continue
            # Its own maps, not those of the study today: other scales may have been fitted anew.
            whole = read_atlas(folder, maps_checksum=sidecars[min(hashes)].maps_checksum)
        except MusicError:
            continue  # damaged: another folder may hold the same atlas
        if set(hashes) <= set(whole.scales):
            scales = {scale: whole.scales[scale] for scale in hashes}
            atlas = Atlas(whole.name, whole.grid, scales)
            return AtlasOfModel(atlas, hashes, tuple(features), likeness)
    raise InputError(
        "the study has not got the atlas that the model was trained with",
        where=str(study.atlases),
        why="no atlas has the same label image for " + ", ".join(f"C{c}" for c in hashes),
        remedy="Import that atlas (import-atlas), or choose a model of this study's atlas",
    )


def measure_map(
    path: Path,
    needed: AtlasOfModel,
    *,
    ravens_scale: float | Literal["auto"],
    xform: Xform,
    volume: int | None,
    max_shift: float,
) -> Measured:
    """Read and measure one map.

    Parameters
    ----------
    path : Path
    needed : AtlasOfModel
    ravens_scale, xform, volume
        See `read_ravens_map`.
    max_shift : float
        See `PscExtractor`.

    Raises
    ------
    InputError
        If the file is missing, damaged or no image; what is wrong with a readable image is a
        check.
    """
    read_grid(path, xform=xform)
    record: dict[str, Any] = {"map": path.name, "checksum": digest(path)}
    try:
        image = read_ravens_map(path, ravens_scale=ravens_scale, xform=xform, volume=volume)
    except DamagedFileError:
        raise  # nothing is known about the person then
    except InputError as error:
        return Measured(None, (Check("map", False, _without_path(error)),), record, {})
    record |= {"ravens_scale": image.scale, "total_gm_ml": round(image.total_gm_ml, 3)}
    unit = _check_unit(image)
    try:
        extractor = PscExtractor(needed.atlas, image.grid, max_shift=max_shift)
    except GridMismatchError as error:
        space = Check("space", False, _without_path(error))
        return Measured(None, (space, unit), record, {}, image.warnings)
    if extractor.shift_mm:
        text = f"the voxels lie {extractor.shift_mm:.2f} mm from those of the atlas"
    else:
        text = "the voxels are those of the atlas"
    checks = [Check("space", True, text, extractor.shift_mm), unit]
    if needed.likeness is not None:
        cells = CoarseCells(needed.atlas, needed.likeness.scale)
        values = np.nan_to_num(image.data.ravel()[cells.voxels_in(image.grid)].astype(np.float64))
        checks.append(_check_likeness(needed.likeness, cells, values))
    else:
        checks.append(_NO_LIKENESS)
    measured = extractor.measure(image.data).volumes
    volumes = needed.pick(extractor.names, measured)
    return Measured(volumes, tuple(checks), record, {}, image.warnings)


def read_participant(
    study: Study, table_name: str, needed: AtlasOfModel, participant: str, session: str
) -> Measured:
    """Take a participant's row of a raw PSC table made with the model's atlas.

    Raises
    ------
    InputError
        If the study has no such table.
    ParameterError
        If there is no such participant, or several sessions and none is named.
    """
    name = _matching_table(study, table_name, needed.hashes)
    table = read_psc_table(study.psc_table(name), pscs=needed.features)
    people = people_of(table, study.participants)
    rows = (people["participant_id"] == participant).to_numpy()
    if session:
        rows &= (people["session_id"] == session).to_numpy()
    if rows.sum() != 1:
        sessions = ", ".join(people.loc[people["participant_id"] == participant, "session_id"])
        raise ParameterError(
            f"{participant} has several sessions: {sessions}"
            if rows.any()
            else f"there is no participant {participant} {session}".rstrip(),
            where=f"PSC table {name}",
            remedy="Name the session" if rows.any() else "See the participants table for the ids",
        )
    row = int(np.flatnonzero(rows)[0])
    person = people.iloc[row]
    session = str(person["session_id"])
    record = {"participant_id": participant, "session_id": session, "table": name}
    checks = [
        Check("space", True, "the map was imported and measured with the model's atlas"),
        _imported_likeness(study, needed, participant, session),
    ]
    return Measured(
        table.values[row], tuple(checks), record, {str(k): v for k, v in person.items()}
    )


_NO_LIKENESS = Check(
    "likeness", None, "the model does not say what the maps it was trained on look like"
)


def _imported_likeness(study: Study, needed: AtlasOfModel, participant: str, session: str) -> Check:
    if needed.likeness is None:
        return _NO_LIKENESS
    try:
        cells = CoarseCells(needed.atlas, needed.likeness.scale)
        values = ImportedMaps(MaskedMaps.open(study.masked_maps), cells).values(
            participant, session
        )
    except MusicError as error:
        return Check("likeness", None, f"the map itself is not there: {error.what}")
    return _check_likeness(needed.likeness, cells, values)


def _check_likeness(likeness: Likeness, cells: CoarseCells, values: NDArray[np.float64]) -> Check:
    correlation, mirrored = likeness.compare(cells, values)
    text = (
        f"correlation {correlation:.2f} with the mean of the training maps "
        f"(limit {likeness.low:.2f}, usual {likeness.typical:.2f})"
    )
    if mirrored:
        text = f"it resembles the mirror image of the training maps more: {text}"
    elif correlation < likeness.low:
        text = f"it may be badly aligned, or no brain of the training kind: {text}"
    passed = correlation >= likeness.low and not mirrored
    return Check("likeness", passed, text, correlation, likeness.low)


def _check_unit(image: RavensMap) -> Check:
    low, high = GREY_MATTER_ML
    text = f"{image.total_gm_ml:.0f} ml of grey matter (a brain has {low:g} to {high:g})"
    if image.scale != 1:
        text += f", the values divided by {image.scale:g}"
    return Check("unit", low <= image.total_gm_ml <= high, text, image.total_gm_ml)


def _matching_table(study: Study, asked: str, hashes: dict[int, str]) -> str:
    """Return the name of a raw table made with these label images, if possible the one asked."""
    names = sorted(path.stem for path in study.psc_tables.glob("*.parquet"))
    for name in sorted(names, key=lambda each: (each != asked, each)):
        sidecar = read_psc_sidecar(study.psc_table(name))
        if sidecar.harmonization is None and hashes.items() <= sidecar.atlas_hashes.items():
            return name
    raise InputError(
        "the study has no raw PSC table made with the model's atlas",
        where=str(study.psc_tables),
        remedy="Run `extract` with that atlas, or score a map instead",
    )


def _without_path(error: MusicError) -> str:
    return "; ".join(part.rstrip(".") for part in (error.what, error.why, error.remedy) if part)
