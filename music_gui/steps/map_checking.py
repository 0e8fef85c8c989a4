"""Check one map after another, and keep what was decoded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError, MusicError
from music_gui.core.grid import Grid
from music_gui.io.map_cache import MapCache
from music_gui.io.nifti_header import Xform
from music_gui.io.ravens_map import RavensMap, read_ravens_map
from music_gui.steps.import_target import ImportTarget

_T = TypeVar("_T")

#: What the cache keeps of a map besides its voxels.
_FACTS = ("scale", "total_gm_ml", "n_nan", "warnings")


@dataclass(frozen=True, eq=False)
class MapChecker:
    """Checks maps against a target; what it decoded before, it takes from the cache.

    Attributes
    ----------
    cache : MapCache
        Where decoded maps are kept.
    target : ImportTarget
        Where maps have to lie.
    ravens_scale : float or "auto"
        As in `read_ravens_map`.
    xform : {"auto", "sform", "qform"}
    volume : int or None
        As in `read_ravens_map`.
    """

    cache: MapCache
    target: ImportTarget
    ravens_scale: float | Literal["auto"]
    xform: Xform
    volume: int | None

    def check(self, path: Path) -> tuple[str, RavensMap] | MusicError:
        """Check a file.

        Returns
        -------
        key : str
            The map's name in the cache.
        ravens : RavensMap
            Its ``data`` flat, in C order of the target's grid. Or, instead of both, the error.
        """
        key = error_or(lambda: self.cache.key(path, self._settings()))
        if isinstance(key, MusicError):
            return key
        if cached := self.cache.load(key):
            return key, RavensMap(cached[0], self.target.grid, **json.loads(cached[1]))
        ravens = error_or(lambda: self._read(path))
        if isinstance(ravens, MusicError):
            return ravens
        values = np.ascontiguousarray(ravens.data).ravel()
        facts = {name: getattr(ravens, name) for name in _FACTS}
        self.cache.store(key, values, json.dumps(facts))
        return key, RavensMap(values, self.target.grid, **facts)

    def _read(self, path: Path) -> RavensMap:
        return read_ravens_map(
            path,
            grid=self.target.grid,
            reference_name=self.target.name,
            ravens_scale=self.ravens_scale,
            xform=self.xform,
            volume=self.volume,
        )

    def _settings(self) -> str:
        grid = self.target.grid
        where = f"{grid.shape} {grid.affine.round(6).tolist()}"
        return f"{where} {self.ravens_scale} {self.xform} {self.volume}"


def error_or(read: Callable[[], _T]) -> _T | MusicError:
    """Read something of one map; what goes wrong with one must not stop the others."""
    try:
        return read()
    except MusicError as error:
        return error
    except FileNotFoundError:
        return InputError("the file does not exist")
    except OSError as error:
        return InputError("the file can't be read", why=error.strerror or str(error))
    except (ValueError, ArithmeticError) as error:
        return InputError("the file can't be understood", why=f"{type(error).__name__}: {error}")


def without_value(masked: NDArray[np.float32], voxels: NDArray[np.int64], grid: Grid) -> str:
    """Say which voxels of a mask hold no value; empty if all do.

    Parameters
    ----------
    masked : ndarray, shape (n_voxels,)
        A map's values in the mask.
    voxels : ndarray, shape (n_voxels,)
        Where they lie in the flattened grid.
    grid : Grid
        Of the map.
    """
    missing = voxels[np.isnan(masked)]
    if not missing.size:
        return ""
    ijk = np.array(np.unravel_index(missing[0], grid.shape))
    x, y, z = grid.to_world(ijk)
    return (
        f"{missing.size} voxels of the mask hold no value (NaN), the first at "
        f"{tuple(ijk.tolist())}, x y z = {x:g} {y:g} {z:g} mm"
    )


def agreed_scale(scales: Mapping[int, float]) -> tuple[float, dict[int, str]]:
    """Find the RAVENS scale that most maps have, of equals the smaller.

    Parameters
    ----------
    scales : mapping of int to float
        Row -> what its total grey matter tells; at least one.

    Returns
    -------
    common : float
    others : dict of int to str
        The rows with another scale, and why they can't be taken with the rest.
    """
    counts = Counter(scales.values())
    common = min(counts, key=lambda scale: (-counts[scale], scale))
    return common, {
        row: f"its total grey matter is that of values multiplied by {scale:g}, that of most "
        f"maps by {common:g}"
        for row, scale in scales.items()
        if scale != common
    }
