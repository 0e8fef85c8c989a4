"""The state of an interrupted fit: plain arrays that know which fit they belong to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import ParameterError

#: All that a fit needs to go on as if it had not been interrupted.
FitState = dict[str, NDArray[Any]]


class CheckpointError(ParameterError):
    """A state can't be resumed from, since it belongs to another fit."""


def fingerprint(
    estimator: object, parameters: Iterable[str], X: NDArray[np.float32], squared_norm: float
) -> str:
    """Describe a fit by its algorithm, the parameters that decide its course, and its data."""
    return json.dumps(
        {
            "algorithm": type(estimator).__name__,
            "shape": list(X.shape),
            "squared_norm": squared_norm.hex(),
            **{name: getattr(estimator, name) for name in parameters},
        },
        default=str,
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
    differing = [name for name, value in ours.items() if theirs.get(name) != value]
    raise CheckpointError(
        "the checkpoint belongs to another fit",
        why=f"it differs in {', '.join(differing)}",
        remedy="Start the fit anew",
    )
