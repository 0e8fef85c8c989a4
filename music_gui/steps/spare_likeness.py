"""Values of imported maps where an atlas has labels, to compare new maps with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.spare.likeness import CoarseCells
from music_gui.io.masked_maps import MaskedMaps


class ImportedMaps:
    """The study's masked maps, seen through the labelled voxels of an atlas.

    Parameters
    ----------
    maps : MaskedMaps
    cells : CoarseCells

    Raises
    ------
    GridMismatchError
        If the maps do not reach as far as the atlas.
    """

    def __init__(self, maps: MaskedMaps, cells: CoarseCells) -> None:
        flat = cells.voxels_in(maps.grid)
        mask = maps.mask.ravel()
        self._inside = mask[flat]
        self._columns = (np.cumsum(mask) - 1)[flat[self._inside]]
        self._maps = maps
        self._row_of = {
            key: row
            for row, key in enumerate(zip(maps.participant_ids, maps.session_ids, strict=True))
        }

    def values(self, participant_id: str, session_id: str) -> NDArray[np.float64]:
        """Return one map's values, shape (n_labelled_voxels,), 0 outside the mask.

        Raises
        ------
        InputError
            If the map is not among those imported.
        """
        row = self._row_of.get((participant_id, session_id))
        if row is None:
            raise InputError(
                f"the map of {participant_id} {session_id} is not among those imported",
                where=str(self._maps.folder),
            )
        values = np.zeros(len(self._inside))
        values[self._inside] = self._maps.maps[row][self._columns]
        return values
