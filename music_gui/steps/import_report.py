"""The state of every map that is offered for import: shown while it runs, kept as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from music_gui.core.errors import MusicError
from music_gui.core.progress import Progress
from music_gui.io.ravens_map import RavensMap
from music_gui.steps.map_list import MapList

#: Offered, passed the checks of one map alone, in the study, left out.
WAITING, CHECKED, IMPORTED, REFUSED = "waiting", "checked", "imported", "refused"


class ImportReport:
    """Keeps a row a map and publishes each change as the metric ``import``.

    Parameters
    ----------
    maps : MapList
        What is offered.
    progress : Progress
        Where changes are published: the row's number, ids, path, state, reason and total.
    """

    def __init__(self, maps: MapList, progress: Progress) -> None:
        self._progress = progress
        self._warnings: list[list[str]] = [[] for _ in range(len(maps.table))]
        self._rows: list[dict[str, Any]] = [
            {
                "participant_id": participant,
                "session_id": session,
                "path": path,
                "state": WAITING,
                "reason": "",
                "total_gm_ml": float("nan"),
                "ravens_scale": float("nan"),
                "n_nan": None,
                "correlation": float("nan"),
            }
            for participant, session, path in maps.table[
                ["participant_id", "session_id", "path"]
            ].itertuples(index=False)
        ]
        for row, reason in maps.problems.items():
            self.refuse(row, reason)

    def rows(self, state: str) -> list[int]:
        """Return the rows in a state, in order."""
        return [row for row, each in enumerate(self._rows) if each["state"] == state]

    def refuse(self, row: int, reason: str | MusicError) -> None:
        """Leave a map out; of an error, the file's name is not repeated."""
        if isinstance(reason, MusicError):
            parts = (reason.what, reason.why, reason.remedy)
            reason = ". ".join(part.rstrip(".") for part in parts if part)
        self._rows[row] |= {"state": REFUSED, "reason": reason}
        self._publish(row)

    def checked(self, row: int, ravens: RavensMap) -> None:
        """Note what the map holds."""
        self._rows[row] |= {
            "state": CHECKED,
            "total_gm_ml": ravens.total_gm_ml,
            "ravens_scale": ravens.scale,
            "n_nan": ravens.n_nan,
        }
        self._warnings[row] += ravens.warnings
        self._publish(row)

    def imported(self, row: int, correlation: float) -> None:
        """Note that the map is in the study, and how it correlates with the mean of the others."""
        self._rows[row] |= {"state": IMPORTED, "correlation": correlation}
        self._publish(row)

    def warn(self, row: int, text: str) -> None:
        """Attach a warning to a row."""
        self._warnings[row].append(text)

    def value(self, row: int, name: str) -> Any:
        """Return what the report says of a row."""
        return self._rows[row][name]

    def examples(self, n_shown: int = 5) -> str:
        """Name the first maps that were left out, with their reasons."""
        refused = self.rows(REFUSED)
        named = [
            f"{self._rows[row]['participant_id']} {self._rows[row]['session_id']}: "
            f"{self._rows[row]['reason']}"
            for row in refused[:n_shown]
        ]
        more = len(refused) - len(named)
        return "; ".join(named) + (f"; and {more} more" if more else "")

    def n_warned(self) -> int:
        """Return the number of imported maps with a warning."""
        return sum(bool(self._warnings[row]) for row in self.rows(IMPORTED))

    def table(self) -> pd.DataFrame:
        """Return the whole report, a row a map in the order in which they were offered."""
        table = pd.DataFrame(self._rows)
        table["n_nan"] = table["n_nan"].astype("Int64")
        table["warnings"] = ["; ".join(each) for each in self._warnings]
        return table

    def _publish(self, row: int) -> None:
        names = ("participant_id", "session_id", "path", "state", "reason", "total_gm_ml")
        values = {name: self._rows[row][name] for name in names}
        values = {name: None if pd.isna(value) else value for name, value in values.items()}
        self._progress.metric("import", {"row": row, **values})
