"""The files that the imported maps came from, read once more exactly as the import read them."""

from __future__ import annotations

from pathlib import Path

from music_gui.core.errors import InputError
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.participants_tsv import read_participants
from music_gui.io.ravens_map import RavensMap, read_ravens_map
from music_gui.io.study import Study


def original_paths(study: Study, maps: MaskedMaps) -> list[Path]:
    """Return the original image of each row of the masked maps.

    Raises
    ------
    InputError
        If the participants are not those of the maps.
    """
    table = read_participants(study.participants)
    ids = list(zip(table["participant_id"], table["session_id"], strict=True))
    if ids != list(zip(maps.participant_ids, maps.session_ids, strict=True)):
        raise InputError(
            "the participants are not those of the imported maps",
            where=str(study.participants),
            remedy="Import the maps again",
        )
    # Relative paths are relative to the table; joining leaves absolute ones as they are.
    return [study.participants.parent / str(path) for path in table["path"]]


def read_original(maps: MaskedMaps, row: int, path: Path) -> RavensMap:
    """Read the image of a row.

    Raises
    ------
    InputError
        If it can't be read, or is not what was imported.
    """
    image = read_ravens_map(
        path,
        grid=maps.grid,
        reference_name="the imported maps",
        ravens_scale="auto" if maps.ravens_scale is None else maps.ravens_scale,
        xform=maps.xform,
        volume=maps.volume,
    )
    if not maps.holds(row, image.data[maps.mask]):
        raise InputError(
            "the file has changed since it was imported", remedy="Import the maps again"
        )
    return image
