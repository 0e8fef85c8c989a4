"""The state of an interrupted fit: plain arrays that know which fit they belong to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError

#: All that a fit needs to go on as if it had not been interrupted.
FitState = dict[str, NDArray[Any]]

#: Raised when the arrays of a state, or what is done with them, change.
_STATE_VERSION = 2


class CheckpointError(ParameterError):
    """A state can't be resumed from, since it belongs to another fit."""


def array_digest(*arrays: NDArray[Any]) -> str:
    """Return a digest of the shapes, types and values of arrays, 32 hexadecimal digits."""
    hasher = hashlib.blake2b(digest_size=16)
    for array in arrays:
        hasher.update(f"{array.shape} {array.dtype.str}".encode())
        hasher.update(np.ascontiguousarray(array).data)
    return hasher.hexdigest()


def fingerprint(
    algorithm: str,
    parameters: Mapping[str, Any],
    X: NDArray[np.float32],
    squared_norms: NDArray[np.float64],
) -> str:
    """Describe a fit by all that decides its course.

    Parameters
    ----------
    algorithm : str
        Name of the estimator.
    parameters : mapping
        Those that decide the course. Arrays enter by their digest; what is neither number nor
        text (a generator, None) counts as a seed that the state alone knows.
    X : ndarray, shape (n_images, n_voxels), float32
        The maps. They are told from others, and from themselves in another order, by the norm of
        each image and the values of the first and the last.
    squared_norms : ndarray, shape (n_images,), float64
        Squared length of each image.

    Returns
    -------
    str
        JSON.
    """
    return json.dumps(
        {
            "state_version": _STATE_VERSION,
            "algorithm": algorithm,
            "shape": list(X.shape),
            "images": array_digest(squared_norms, X[0], X[-1]),
            **{name: _as_json(value) for name, value in parameters.items()},
        },
        sort_keys=True,
    )


def check_fingerprint(state: FitState, expected: str) -> None:
    """Refuse a state that belongs to another fit.

    Raises
    ------
    CheckpointError
        Naming what differs.
    """
    found = str(state.get("fingerprint", "{}"))
    if found == expected:
        return
    ours, theirs = json.loads(expected), json.loads(found)
    names = sorted({*ours, *theirs})
    differing = [name for name in names if ours.get(name) != theirs.get(name)]
    raise CheckpointError(
        "the checkpoint belongs to another fit",
        why=f"it differs in {', '.join(differing)}",
        remedy="Start the fit anew",
    )


def _as_json(value: object) -> Any:
    if isinstance(value, np.ndarray):
        return array_digest(value)
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float) else None
