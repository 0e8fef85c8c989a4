"""Train a SPARE model: tell patients from controls by their PSC volumes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from music_gui.core.atlas import parse_psc_name
from music_gui.core.errors import MusicError, ParameterError
from music_gui.core.harmonization.combat_gam import ComBatGAM
from music_gui.core.harmonization.covariate_table import as_labels
from music_gui.core.harmonization.covariates import incomplete_rows
from music_gui.core.progress import Progress
from music_gui.core.spare.cross_validation import ValidationPlan
from music_gui.core.spare.groups import Groups, choose_groups
from music_gui.core.spare.likeness import CoarseCells, Likeness
from music_gui.core.spare.model import fingerprint
from music_gui.core.spare.preparation import FeaturePreparation
from music_gui.core.spare.training import TrainedSpare, permutation_p, summarize, train_spare
from music_gui.io.atomic import write_json, write_text
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.psc_table import PscTable, read_psc_table, sidecar_path
from music_gui.io.spare_json import SUFFIX, ModelCard, spare_file, write_spare_model
from music_gui.io.study import Study, checked_name
from music_gui.steps.psc_rows import people_of, raw_table_name
from music_gui.steps.spare_evaluation import evaluation_of, predictions_of
from music_gui.steps.spare_likeness import ImportedMaps
from music_gui.steps.spare_selection import Selection, SiteRule, select_rows
from music_gui.steps.spare_subject import find_atlas
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: Adjusted for without being asked, as far as the participants table has them.
_USUAL_ADJUSTMENT = ("age", "sex")
#: Controls that a site must have in the innermost training folds.
_MIN_CONTROLS_IN_FOLD = 3


class SpareTrainParameters(StepParameters):
    """Parameters of ``spare-train``."""

    table: str = Field("", description="Raw PSC table; by default study_raw")
    name: str = Field("", description="Name of the model; by default SPARE- and the patients")
    diagnosis: str = Field("diagnosis", description="Column of the participants table")
    patients: str = Field("", description="Diagnosis of patients; found if there are two groups")
    controls: str = Field("", description="Diagnosis of controls; found if it has a usual name")
    scales: tuple[int, ...] = Field((), description="Scales whose PSCs are used; by default all")
    harmonize: bool = Field(
        True,
        description="Remove the effects of sites, learned anew from the controls of each "
        "training fold; passed over if there is one site",
    )
    site: str = Field("site", description="Column of the participants table with the site")
    adjust_for: tuple[str, ...] = Field(
        _USUAL_ADJUSTMENT,
        description="Covariates whose effect among controls is removed; they are then needed to "
        "score someone",
    )
    min_site_controls: int = Field(
        10, ge=5, description="Fewest controls of a site that is harmonised"
    )
    exclude_small_sites: bool = Field(
        False, description="Leave out the subjects of smaller sites instead of stopping"
    )
    costs: tuple[float, ...] = Field(
        (0.0001, 0.001, 0.01, 0.1, 1.0), description="Values of the machine's C to choose from"
    )
    balanced: bool = Field(True, description="Weigh patients and controls alike")
    scheme: Literal["kfold", "holdout"] = Field(
        "kfold", description="Test on all folds of each repeat, or hold out one of them"
    )
    folds: int = Field(5, ge=2, le=50, description="Parts that the people are split into")
    repeats: int = Field(5, ge=1, le=1000, description="How often they are split anew")
    inner_folds: int = Field(5, ge=2, le=50, description="Folds in which C is chosen")
    bootstrap: int = Field(
        100, ge=20, le=2000, description="Bootstrap models for the interval of a score"
    )
    permutations: int = Field(
        0, ge=0, le=10_000, description="Shufflings of the diagnosis for a permutation p value"
    )
    seed: int = Field(0, ge=0, description="Seed of all that is random")
    intended_use: str = Field(
        "Research only; not for diagnosis.", description="What the model may be used for"
    )
    licence: str = Field("not stated", description="Licence of the model file")


def _inputs(study: Study, parameters: SpareTrainParameters) -> Sequence[Path]:
    try:
        table = study.psc_table(raw_table_name(study, parameters.table))
    except ParameterError:
        return [study.participants]
    maps = study.masked_maps / "maps.json"
    return [table, sidecar_path(table), study.participants, study.atlases, maps]


def _run(study: Study, parameters: SpareTrainParameters, workspace: Workspace) -> StepResult:
    progress = workspace.progress
    progress.update(0.0, "reading the PSC table")
    _check_parameters(parameters)
    source = raw_table_name(study, parameters.table)
    table = _read_table(study, source, parameters.scales)
    people = people_of(table, study.participants)
    groups = _groups(people, parameters)
    name = checked_name(
        parameters.name or f"SPARE-{re.sub('[^A-Za-z0-9]+', '-', groups.patient_label)}"
    )
    chosen, plan = _prepare(table, people, groups, parameters, progress)
    end = 0.5 if parameters.permutations else 0.9
    trained = train_spare(
        chosen.data,
        chosen.features,
        plan,
        n_bootstrap=parameters.bootstrap,
        progress=progress.part(0.02, end),
        threads=workspace.threads,
    )
    metrics = summarize(trained.validation, chosen.data.patients)
    p = None
    if parameters.permutations:
        p = permutation_p(
            chosen.data,
            plan,
            metrics["balanced_accuracy"].mean,
            parameters.permutations,
            progress=progress.part(end, 0.9),
            threads=workspace.threads,
        )
    likeness = _likeness(study, table, chosen, progress.part(0.9, 0.98))
    sites = Counter([] if chosen.data.sites is None else chosen.data.sites.tolist())
    card = ModelCard(
        name=name,
        simulated=table.sidecar.simulated,
        intended_use=parameters.intended_use,
        licence=parameters.licence,
        atlas=table.sidecar.atlas,
        atlas_hashes=_hashes(table, chosen.features),
        table=source,
        patients=groups.patient_label,
        controls=groups.control_label,
        n_patients=int(chosen.data.patients.sum()),
        n_controls=int((~chosen.data.patients).sum()),
        sites=sites,
        fingerprints=_fingerprints(chosen, trained),
        scheme=_scheme(plan),
        metrics=metrics,
        permutation_p=p,
        seed=parameters.seed,
    )
    return _write(workspace, card, chosen, trained, likeness, parameters.permutations)


def _check_parameters(parameters: SpareTrainParameters) -> None:
    if not parameters.costs or min(parameters.costs) <= 0:
        raise ParameterError("the costs must be positive numbers")
    if parameters.scheme == "holdout" and parameters.repeats < 2:
        raise ParameterError("hold-out needs at least two repeats")


def _read_table(study: Study, source: str, scales: tuple[int, ...]) -> PscTable:
    table = read_psc_table(study.psc_table(source))
    if table.sidecar.harmonization is not None:
        raise ParameterError(
            f"PSC table {source} is harmonised",
            why="its harmonisation has seen everyone, so that no test on some of them would be "
            "fair, and needs a diagnosis, which a new person has not got",
            remedy="Use the raw table; the model harmonises inside the folds",
        )
    if absent := sorted(set(scales) - set(table.scales)):
        raise ParameterError(
            f"PSC table {source} has no scale {', '.join(f'C{c}' for c in absent)}",
            remedy="Choose from " + ", ".join(f"C{c}" for c in table.scales),
        )
    if not scales:
        return table
    kept = [name for name in table.pscs if parse_psc_name(name)[0] in scales]
    return PscTable(table.table[["participant_id", "session_id", *kept]], table.sidecar)


def _groups(people: pd.DataFrame, parameters: SpareTrainParameters) -> Groups:
    if parameters.diagnosis not in people.columns:
        raise ParameterError(
            f"the participants table has no column {parameters.diagnosis}",
            remedy="Choose one of " + ", ".join(map(str, people.columns)),
        )
    labels = as_labels(people[parameters.diagnosis])
    return choose_groups(labels, parameters.patients, parameters.controls)


def _prepare(
    table: PscTable,
    people: pd.DataFrame,
    groups: Groups,
    parameters: SpareTrainParameters,
    progress: Progress,
) -> tuple[Selection, ValidationPlan]:
    """Choose the rows, and the plan that suits them."""
    rule = None
    if parameters.harmonize and _has_sites(people, parameters.site, progress):
        rule = SiteRule(
            parameters.site, parameters.min_site_controls, parameters.exclude_small_sites
        )
    adjust_for = _adjustment(people, parameters, progress)
    known = _known(people, _USUAL_ADJUSTMENT) if rule else ()
    needed = tuple(dict.fromkeys([*adjust_for, *known, *([rule.column] if rule else [])]))
    chosen = select_rows(table, people, groups, needed, parameters.site, rule, progress)
    harmonization = None
    if rule and chosen.data.sites is not None and len(set(chosen.data.sites)) > 1:
        harmonization = ComBatGAM(
            site=parameters.site,
            smooth="age" if "age" in known else None,
            covariates=tuple(name for name in known if name != "age"),
            min_site_size=_MIN_CONTROLS_IN_FOLD,
            random_state=parameters.seed,
        )
    plan = ValidationPlan(
        preparation=FeaturePreparation(harmonization, adjust_for),
        costs=tuple(sorted(set(parameters.costs))),
        balanced=parameters.balanced,
        scheme=parameters.scheme,
        n_folds=parameters.folds,
        n_repeats=parameters.repeats,
        n_inner_folds=parameters.inner_folds,
        seed=parameters.seed,
    )
    return chosen, plan


def _has_sites(people: pd.DataFrame, site: str, progress: Progress) -> bool:
    labels = set(as_labels(people[site])) - {None} if site in people.columns else set()
    if len(labels) < 2:
        progress.log(
            "there is one site only: nothing to harmonise"
            if labels
            else f"the participants table has no {site}: nothing to harmonise"
        )
    return len(labels) >= 2


def _known(people: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of the covariates that the table has for anyone."""
    return tuple(
        name
        for name in names
        if name in people.columns and not incomplete_rows(people, [name]).all()
    )


def _adjustment(
    people: pd.DataFrame, parameters: SpareTrainParameters, progress: Progress
) -> tuple[str, ...]:
    names = parameters.adjust_for
    known = _known(people, names)
    for name in names:
        if name in known:
            continue
        if names != _USUAL_ADJUSTMENT:
            raise ParameterError(
                f"the participants table has no {name} to adjust for",
                remedy="Choose from " + ", ".join(map(str, people.columns)),
            )
        progress.warn(f"the participants table has no {name}: the model does not adjust for it")
    return known


def _likeness(
    study: Study, table: PscTable, chosen: Selection, progress: Progress
) -> Likeness | None:
    """Learn what the training maps look like; None if the study has not got them."""
    scale = parse_psc_name(chosen.features[0])[0]
    try:
        needed = find_atlas(study, _hashes(table, chosen.features), chosen.features, None)
        cells = CoarseCells(needed.atlas, scale)
        maps = ImportedMaps(MaskedMaps.open(study.masked_maps), cells)
        keys = list(zip(chosen.ids["participant_id"], chosen.ids["session_id"], strict=True))
        profiles, mirrored = [], []
        for k, (participant, session) in enumerate(keys):
            progress.update(k / len(keys), "what the training maps have in common")
            values = maps.values(participant, session)
            profiles.append(cells.means(values))
            if (across := cells.mirrored(values)) is not None:
                mirrored.append(cells.means(across))
        return Likeness.fit(scale, np.array(profiles), np.array(mirrored) if mirrored else None)
    except MusicError as error:
        progress.warn(f"new maps can't be compared with those of the training: {error}")
        return None


def _hashes(table: PscTable, features: Sequence[str]) -> dict[int, str]:
    used = {parse_psc_name(name)[0] for name in features}
    return {scale: table.sidecar.atlas_hashes[scale] for scale in sorted(used)}


def _fingerprints(chosen: Selection, trained: TrainedSpare) -> list[str]:
    """Return the rows' fingerprints in the order of the reference scores, untested rows last."""
    tested = np.isfinite(trained.validation.scores)
    order = [*np.flatnonzero(tested), *np.flatnonzero(~tested)]
    return [fingerprint(chosen.features, chosen.data.X[row]) for row in order]


def _scheme(plan: ValidationPlan) -> str:
    outer = (
        f"{plan.n_repeats} repeats of {plan.n_folds}-fold cross-validation"
        if plan.scheme == "kfold"
        else f"{plan.n_repeats} times holding out 1 of {plan.n_folds} parts"
    )
    learned = ["standardisation"]
    if plan.preparation.adjust_for:
        learned.insert(0, f"adjustment for {' and '.join(plan.preparation.adjust_for)}")
    if plan.preparation.harmonization is not None:
        learned.insert(0, "harmonisation of sites")
    return (
        f"{outer}, C chosen in {plan.n_inner_folds} inner folds; {', '.join(learned)} learned "
        "from the training part only; all sessions of a person on one side"
    )


def _write(
    workspace: Workspace,
    card: ModelCard,
    chosen: Selection,
    trained: TrainedSpare,
    likeness: Likeness | None,
    n_permutations: int,
) -> StepResult:
    folder = workspace.output / "spare" / card.name
    write_spare_model(folder / f"{card.name}{SUFFIX}", spare_file(trained.model, card, likeness))
    evaluation = evaluation_of(trained, chosen.data, card, n_permutations)
    write_json(folder / "evaluation.json", evaluation | {"left_out": chosen.left_out})
    predictions = predictions_of(trained.validation, chosen.ids)
    write_text(
        folder / "predictions.tsv",
        predictions.to_csv(sep="\t", index=False, lineterminator="\n", na_rep="n/a"),
    )
    accuracy, auc = card.metrics["balanced_accuracy"], card.metrics["auc"]
    return StepResult(
        outputs=[f"spare/{card.name}"],
        summary=f"{card.name}: balanced accuracy {accuracy.mean:.3f}, AUC {auc.mean:.3f} on "
        f"people it had not seen ({card.n_patients} {card.patients}, "
        f"{card.n_controls} {card.controls})",
        details={
            "name": card.name,
            "metrics": evaluation["metrics"],
            "permutation_p": card.permutation_p,
            "cost": trained.model.cost,
            "n_features": len(chosen.features),
            "left_out": {reason: len(who) for reason, who in chosen.left_out.items()},
        },
    )


STEP = Step(
    name="spare-train",
    title="Train a SPARE model",
    help="Train a linear model that tells patients from controls by their PSC volumes, and test "
    "it by nested cross-validation.",
    parameters=SpareTrainParameters,
    run=_run,
    inputs=_inputs,
)
