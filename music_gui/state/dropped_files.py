"""What files and folders that were dropped on the window are meant for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from music_gui.core.errors import InputError

_TABLES = (".tsv", ".csv", ".txt")
_IMAGES = (".nii", ".nii.gz")
_PAINTABLE = (*_TABLES, *(f"{suffix}.gz" for suffix in _TABLES), ".parquet")

#: Of a dialog that asks for a table to paint.
TABLE_FILTER = f"Tables ({' '.join(f'*{suffix}' for suffix in _PAINTABLE)})"


def study_in(paths: Sequence[Path]) -> Path | None:
    """Return the study's folder if one was dropped, or its ``study.json``."""
    if len(paths) != 1:
        return None
    folder = paths[0].parent if paths[0].name == "study.json" else paths[0]
    return folder if (folder / "study.json").is_file() else None


def image_in(paths: Sequence[Path]) -> Path | None:
    """Return the image if one alone was dropped."""
    is_image = len(paths) == 1 and paths[0].name.lower().endswith(_IMAGES)
    return paths[0] if is_image else None


def table_in(paths: Sequence[Path]) -> Path | None:
    """Return the table, which may hold values of PSCs, if one alone was dropped."""
    is_table = len(paths) == 1 and paths[0].name.lower().endswith(_PAINTABLE)
    return paths[0] if is_table else None


def import_values(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the answers to ``import-maps`` that dropped files and folders stand for.

    Raises
    ------
    InputError
        If they are neither maps, nor one folder, nor one table of participants.
    """
    folders = [str(path) for path in paths if path.is_dir()]
    tables = [str(path) for path in paths if path.name.lower().endswith(_TABLES)]
    images = [str(path) for path in paths if path.name.lower().endswith(_IMAGES)]
    others = len(paths) - len(folders) - len(tables) - len(images)
    if others or len(folders) > 1 or len(tables) > 1 or not paths:
        raise InputError(
            "these files can't be imported together",
            where=", ".join(path.name for path in paths[:5]),
            remedy="Drop maps (.nii, .nii.gz), or one folder of maps, or one table of "
            "participants (.tsv, .csv), or a study's folder to open it",
        )
    values: dict[str, Any] = {}
    if folders:
        values["folder"] = folders[0]
    if tables:
        values["participants"] = tables[0]
    if images:
        values["files"] = images
    return values
