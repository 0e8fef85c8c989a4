"""What the choice of C rests on: a folder with a table of figures, its record, and the splits.

``scale_choice.tsv`` has a row for each algorithm, scale, split and repeat; ``run.json`` says what
the columns are and how the figures were made; ``splits.tsv`` says which map lay in which part.
No figure needs a numerical library to be read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from music_gui.core.errors import DamagedFileError, InputError
from music_gui.io.atomic import write_json, write_text

#: Raised when a change of the format makes older versions misread it.
FORMAT_VERSION = 1

TABLE, RECORD, SPLITS = "scale_choice.tsv", "run.json", "splits.tsv"

#: What the columns are, as the record says.
COLUMNS = {
    "algorithm": "exact-onmf or sopnmf",
    "scale": "number of components, C",
    "split": "halves: two random halves of the participants; sex: women and men",
    "repeat": "number of the split, from 1",
    "n_first": "maps in the first part",
    "n_second": "maps in the second part",
    "seed_first": "seed of the first part's fit",
    "seed_second": "seed of the second part's fit",
    "loss": "relative squared reconstruction error of the fit of all maps",
    "sparsity": "Hoyer sparsity of the fit of all maps, 0 to 1",
    "n_vanished": "components of the fit of all maps that win no voxel",
    "n_epochs": "passes over the maps of the fit of all maps",
    "loss_first": "loss of the first part's components on the first part",
    "loss_second": "loss of the second part's components on the second part",
    "loss_first_on_second": "loss of the first part's components on the second part",
    "loss_second_on_first": "loss of the second part's components on the first part",
    "n_vanished_first": "components of the first part that win no voxel",
    "n_vanished_second": "components of the second part that win no voxel",
    "n_epochs_first": "passes over the maps of the first part's fit",
    "n_epochs_second": "passes over the maps of the second part's fit",
    "ri_mean": "reproducibility index: mean inner product of matched components of length 1",
    "ri_median": "median inner product of matched components",
    "ri_sd": "standard deviation of the inner products over components",
    "ari": "adjusted Rand index of the two parts' labels (argmax) over all voxels",
}


@dataclass(frozen=True)
class _Figures:
    """Figures that can be taken from the values of a row or of a message."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take the fields from values by name; others are passed over.

        Raises
        ------
        KeyError, TypeError, ValueError
            If one is missing or is no number.
        """
        types = {"int": int, "float": float, "str": str}
        return cls(**{each.name: types[str(each.type)](values[each.name]) for each in fields(cls)})


@dataclass(frozen=True)
class WholeFit(_Figures):
    """The fit of all maps at one scale.

    Parameters
    ----------
    algorithm : str
        ``exact-onmf`` or ``sopnmf``.
    scale : int
        C.
    loss : float
        Relative squared reconstruction error.
    sparsity : float
        Hoyer sparsity.
    n_vanished : int
        Components that win no voxel.
    n_epochs : int
        Passes over the maps.
    """

    algorithm: str
    scale: int
    loss: float
    sparsity: float
    n_vanished: int
    n_epochs: int


@dataclass(frozen=True)
class SplitComparison(_Figures):
    """Two parts of the cohort that were fitted apart, at one scale: a row of the table.

    The fields are the table's columns and described in `COLUMNS`.
    """

    algorithm: str
    scale: int
    split: str
    repeat: int
    n_first: int
    n_second: int
    seed_first: int
    seed_second: int
    loss: float
    sparsity: float
    n_vanished: int
    n_epochs: int
    loss_first: float
    loss_second: float
    loss_first_on_second: float
    loss_second_on_first: float
    n_vanished_first: int
    n_vanished_second: int
    n_epochs_first: int
    n_epochs_second: int
    ri_mean: float
    ri_median: float
    ri_sd: float
    ari: float

    @property
    def whole(self) -> WholeFit:
        """The fit of all maps that it belongs to."""
        return WholeFit.of(vars(self))

    @property
    def longest(self) -> int:
        """Most passes over the maps of its three fits."""
        return max(self.n_epochs, self.n_epochs_first, self.n_epochs_second)

    @property
    def own_loss(self) -> float:
        """Mean loss of the parts on their own maps."""
        return (self.loss_first + self.loss_second) / 2

    @property
    def held_out_loss(self) -> float:
        """Mean loss of the parts on each other's maps."""
        return (self.loss_first_on_second + self.loss_second_on_first) / 2


@dataclass(frozen=True)
class ScaleChoiceTable:
    """Figures and their record.

    Parameters
    ----------
    rows : tuple of SplitComparison
        In the order in which they were computed.
    record : dict
        ``run.json``.
    """

    rows: tuple[SplitComparison, ...]
    record: dict[str, Any]


def rows_as_text(rows: Sequence[SplitComparison]) -> str:
    """Return rows as tab-separated text under the names of the columns."""
    names = [each.name for each in fields(SplitComparison)]
    lines = ["\t".join(names)]
    lines += ["\t".join(_as_text(getattr(row, name)) for name in names) for row in rows]
    return "\n".join(lines) + "\n"


def write_scale_choice(
    folder: Path,
    rows: Sequence[SplitComparison],
    splits: Mapping[str, Sequence[str]],
    record: Mapping[str, Any],
) -> None:
    """Write figures, splits and record; the same ones give the same bytes.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    rows : sequence of SplitComparison
    splits : mapping of str to sequence of str
        Columns of ``splits.tsv``, one value a map.
    record : mapping
        What ``run.json`` says besides the format and the columns.
    """
    lines = ["\t".join(splits)]
    lines += ["\t".join(values) for values in zip(*splits.values(), strict=True)]
    write_text(folder / SPLITS, "\n".join(lines) + "\n")
    write_text(folder / TABLE, rows_as_text(rows))
    columns = {"format_version": FORMAT_VERSION, "columns": COLUMNS}
    write_json(folder / RECORD, columns | dict(record))


def read_scale_choice(folder: Path) -> ScaleChoiceTable:
    """Read what `write_scale_choice` wrote.

    Raises
    ------
    InputError
        If a file is missing, damaged or of a newer version.
    """
    record = _read_record(folder / RECORD)
    path = folder / TABLE
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    header, *lines = text.split("\n")
    names = header.split("\t")
    if lines[-1:] != [""] or not {each.name for each in fields(SplitComparison)} <= set(names):
        raise _damaged(path, "it is cut off")
    rows = []
    for number, line in enumerate(lines[:-1], start=2):
        try:
            rows.append(SplitComparison.of(dict(zip(names, line.split("\t"), strict=True))))
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, f"line {number} can't be read: {error}") from error
    return ScaleChoiceTable(tuple(rows), record)


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        version = int(record["format_version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    if version > FORMAT_VERSION:
        raise InputError(
            "the figures were written by a newer version",
            where=str(path),
            why=f"their format has version {version}, "
            f"this application knows up to {FORMAT_VERSION}",
            remedy="Update MuSIC GUI to open them",
        )
    return record


def _as_text(value: str | int | float) -> str:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.10g}"
    return str(value)


def _damaged(path: Path, why: object) -> InputError:
    remedy = "Run the comparison of scales again"
    if isinstance(why, FileNotFoundError):
        return InputError("the file is missing", where=str(path), remedy=remedy)
    return DamagedFileError(
        "the figures of the scales can't be read", where=str(path), why=str(why), remedy=remedy
    )
