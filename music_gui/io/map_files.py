"""Find maps in a folder, and tell from their names whose they are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from music_gui.core.errors import InputError

_SUFFIXES = (".nii.gz", ".nii")
_ENTITY = re.compile(r"(?:^|[_/])(sub|ses)-([A-Za-z0-9]+)(?=[_./]|$)")
_SEPARATORS = "_-. "


def find_maps(folder: Path) -> list[Path]:
    """List all NIfTI files under a folder, sorted.

    Hidden files and folders are passed over, and so are studies: the images in them are results.

    Raises
    ------
    InputError
        If the folder does not exist or holds none.
    """
    if not folder.is_dir():
        raise InputError("this is not a folder", where=str(folder))
    found = []
    for parent, folders, files in os.walk(folder):
        if "study.json" in files and Path(parent) != folder:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent) / name
            for name in files
            if name.lower().endswith(_SUFFIXES) and not name.startswith(".")
        ]
    if not found:
        raise InputError(
            "the folder holds no maps",
            where=str(folder),
            why="no file in it ends in .nii or .nii.gz",
        )
    return sorted(found)


def name_maps(paths: Sequence[Path]) -> list[tuple[str, str | None]]:
    """Tell participant and session of each file.

    BIDS names (``sub-01_ses-02_...`` or folders ``sub-01/ses-02``) say both. Of other names, the
    part that all files end in is dropped (``IXI013_GM.nii.gz`` is ``IXI013`` if all end in
    ``_GM``); files that are all named alike get the name of their folder.

    Returns
    -------
    list of (participant_id, session_id)
        ``participant_id`` with ``sub-``, as in BIDS tables; ``session_id`` is None where the
        name tells none.
    """
    entities = [dict(_ENTITY.findall(_stem(path))) or _entities(path) for path in paths]
    others = [path for path, found in zip(paths, entities, strict=True) if "sub" not in found]
    names = dict(zip(others, _distinct_names(others), strict=True))
    named: list[tuple[str, str | None]] = []
    for path, found in zip(paths, entities, strict=True):
        participant = f"sub-{found['sub']}" if "sub" in found else names[path]
        session = found.get("ses") or _entities(path).get("ses")
        named.append((participant, f"ses-{session}" if session else None))
    return named


def _entities(path: Path) -> dict[str, str]:
    """Return the entities of the file's name and its two folders."""
    near = "/".join((*path.parent.parts[-2:], _stem(path)))
    return dict(_ENTITY.findall(near))


def _stem(path: Path) -> str:
    name = path.name
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def _distinct_names(paths: Sequence[Path]) -> list[str]:
    stems = [_stem(path) for path in paths]
    shortened = _without_common_end(stems)
    if len(set(shortened)) == len(stems):
        return shortened
    folders = [path.parent.name for path in paths]
    return folders if len(set(folders)) == len(folders) else stems


def _without_common_end(names: Sequence[str]) -> list[str]:
    """Drop what all names end in, from a separator on."""
    if len(names) < 2:
        return list(names)
    backwards = zip(*(reversed(name) for name in names), strict=False)
    end = [each[0] for each in takewhile(lambda letters: len(set(letters)) == 1, backwards)]
    n_dropped = max((n for n, letter in enumerate(end, 1) if letter in _SEPARATORS), default=0)
    short = [name[: len(name) - n_dropped] for name in names]
    return short if all(short) else list(names)
