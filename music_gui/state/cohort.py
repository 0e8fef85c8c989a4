"""What the cohort and PSC-table views show."""

from __future__ import annotations

from typing import Any

from psygnal import EventedModel
from pydantic import ConfigDict


class CohortState(EventedModel):
    """The imported maps and the PSC table that is browsed.

    Attributes
    ----------
    report : DataFrame or None
        Every file that was offered for import, its state and the reason.
    participants : DataFrame or None
        The participants whose maps were imported.
    table : PscTable or None
        The PSC table that is browsed.
    """

    # Any: naming pandas here would import it when the application starts.
    model_config = ConfigDict(arbitrary_types_allowed=True)

    report: Any = None
    participants: Any = None
    table: Any = None
