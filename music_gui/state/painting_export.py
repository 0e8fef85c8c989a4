"""The data behind a painted figure: a table of its values and a description of its colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from music_gui import __version__
from music_gui.core.atlas import Atlas
from music_gui.state.painted_values import PaintedValues

if TYPE_CHECKING:
    from collections.abc import Sequence


def export_painting(
    picture: Path, painted: PaintedValues, atlas: Atlas, scale: int, *, simulated: bool
) -> tuple[Path, Path]:
    """Write what a picture shows as numbers beside it.

    Parameters
    ----------
    picture : Path
        The picture's file; it need not exist yet.
    painted : PaintedValues
        What is painted.
    atlas : Atlas
        On which it is painted.
    scale : int
        Of the atlas.
    simulated : bool
        The data are made up.

    Returns
    -------
    tuple of Path
        A table with a row a PSC (``.tsv``) and its description (``.json``).
    """
    from music_gui.io.atomic import write_json
    from music_gui.io.psc_values import write_psc_values

    table, description = picture.with_suffix(".tsv"), picture.with_suffix(".json")
    write_psc_values(table, _columns(painted, atlas, scale))
    column, style = painted.column, painted.column.style
    write_json(
        description,
        {
            "title": column.title,
            "unit": column.unit,
            "source": column.source,
            "notes": list(column.notes),
            "atlas": atlas.name,
            "scale": scale,
            "color_map": style.color_map or f"{column.kind} (default)",
            "range": [painted.low, painted.high],
            "threshold": style.threshold,
            "threshold_meaning": painted.level,
            "threshold_value": painted.threshold,
            "n_values": painted.n_values,
            "n_passed": painted.n_passed,
            "n_missing": painted.n_missing,
            "vanished": [n for n, here in zip(painted.names, painted.present, strict=True)
                         if not here],
            "simulated": simulated,
            "made_with": f"MuSIC GUI {__version__}",
        },
    )  # fmt: skip
    return table, description


def _columns(
    painted: PaintedValues, atlas: Atlas, scale: int
) -> dict[str, Sequence[str | float | bool]]:
    """Return a row for each PSC that has not vanished."""
    whole, column = atlas.scales[scale], painted.column
    here = np.flatnonzero(painted.present).tolist()
    names = [painted.names[at] for at in here]
    centres = atlas.grid.to_world(whole.centre_voxels[here])
    columns: dict[str, Sequence[str | float | bool]] = {
        "psc": names,
        "value": painted.values[here].tolist(),
    }
    if column.neg_log_10_p is not None:
        columns["neg_log_10_p_value"] = [
            float(column.neg_log_10_p.get(name, np.nan)) for name in names
        ]
    if column.at_least:
        columns["is_lower_bound"] = [name in column.at_least for name in names]
    if painted.level:
        columns["passes_threshold"] = painted.passes[here].tolist()
    if whole.regions:
        columns["region"] = [whole.regions[at] for at in here]
    columns["volume_mm3"] = (whole.voxel_counts[here] * atlas.grid.voxel_volume).tolist()
    for axis, letter in enumerate("xyz"):
        columns[letter] = (centres[:, axis] + 0.0).round(2).tolist()
    return columns
