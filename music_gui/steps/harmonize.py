"""Remove the effects of sites from a PSC table, keep those of age, sex, head size, diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from music_gui.core.errors import ParameterError
from music_gui.core.harmonization.combat_gam import ComBatGAM
from music_gui.core.harmonization.covariate_table import as_labels
from music_gui.core.harmonization.covariates import (
    check_not_confounded,
    incomplete_rows,
    small_sites,
)
from music_gui.core.harmonization.site_effect import Effect, effects
from music_gui.core.progress import Progress
from music_gui.io.psc_table import (
    PscTable,
    make_psc_table,
    read_psc_table,
    sidecar_path,
    write_psc_table,
)
from music_gui.io.study import Study, checked_name
from music_gui.steps.psc_rows import people_of, raw_table_name
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: Kept without being asked for, as far as the participants table has them.
_USUAL_COVARIATES = ("sex", "icv", "diagnosis")


class HarmonizeParameters(StepParameters):
    """Parameters of ``harmonize``."""

    table: str = Field("", description="PSC table to harmonise; by default study_raw")
    name: str = Field("", description="Name of the new table; by default study_harmonized")
    site: str = Field("site", description="Column of the participants table with the site")
    smooth: str = Field(
        "age", description="Column whose effect is kept as a smooth curve; empty for none"
    )
    covariates: tuple[str, ...] = Field(
        _USUAL_COVARIATES,
        description="Other columns whose effects are kept; of the default those that exist",
    )
    reference_site: str = Field(
        "", description="Site that stays as it is; by default all move to their average"
    )
    empirical_bayes: bool = Field(
        True, description="Shrink each site's parameters towards those of all PSCs"
    )
    min_site_size: int = Field(5, ge=2, description="Fewest subjects that a site may have")
    exclude_small_sites: bool = Field(
        False, description="Leave out the subjects of smaller sites instead of stopping"
    )
    exclude_incomplete: bool = Field(
        False, description="Leave out subjects who lack a covariate instead of stopping"
    )
    seed: int = Field(0, ge=0, description="Seed of the folds that choose the curve's smoothness")


def _inputs(study: Study, parameters: HarmonizeParameters) -> Sequence[Path]:
    try:
        table = study.psc_table(raw_table_name(study, parameters.table))
    except ParameterError:
        return [study.participants]
    return [table, sidecar_path(table), study.participants]


def _run(study: Study, parameters: HarmonizeParameters, workspace: Workspace) -> StepResult:
    progress = workspace.progress
    progress.update(0.0, "reading the PSC table")
    source = raw_table_name(study, parameters.table)
    name = checked_name(parameters.name or f"{source.removesuffix('_raw')}_harmonized")
    table = read_psc_table(study.psc_table(source))
    _check_source(table, source, name)
    people = people_of(table, study.participants)
    if (only := _only_site(people, parameters.site, source)) is not None:
        reason = f"there is one site only ({only})"
        progress.warn(f"not harmonised: {reason}; use {source} as it is")
        return StepResult(
            outputs=[],
            summary=f"no table made, {source} can be used as it is: {reason}",
            details={"not_harmonized": reason, "source_table": source},
        )
    smooth = parameters.smooth or None
    covariates = _covariates(people, parameters, progress)
    kept = _rows_to_keep(people, smooth, covariates, parameters, progress)
    left_out = [str(row) for row in people.index[~kept]]
    table, people = _subset(table, kept), people[kept]
    _check_confounding(people, parameters.site, progress)
    model = ComBatGAM(
        site=parameters.site,
        smooth=smooth,
        covariates=covariates,
        reference_site=parameters.reference_site or None,
        empirical_bayes=parameters.empirical_bayes,
        min_site_size=parameters.min_site_size,
        penalty_folds="per_feature",
        random_state=parameters.seed,
    )
    harmonized = model.fit(table.values, people, progress=progress.part(0.05, 0.7)).transform(
        table.values, people
    )
    for note in model.notes_:
        progress.warn(note)
    progress.update(0.75, "measuring the effects of site, age and sex")
    before, after = (
        effects(values, people, site=parameters.site, smooth=smooth, covariates=covariates)
        for values in (table.values, harmonized)
    )
    record = _record(model, table.pscs, before, after, people, parameters)
    result = make_psc_table(
        list(table.table["participant_id"]),
        list(table.table["session_id"]),
        table.pscs,
        harmonized,
        table.sidecar,
    )
    of_site = [effect[parameters.site].summary()["median"] or 0.0 for effect in (before, after)]
    summary = (
        f"harmonised {len(people)} subjects of {len(model.sites_)} sites: median eta squared of "
        f"the site {of_site[0]:.3f} before, {of_site[1]:.3f} after"
    )
    details = {"left_out": left_out, "source_table": source}
    return _write(workspace, name, result, record, details, summary)


def _check_source(table: PscTable, source: str, name: str) -> None:
    if table.sidecar.harmonization is not None:
        raise ParameterError(
            f"PSC table {source} is harmonised already",
            remedy="Choose the raw table it was made from",
        )
    if name == source:
        raise ParameterError(
            f"the new table can't have the name of its source, {source}",
            remedy="Choose another name",
        )


def _only_site(people: pd.DataFrame, column: str, source: str) -> str | None:
    """Return the site if there is one only, so nothing to harmonise; None if there are several.

    Raises
    ------
    ParameterError
        If the participants table does not tell the sites.
    """
    as_it_is = f"If all are from one site, {source} can be used as it is"
    if column not in people.columns:
        raise ParameterError(
            f"the participants table has no column {column}",
            remedy=f"Choose the column with the site among {', '.join(map(str, people.columns))}. "
            + as_it_is,
        )
    found = sorted({label for label in as_labels(people[column]) if label is not None})
    if not found:
        raise ParameterError(
            f"no one's site is known: column {column} of the participants table is empty",
            remedy=f"Choose another column. {as_it_is}",
        )
    return found[0] if len(found) == 1 else None


def _covariates(
    people: pd.DataFrame, parameters: HarmonizeParameters, progress: Progress
) -> tuple[str, ...]:
    if parameters.covariates != _USUAL_COVARIATES:
        return parameters.covariates
    present = tuple(
        name
        for name in _USUAL_COVARIATES
        if name in people.columns and not incomplete_rows(people, [name]).all()
    )
    for name in _USUAL_COVARIATES:
        if name not in present:
            progress.log(f"the participants table has no {name}: it is not kept as a covariate")
    return present


def _rows_to_keep(
    people: pd.DataFrame,
    smooth: str | None,
    covariates: tuple[str, ...],
    parameters: HarmonizeParameters,
    progress: Progress,
) -> NDArray[np.bool_]:
    """Leave out what the user said may be left out; the rest is refused by the model."""
    keep = np.ones(len(people), dtype=bool)
    named = [parameters.site, *((smooth,) if smooth else ()), *covariates]
    if parameters.exclude_incomplete and set(named) <= set(people.columns):
        keep &= ~incomplete_rows(people, named)
        if not keep.all():
            progress.warn(f"subjects who lack a covariate: {(~keep).sum()} left out")
    if parameters.exclude_small_sites:
        sites = as_labels(people[parameters.site])
        known = np.array([site is not None for site in sites], dtype=bool)
        small = small_sites(sites[keep & known], parameters.min_site_size)
        keep &= ~(known & np.isin(sites.astype(str), list(small)))
        for site, n in small.items():
            progress.warn(f"too few subjects at site {site} ({n}): left out")
    return keep


def _check_confounding(people: pd.DataFrame, site: str, progress: Progress) -> None:
    sites = as_labels(people[site])
    for name in ("diagnosis", "sex"):
        if name in people.columns and (
            warning := check_not_confounded(sites, as_labels(people[name]), name)
        ):
            progress.warn(warning)


def _subset(table: PscTable, kept: NDArray[np.bool_]) -> PscTable:
    return PscTable(table.table[kept].reset_index(drop=True), table.sidecar)


def _record(
    model: ComBatGAM,
    pscs: Sequence[str],
    before: dict[str, Effect],
    after: dict[str, Effect],
    people: pd.DataFrame,
    parameters: HarmonizeParameters,
) -> dict[str, Any]:
    """Return what the sidecar keeps: all parameters, and the effects before and after."""
    sites, counts = np.unique(as_labels(people[parameters.site]).astype(str), return_counts=True)
    return {
        "method": "ComBat-GAM" if model.design_.smooth else "ComBat",
        "reference": "Pomponio et al., NeuroImage 208 (2020) 116450",
        "subjects_per_site": dict(zip(sites.tolist(), counts.tolist(), strict=True)),
        "kept": list(model.design_.needed),
        "seed": parameters.seed,
        "notes": list(model.notes_),
        "effects": {
            name: {
                "before": before[name].summary() | {"eta_squared": _finite(before[name])},
                "after": after[name].summary() | {"eta_squared": _finite(after[name])},
            }
            for name in before
        },
        "features": list(pscs),
        "parameters": model.to_dict(),
    }


def _finite(effect: Effect) -> list[float | None]:
    return [round(float(value), 6) if np.isfinite(value) else None for value in effect.eta_squared]


def _write(
    workspace: Workspace,
    name: str,
    table: PscTable,
    record: dict[str, Any],
    details: dict[str, Any],
    summary: str,
) -> StepResult:
    workspace.progress.update(0.95, "writing the table")
    sidecar = table.sidecar.model_copy(
        update={
            "name": name,
            "harmonization": record,
            "details": table.sidecar.details | details,
        }
    )
    written = write_psc_table(
        workspace.output / "psc" / f"{name}.parquet", PscTable(table.table, sidecar)
    )
    shown = {
        term: {
            when: {k: v for k, v in figures.items() if k != "eta_squared"}
            for when, figures in pair.items()
        }
        for term, pair in record["effects"].items()
    }
    return StepResult(
        outputs=[f"psc/{file}" for file in written],
        summary=summary,
        details={"table": name, "effects": shown} | details,
    )


STEP = Step(
    name="harmonize",
    title="Harmonise sites",
    help="Remove the effects of sites from a PSC table by ComBat-GAM, keeping those of age, sex, "
    "head size and diagnosis.",
    parameters=HarmonizeParameters,
    run=_run,
    inputs=_inputs,
)
