"""What a study offers as the answer to a step's question."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from music_gui.state.session import Session

#: Names of parameters that ask for one of the study's results, and of which kind.
_KINDS = {
    "atlas": "atlases",
    "table": "psc_tables",
    "gwas": "gwas_runs",
    "run": "gwas_runs",
    "model": "spare_models",
}

#: Names of parameters that ask for columns of the participants table.
_COLUMNS = frozenset({"site", "smooth", "covariates", "diagnosis", "label", "column", "target"})


def suggestions(parameter: str, session: Session) -> list[str]:
    """Return what the open study offers for a parameter, newest or first column first.

    Parameters
    ----------
    parameter : str
        Name of a step's parameter.
    session : Session
        The open study.
    """
    if kind := _KINDS.get(parameter):
        names: tuple[str, ...] = getattr(session.catalog, kind)
        return list(reversed(names))
    participants = session.cohort.participants
    if participants is None:
        return []
    if parameter == "participant":
        return list(dict.fromkeys(participants["participant_id"]))
    if parameter in _COLUMNS:
        return [str(column) for column in participants.columns]
    return []
