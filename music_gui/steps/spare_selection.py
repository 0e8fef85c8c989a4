"""Which rows and columns of a PSC table a SPARE model is trained on, and which not and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.errors import InputError
from music_gui.core.harmonization.covariate_table import CovariateTable, as_labels
from music_gui.core.harmonization.covariates import (
    check_not_confounded,
    incomplete_rows,
    small_sites,
)
from music_gui.core.progress import Progress
from music_gui.core.spare.cross_validation import TrainingSet
from music_gui.core.spare.groups import Groups
from music_gui.io.psc_table import PscTable


@dataclass(frozen=True, eq=False)
class Selection:
    """What a model is trained on.

    Parameters
    ----------
    data : TrainingSet
        n rows.
    ids : DataFrame, n rows
        ``participant_id``, ``session_id``, ``diagnosis``.
    features : tuple of str
        PSCs that have volumes.
    left_out : dict of str to list of str
        Reason -> who.
    """

    data: TrainingSet
    ids: pd.DataFrame
    features: tuple[str, ...]
    left_out: dict[str, list[str]]


@dataclass(frozen=True)
class SiteRule:
    """When a site is large enough to be harmonised.

    Parameters
    ----------
    column : str
        Column of the participants table with the site.
    min_controls : int
        Fewest controls.
    exclude : bool
        Leave out smaller sites; otherwise refuse.
    """

    column: str
    min_controls: int
    exclude: bool


def select_rows(
    table: PscTable,
    people: pd.DataFrame,
    groups: Groups,
    needed: Sequence[str],
    balance_by: str,
    harmonize: SiteRule | None,
    progress: Progress,
) -> Selection:
    """Choose the people who have a diagnosis and all that is needed.

    Parameters
    ----------
    table : PscTable
    people : DataFrame
        Rows of the participants in the order of the table.
    groups : Groups
        Of these rows.
    needed : sequence of str
        Covariates that no one may lack.
    balance_by : str
        Column with the site, by which folds are balanced; it may be absent.
    harmonize : SiteRule or None
        None: sites are not harmonised.
    progress : Progress
        Warned of everyone who is left out.

    Raises
    ------
    InputError
        If there are no volumes, a site is too small, or site and diagnosis are confounded.
    """
    keep = groups.patients | groups.controls
    left_out: dict[str, list[str]] = {}
    values = table.values
    present = ~np.isnan(values).all(axis=0)
    if not present.any():
        raise InputError("the PSC table has no volumes", where=table.sidecar.name)
    labels = np.full(len(people), "", dtype=object)
    if balance_by in people.columns:
        labels = as_labels(people[balance_by])

    def leave_out(reason: str, rows: NDArray[np.bool_]) -> None:
        chosen = rows & keep
        if chosen.any():
            left_out[reason] = [str(row) for row in people.index[chosen]]
            progress.warn(f"{reason}: {int(chosen.sum())} left out")
            keep[chosen] = False

    without_volume = np.asarray(np.isnan(values[:, present]).any(axis=1))
    leave_out("a PSC without a volume", without_volume)
    for name in needed:
        leave_out(f"{name} is missing", incomplete_rows(people, [name]))
    if harmonize is not None:
        sites = labels.astype(str)
        for site, n in _too_small(sites, keep, groups, harmonize).items():
            leave_out(f"too few controls at site {site} ({n})", sites == site)
        _warn_of_confounding(labels[keep], groups.patients[keep], progress)
    return Selection(
        data=TrainingSet(
            X=np.ascontiguousarray(values[np.ix_(keep, present)]),
            people=CovariateTable.of(people[keep], [*needed, balance_by, "age", "sex"]),
            patients=groups.patients[keep],
            groups=people["participant_id"].to_numpy(dtype=str)[keep],
            sites=labels[keep].astype(str) if balance_by in people.columns else None,
        ),
        ids=people.loc[keep, ["participant_id", "session_id"]].assign(
            diagnosis=np.where(groups.patients[keep], groups.patient_label, groups.control_label)
        ),
        features=tuple(np.array(table.pscs, dtype=str)[present].tolist()),
        left_out=left_out,
    )


def _too_small(
    sites: NDArray[np.str_], keep: NDArray[np.bool_], groups: Groups, rule: SiteRule
) -> dict[str, int]:
    """Return sites with too few controls and how many they have.

    Raises
    ------
    InputError
        If there are some and they may not be left out.
    """
    controls = sites[keep & groups.controls]
    small = dict.fromkeys(sorted(set(sites[keep]) - set(controls)), 0)
    small |= small_sites(controls, rule.min_controls)
    if small and not rule.exclude:
        raise InputError(
            "too few controls at " + ", ".join(f"site {s} ({n})" for s, n in small.items()),
            why=f"removing the effect of a site needs at least {rule.min_controls}",
            remedy="Leave these sites out, or train without harmonisation",
        )
    return small


def _warn_of_confounding(
    sites: NDArray[np.object_], patients: NDArray[np.bool_], progress: Progress
) -> None:
    names = np.where(patients, "patients", "controls").astype(object)
    if warning := check_not_confounded(sites, names, "diagnosis"):
        progress.warn(warning)
