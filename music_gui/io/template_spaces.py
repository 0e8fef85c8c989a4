"""The template spaces that come with the application, and their affines to MNI152."""

from __future__ import annotations

import json

import numpy as np

from music_gui.core.anatomy import Space
from music_gui.core.grid import Grid
from music_gui.io.resources import SPACES, resource


def read_spaces() -> tuple[Space, ...]:
    """Return the spaces other than MNI152 that are known."""
    entries = json.loads(resource(SPACES).read_text(encoding="utf-8"))
    return tuple(
        Space(
            name=entry["name"],
            to_mni=np.array(entry["to_mni"], dtype=np.float64),
            grids=tuple(
                Grid((grid["shape"][0], grid["shape"][1], grid["shape"][2]),
                     np.array(grid["affine"], dtype=np.float64))
                for grid in entry["grids"]
            ),
            hashes=frozenset(entry["hashes"]),
            note=entry["note"],
        )
        for entry in entries
    )  # fmt: skip
