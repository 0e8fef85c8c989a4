"""How a fit converged, as it was written down: our tables, other tables, the reference's log."""

from __future__ import annotations

import csv
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from music_gui.core.errors import InputError

#: Names under which tables have the columns, in small letters.
_NAMES = {
    "epoch": ("epoch", "iteration", "iter", "step", "number"),
    "loss": ("loss", "reconstruction_error", "reconstruction_err", "rel", "batch_loss"),
    "sparsity": ("sparsity", "hoyer", "hoyer_sparsity"),
    "n_vanished": ("n_vanished", "vanished"),
    "seconds": ("seconds", "time", "t"),
}

#: Tags of the scalars that the reference (sopnmf 0.0.4, ``utils.py``) writes with tensorboardX:
#: after each epoch of its mini-batch solver, or each iteration of its opNMF.
_TAGS = {"batch_loss": "loss", "loss": "loss", "sparsity": "sparsity"}

_EVENT_FILE = "tfevents"
_MISSING = ("", "na", "nan", "n/a", "none")
_FIELDS = ("epoch", "loss", "sparsity", "n_vanished", "seconds")


@dataclass(frozen=True, eq=False)
class ConvergenceLog:
    """Figures after each epoch, shape (n_epochs,) float64 each, NaN where not known.

    Parameters
    ----------
    epoch : ndarray
        Counted from 1.
    loss : ndarray
        Squared Frobenius loss; divided by ``|X|^2`` if `is_relative`.
    sparsity : ndarray
        Hoyer sparsity.
    n_vanished : ndarray
        Components that win no voxel.
    seconds : ndarray
        Since some moment before the first epoch.
    is_relative : bool
        Whether losses of different data can be compared.
    """

    epoch: NDArray[np.float64]
    loss: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    n_vanished: NDArray[np.float64]
    seconds: NDArray[np.float64]
    is_relative: bool = True

    @classmethod
    def of(cls, rows: list[dict[str, float | None]], *, is_relative: bool = True) -> Self:
        """Make a log of rows; what a row lacks is not known."""
        columns = {
            name: np.array(
                [math.nan if (value := row.get(name)) is None else value for row in rows],
                dtype=np.float64,
            )
            for name in _FIELDS
        }
        return cls(**columns, is_relative=is_relative)

    @property
    def n_epochs(self) -> int:
        """Number of epochs."""
        return len(self.epoch)

    @property
    def best(self) -> int | None:
        """Index of the lowest loss, the first of equal ones; None if no loss is known."""
        return None if np.isnan(self.loss).all() else int(np.nanargmin(self.loss))

    @property
    def seconds_per_epoch(self) -> float | None:
        """Median time from one epoch to the next; None if not known.

        An interrupted fit starts its clock again: that step back is left out.
        """
        steps = np.diff(self.seconds) / np.maximum(np.diff(self.epoch), 1)
        steps = steps[np.isfinite(steps) & (steps > 0)]
        return float(np.median(steps)) if len(steps) else None


def is_convergence_log(path: Path) -> bool:
    """Tell from the name alone whether a file or a folder may be a log of a fit."""
    return path.suffix.lower() in (".tsv", ".csv", ".txt") or _EVENT_FILE in path.name


def read_convergence_log(path: Path) -> ConvergenceLog:
    """Read a log of a fit.

    Parameters
    ----------
    path : Path
        A table with a column ``loss`` (TSV, CSV or columns of text; also ``epoch``,
        ``sparsity``, ``n_vanished``, ``seconds``), or what the reference package writes under
        ``log_dir/component_C``: the file ``events.out.tfevents.*``, or its folder.

    Raises
    ------
    InputError
        If the file is missing, or is no such log.
    """
    if path.is_dir():
        files = sorted(path.glob(f"*{_EVENT_FILE}*"))
        if not files:
            raise InputError(
                "this folder has no log of a fit",
                where=str(path),
                remedy="Choose a convergence.tsv, or the folder log_dir/component_C of sopnmf",
            )
        return _log_of_events(files)
    return _log_of_events([path]) if _EVENT_FILE in path.name else _log_of_table(path)


# -- tables ---------------------------------------------------------------------------------


def _log_of_table(path: Path) -> ConvergenceLog:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = _delimiter(header)
            columns = _columns(_split(header, delimiter), path)
            rows = [
                _row(_split(line, delimiter), columns, path, number)
                for number, line in enumerate(file, start=2)
                if line.strip()
            ]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is no text"
        raise InputError("the log of the fit can't be read", where=str(path), why=why) from error
    for number, row in enumerate(rows, start=1):
        row.setdefault("epoch", number)
    if not rows:
        raise InputError("the log of the fit has no epochs", where=str(path))
    losses = [row["loss"] for row in rows if row["loss"] is not None]
    return ConvergenceLog.of(rows, is_relative=max(losses, default=0.0) <= 1)


def _delimiter(header: str) -> str | None:
    """Return the delimiter that the header has; None for runs of blanks."""
    return next((each for each in "\t;," if each in header), None)


def _split(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter))]


def _columns(names: list[str], path: Path) -> dict[str, int]:
    places = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    found = {
        field: places[known[0]]
        for field, aliases in _NAMES.items()
        if (known := [each for each in aliases if each in places])
    }
    if "loss" not in found:
        shown = ", ".join(names[:8])[:120] or "nothing"
        raise InputError(
            "this table has no column loss",
            where=str(path),
            why=f"its first line has {shown}",
            remedy="A log of a fit has the columns epoch, loss and, if known, sparsity, "
            "n_vanished and seconds",
        )
    return found


def _row(
    cells: list[str], columns: dict[str, int], path: Path, number: int
) -> dict[str, float | None]:
    row: dict[str, float | None] = {}
    for name, place in columns.items():
        text = cells[place] if place < len(cells) else ""
        try:
            row[name] = None if text.lower() in _MISSING else float(text.replace(",", "."))
        except ValueError as error:
            raise InputError(
                f"{text!r} is no number", where=f"{path}, line {number}, column {name}"
            ) from error
    if row.get("epoch", 0) is None:
        raise InputError("an epoch has no number", where=f"{path}, line {number}")
    return row


# -- event files of TensorBoard -------------------------------------------------------------


def _log_of_events(paths: list[Path]) -> ConvergenceLog:
    """Join event files; of an epoch that was run twice the later figures count."""
    rows: dict[int, dict[str, float | None]] = {}
    for path in paths:
        try:
            scalars = list(_scalars(path.read_bytes()))
        except OSError as error:
            raise InputError(
                "the log of the fit can't be read", where=str(path), why=error.strerror or ""
            ) from error
        except (struct.error, OverflowError) as error:
            raise InputError("the log of the fit is damaged", where=str(path)) from error
        for time, step, tag, value in scalars:
            if (field := _TAGS.get(tag)) is not None:
                row = rows.setdefault(step, {"epoch": step + 1.0, "loss": None})
                # It writes |X - W W'X|; ours is the square.
                row |= {field: value**2 if field == "loss" else value, "seconds": time}
    if not rows:
        raise InputError(
            "this log has no losses",
            where=", ".join(map(str, paths[:3])),
            why="it has no scalar named loss or batch_loss",
            remedy="Choose the file events.out.tfevents.* under log_dir/component_C of sopnmf",
        )
    return ConvergenceLog.of([rows[step] for step in sorted(rows)], is_relative=False)


def _scalars(data: bytes) -> Iterator[tuple[float, int, str, float]]:
    """Yield wall time, step, tag and value of each scalar.

    Records are framed as TFRecords (length, CRC, message, CRC; the last one may be cut off); the
    messages are ``Event`` of ``tensorflow/core/util/event.proto``: 1 wall_time, 2 step, 5 summary,
    which repeats 1 value of 1 tag and 2 simple_value.
    """
    place = 0
    while place + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        start, place = place + 12, place + 16 + length
        if start + length > len(data):
            return
        event = _fields(data[start : start + length])
        (time,) = struct.unpack("<d", event[1][0]) if 1 in event else (0.0,)
        step = int.from_bytes(event[2][0], "little") if 2 in event else 0
        for summary in event.get(5, ()):
            for value in _fields(summary).get(1, ()):
                parts = _fields(value)
                if 1 in parts and 2 in parts and len(parts[2][0]) == 4:
                    (number,) = struct.unpack("<f", parts[2][0])
                    yield time, step, parts[1][0].decode("utf-8", "replace"), number


def _fields(message: bytes) -> dict[int, list[bytes]]:
    """Split a protocol buffer into its fields; numbers are given as bytes, low ones first."""
    fields: dict[int, list[bytes]] = {}
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        match key & 7:
            case 0:
                number, place = _varint(message, place)
                content = number.to_bytes(10, "little")
            case 1:
                content, place = message[place : place + 8], place + 8
            case 2:
                length, place = _varint(message, place)
                content, place = message[place : place + length], place + length
            case 5:
                content, place = message[place : place + 4], place + 4
            case _:
                return fields  # no kind that an event has: the rest can't be told apart
        fields.setdefault(key >> 3, []).append(content)
    return fields


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, low ones first; return it and the place after it."""
    number = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return number, place
