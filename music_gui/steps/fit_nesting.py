"""How well the scales of a fit nest, and what nesting costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from music_gui.core.atlas import Nesting, nesting, psc_name

#: Shares below this are left out of the table: a stray voxel.
_LEAST_SHARE = 0.001


@dataclass(frozen=True, eq=False)
class ScaleLabels:
    """What one fit says about each voxel.

    Parameters
    ----------
    scale : int
        C.
    labels : ndarray, shape (n_voxels,), int32
        From 1; 0 for voxels of no component.
    loss : float
        Relative squared Frobenius loss of the fit.
    """

    scale: int
    labels: NDArray[np.int32]
    loss: float

    def within(self, coarser: ScaleLabels, energies: NDArray[np.float64]) -> Nesting:
        """Say how well this scale nests in a coarser one; voxels count by their energy."""
        return nesting(
            coarser.labels, self.labels, energies, n_coarse=coarser.scale, n_fine=self.scale
        )


@dataclass(frozen=True, eq=False)
class NestingReport:
    """How well a scale nests in the scale before, and how a free fit compares.

    Parameters
    ----------
    mode : str
        As the step's parameter: ``no``, ``start`` or ``strict``.
    coarser, finer : ScaleLabels
        The two scales.
    nesting : Nesting
        Of their labels.
    free : ScaleLabels or None
        The finer scale fitted by itself, where nesting was asked for and compared.
    free_nesting : Nesting or None
        How that nests in the coarser scale fitted by itself.
    """

    mode: str
    coarser: ScaleLabels
    finer: ScaleLabels
    nesting: Nesting
    free: ScaleLabels | None = None
    free_nesting: Nesting | None = None

    @property
    def cost(self) -> float | None:
        """How much higher the loss is than that of the free fit, as a share of that."""
        return None if self.free is None else self.finer.loss / self.free.loss - 1

    def as_record(self) -> dict[str, Any]:
        """Return the figures, ready for JSON; voxels count by their energy over all maps."""
        record: dict[str, Any] = {
            "mode": self.mode,
            "coarser_scale": self.coarser.scale,
            "share_in_best_parent": _figures(self.nesting),
        }
        if self.free is not None and self.free_nesting is not None:
            record["free_fit"] = {
                "loss": self.free.loss,
                "share_in_best_parent": _figures(self.free_nesting),
            }
            record["relative_cost_in_loss"] = self.cost
        return record

    def as_table(self) -> str:
        """Return a line for each child and parent that share voxels, the best parent first."""
        lines = ["child\tparent\tshare"]
        lines += [f"{child}\t{parent}\t{share:.6g}" for child, parent, share in self._pairs()]
        return "\n".join(lines) + "\n"

    def as_sentence(self) -> str:
        """Return the figures in words."""
        sentence = (
            f"C{self.finer.scale} lies {_percent(self.nesting.overall)} within its parents of "
            f"C{self.coarser.scale}"
        )
        if self.cost is None or self.free_nesting is None:
            return sentence
        change = f"{100 * abs(self.cost):.2f} % {'higher' if self.cost >= 0 else 'lower'}"
        return (
            f"{sentence} ({_percent(self.free_nesting.overall)} if fitted by itself), at a loss "
            f"{change}"
        )

    def _pairs(self) -> Iterator[tuple[str, str, float]]:
        for child, shares in enumerate(self.nesting.shares, start=1):
            for parent in np.argsort(-shares, kind="stable"):
                if shares[parent] < _LEAST_SHARE:
                    break
                yield (
                    psc_name(self.finer.scale, child),
                    psc_name(self.coarser.scale, int(parent) + 1),
                    float(shares[parent]),
                )


class ScaleLadder:
    """The scale fitted last, in which the next one nests and by which it is judged.

    Parameters
    ----------
    mode : str
        As the step's parameter: ``no``, ``start`` or ``strict``.
    energies : ndarray, shape (n_voxels,), float64
        What each voxel counts: its squared length over all maps.
    """

    def __init__(self, mode: str, energies: NDArray[np.float64]) -> None:
        self._mode, self._energies = mode, energies
        self._last: ScaleLabels | None = None
        self._last_free: ScaleLabels | None = None

    @property
    def coarser(self) -> NDArray[np.int32] | None:
        """Labels of the scale that the next one is to nest in, or None."""
        return None if self._mode == "no" or self._last is None else self._last.labels

    def add(self, labels: ScaleLabels, free: ScaleLabels | None) -> NestingReport | None:
        """Take in the next scale, and the same one fitted by itself if it was."""
        last, last_free = self._last, self._last_free
        self._last, self._last_free = labels, free or labels
        if last is None:
            return None
        found = labels.within(last, self._energies)
        if free is None or last_free is None:
            return NestingReport(self._mode, last, labels, found)
        free_nesting = free.within(last_free, self._energies)
        return NestingReport(self._mode, last, labels, found, free, free_nesting)


def _figures(found: Nesting) -> dict[str, float]:
    return {"mean": found.mean, "median": found.median, "overall": found.overall}


def _percent(share: float) -> str:
    """Write a share in percent; only a whole is 100 %."""
    return "100 %" if share > 1 - 1e-12 else f"{min(100 * share, 99.9):.1f} %"
