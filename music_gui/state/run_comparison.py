"""Two fits side by side: their figures, and the parameters in which they differ."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.state.fit_run import FitRun
from music_gui.state.job_text import duration_text

_NOT_KNOWN = "–"


@dataclass(frozen=True)
class ComparedFigure:
    """A row of the comparison.

    Parameters
    ----------
    name : str
        What it is.
    values : tuple of str
        For each run.
    """

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs differ in it."""
        return len(set(self.values)) > 1


def compare_runs(runs: list[FitRun]) -> list[ComparedFigure]:
    """Return the figures of one run or two.

    Parameters
    ----------
    runs : list of FitRun
        One, whose parameters are all listed, or two, of whose parameters those that differ.
    """
    figures: list[tuple[str, Callable[[FitRun], str]]] = [
        ("Algorithm", lambda run: run.algorithm or _NOT_KNOWN),
        ("Scale", lambda run: f"C{run.scale}" if run.scale else _NOT_KNOWN),
        ("Epochs", lambda run: f"{run.log.n_epochs:,}" + (" so far" if run.is_running else "")),
        ("Last loss", lambda run: _loss(run, -1)),
        ("Best loss", lambda run: _loss(run, run.log.best)),
        ("Best epoch", _best_epoch),
        ("Sparsity", lambda run: _number(_last(run.log.sparsity), "{:.4f}")),
        ("Vanished", lambda run: _number(_last(run.log.n_vanished), "{:,.0f}")),
        ("Time an epoch", lambda run: _time(run.log.seconds_per_epoch)),
    ]
    rows = [ComparedFigure(name, tuple(map(figure, runs))) for name, figure in figures]
    if len(runs) == 2 and all(run.log.is_relative for run in runs):
        rows.insert(5, ComparedFigure("B against A", ("", _change(*runs))))
    return rows + _parameters(runs)


def _parameters(runs: list[FitRun]) -> list[ComparedFigure]:
    if not all(run.parameters for run in runs):
        return []
    names = dict.fromkeys(name for run in runs for name in run.parameters if name != "scales")
    rows = [
        ComparedFigure(
            name.replace("_", " "),
            tuple(_text(run.parameters.get(name, _NOT_KNOWN)) for run in runs),
        )
        for name in names
        if name not in ("algorithm", "atlas")
    ]
    return rows if len(runs) == 1 else [row for row in rows if row.differs]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _loss(run: FitRun, place: int | None) -> str:
    if place is None or run.log.n_epochs == 0:
        return _NOT_KNOWN
    return _number(float(run.log.loss[place]), "{:.5f}" if run.log.is_relative else "{:.5g}")


def _best_epoch(run: FitRun) -> str:
    best = run.log.best
    return _NOT_KNOWN if best is None else f"{run.log.epoch[best]:,.0f}"


def _change(a: FitRun, b: FitRun) -> str:
    if a.log.best is None or b.log.best is None:
        return _NOT_KNOWN
    before, after = a.log.loss[a.log.best], b.log.loss[b.log.best]
    if before == 0:
        return _NOT_KNOWN
    return f"{100 * (after - before) / before:+.2f} %".replace("-", "\N{MINUS SIGN}")


def _last(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else math.nan


def _number(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else _NOT_KNOWN


def _time(seconds: float | None) -> str:
    if seconds is None:
        return _NOT_KNOWN
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.2f} s" if seconds < 60 else duration_text(seconds)
