"""The curves of fits as text that other programs open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from music_gui.state.fit_run import FitRun

_COLUMNS = ("epoch", "loss", "sparsity", "n_vanished", "seconds")


def curves_table(runs: Sequence[FitRun]) -> str:
    """Return tab-separated text: a row an epoch, runs under one another, ``n/a`` if not known."""
    lines = ["\t".join(("run", *_COLUMNS))]
    for run in runs:
        title = run.title.replace("\t", " ")
        columns = [getattr(run.log, name) for name in _COLUMNS]
        for values in zip(*columns, strict=True):
            cells = ["n/a" if math.isnan(value) else f"{value:.10g}" for value in values]
            lines.append("\t".join((title, *cells)))
    return "\n".join(lines) + "\n"
