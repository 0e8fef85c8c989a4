"""Score one person with a SPARE model, or say why that can't be done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from music_gui import __version__
from music_gui.core.errors import ParameterError
from music_gui.core.harmonization.covariate_table import CovariateTable, as_labels
from music_gui.core.spare.applicability import (
    check_age,
    check_covariates,
    check_regions,
    check_sex,
    check_site,
)
from music_gui.core.spare.model import Score, SpareModel, fingerprint
from music_gui.core.spare.reference import Percentile
from music_gui.io.atomic import write_json, write_text
from music_gui.io.nifti_header import Xform
from music_gui.io.participants_tsv import read_participants
from music_gui.io.spare_json import SUFFIX, likeness_of, model_of, read_spare_model
from music_gui.io.spare_schema import SpareModelFile
from music_gui.io.study import Study, checked_name
from music_gui.jobs.publication import digest
from music_gui.steps.spare_subject import Measured, find_atlas, measure_map, read_participant
from music_gui.steps.step import Step, StepParameters, StepResult, Workspace

#: What every score says.
DISCLAIMER = "For research use only; not a diagnostic device."
_INTERVAL = (
    "95 %, normal with the standard error over models of bootstrap samples of the training "
    "people; it tells nothing of the error of the image"
)


class SpareScoreParameters(StepParameters):
    """Parameters of ``spare-score``: a map, or a participant of the study.

    With neither, the first person is scored whom the example study holds out of its training.
    """

    model: str = Field(
        "",
        description="Name of a model of the study or path of a .spare.json; by default the "
        "newest of the study",
    )
    map: Path | None = Field(
        None,
        description="Grey-matter RAVENS map (.nii, .nii.gz); by default the first one that the "
        "example study holds out of its training",
        json_schema_extra={"once": True},
    )
    participant: str = Field(
        "",
        description="Participant of the study, instead of a map",
        json_schema_extra={"once": True},
    )
    session: str = Field(
        "",
        description="Session, if the participant has several",
        json_schema_extra={"once": True},
    )
    age: float | None = Field(
        None,
        ge=0,
        le=120,
        description="Age at the scan",
        json_schema_extra={"unit": "years", "once": True},
    )
    sex: Literal["", "F", "M"] = Field("", description="Sex", json_schema_extra={"once": True})
    site: str = Field(
        "",
        description="Site, as the model's training sample names it",
        json_schema_extra={"once": True},
    )
    icv: float | None = Field(
        None,
        gt=0,
        description="Intracranial volume, if the model adjusts for it",
        json_schema_extra={"unit": "mm^3", "once": True},
    )
    ravens_scale: Literal["auto"] | Annotated[float, Field(gt=0)] = Field(
        "auto",
        description="What the map's values are divided by so that 1 is a whole voxel of tissue",
    )
    xform: Xform = Field("auto", description="Which transform of the NIfTI header places the map")
    volume: int | None = Field(None, ge=0, description="Which volume of a 4D image, from 0")
    max_shift: float = Field(
        0.3,
        ge=0,
        lt=0.5,
        description="How far the voxels of map and atlas may lie apart along any axis",
        json_schema_extra={"unit": "voxels"},
    )
    name: str = Field(
        "",
        description="Name of the result; by default that of the map or person",
        json_schema_extra={"once": True},
    )


def _inputs(study: Study, parameters: SpareScoreParameters) -> Sequence[Path]:
    by_default = parameters.map is None and not parameters.participant
    parameters = _with_default(study, parameters)
    try:
        model = _model_path(study, parameters.model)
        paths = [model, _predictions_path(model)]
    except ParameterError:
        paths = []
    if by_default:
        paths.append(_held_out_table(study))
    if parameters.map is not None:
        paths.append(parameters.map)
    else:
        paths += [study.psc_tables, study.participants, study.masked_maps / "maps.json"]
    return [*paths, study.atlases]


def _run(study: Study, parameters: SpareScoreParameters, workspace: Workspace) -> StepResult:
    parameters = _with_default(study, parameters)
    if (parameters.map is None) == (not parameters.participant):
        raise ParameterError("give either a map or a participant")
    progress = workspace.progress
    path = _model_path(study, parameters.model)
    progress.update(0.1, "reading the model")
    file = read_spare_model(path)
    model, likeness = model_of(file), likeness_of(file)
    hashes = {int(scale): value for scale, value in file.input.atlas_hashes.items()}
    progress.update(0.2, "reading the atlas")
    needed = find_atlas(study, hashes, model.features, likeness)
    progress.update(0.5, "measuring the regions")
    if parameters.map is not None:
        measured = measure_map(
            parameters.map,
            needed,
            ravens_scale=parameters.ravens_scale,
            xform=parameters.xform,
            volume=parameters.volume,
            max_shift=parameters.max_shift,
        )
    else:
        measured = read_participant(
            study, file.input.table, needed, parameters.participant, parameters.session
        )
    for note in measured.notes:
        progress.log(note)
    progress.update(0.9, "scoring")
    given = _given(measured, parameters, model.site_column)
    score_id = checked_name(parameters.name or _id_of(measured))
    return _write(study, workspace, score_id, _result(score_id, path, file, model, measured, given))


def _with_default(study: Study, parameters: SpareScoreParameters) -> SpareScoreParameters:
    """Take the first held-out person of the example study if no one is named."""
    held_out = _held_out_table(study)
    if parameters.map is not None or parameters.participant or not held_out.is_file():
        return parameters
    person = read_participants(held_out).iloc[0]
    known = {
        name: person[name]
        for name in ("age", "sex", "site", "icv")
        if name in person.index and pd.notna(person[name]) and not getattr(parameters, name)
    }
    return parameters.model_copy(update={"map": held_out.parent / str(person["path"]), **known})


def _held_out_table(study: Study) -> Path:
    return study.source_data / "held_out" / "participants.tsv"


def _model_path(study: Study, asked: str) -> Path:
    """Find the model's file.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if asked:
        inside = study.spare_models / asked / f"{asked}{SUFFIX}"
        if re.fullmatch(r"[A-Za-z0-9._-]+", asked) and inside.is_file():
            return inside
        path = Path(asked).expanduser()
        if path.is_file():
            return path.absolute()
        raise ParameterError(
            f"there is no model {asked}",
            where=str(study.spare_models),
            remedy="Name a model of the study or the path of a .spare.json file",
        )
    found = list(study.spare_models.glob(f"*/*{SUFFIX}"))
    if not found:
        raise ParameterError(
            "the study has no SPARE model",
            where=str(study.spare_models),
            remedy="Run `spare-train`, or name a model file",
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _predictions_path(model: Path) -> Path:
    """Return where the table of who was tested stands beside a model of a study."""
    return model.parent / "predictions.tsv"


def _given(
    measured: Measured, parameters: SpareScoreParameters, site_column: str
) -> dict[str, Any]:
    """Return the covariates: what the user says, else what the study knows.

    The person's site is under ``site``, whatever the model's training sample called the column.
    """
    known = {
        key: float(value) if isinstance(value, np.number) else value
        for key, value in measured.covariates.items()
        if not pd.isna(value)
    }
    known["site"] = as_labels(pd.Series([known.get(site_column)], dtype=object))[0]
    said = {
        "age": parameters.age,
        "sex": parameters.sex or None,
        "site": parameters.site or None,
        "icv": parameters.icv,
    }
    return known | {key: value for key, value in said.items() if value is not None}


def _id_of(measured: Measured) -> str:
    record = measured.record
    if "map" in record:
        name = re.sub(r"\.nii(\.gz)?$", "", str(record["map"]))
    else:
        name = f"{record['participant_id']}_{record['session_id']}"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-") or "subject"


def _result(
    score_id: str,
    path: Path,
    file: SpareModelFile,
    model: SpareModel,
    measured: Measured,
    given: dict[str, Any],
) -> dict[str, Any]:
    """Return ``score.json``; without a number if a check fails."""
    age, sex, site = given.get("age"), given.get("sex"), given.get("site")
    checks = [*measured.checks]
    if measured.volumes is not None:
        checks.append(check_regions(model, measured.volumes))
    checks += [
        check_covariates(model, given),
        check_age(model, age),
        check_sex(model, sex),
        check_site(model, site),
    ]
    reasons = [check.text for check in checks if check.passed is False]
    notes = list(measured.notes)
    if model.sites and site not in model.sites:
        notes.append(checks[-1].text)
    result: dict[str, Any] = {
        "format": "music-gui spare score",
        "format_version": 1,
        "id": score_id,
        "status": "not applicable" if reasons else "scored",
        "reasons": reasons,
        "notes": notes,
        "subject": {
            "age": age,
            "sex": sex,
            "site": site,
            "icv": given.get("icv") if "icv" in model.needed_covariates else None,
        },
        "input": measured.record,
        "model": _card(path, file),
        "checks": [asdict(check) for check in checks],
        "score": None,
        "percentiles": None,
        "in_training": False,
        "contributions": None,
        "simulated": file.simulated,
        "software": f"MuSIC GUI {__version__}",
        "disclaimer": DISCLAIMER,
    }
    if not reasons and measured.volumes is not None:
        scored = _scored(file, model, measured, given)
        result |= scored | {"notes": notes + scored["notes"]}
        if not result["in_training"] and _has_trained(path, measured.record):
            result["notes"].append("another session of this person was in the training sample")
    return result


def _scored(
    file: SpareModelFile, model: SpareModel, measured: Measured, given: dict[str, Any]
) -> dict[str, Any]:
    volumes = measured.volumes
    assert volumes is not None
    needed = {*model.needed_covariates, *model.harmonization_covariates}
    known = {name: given[name] for name in sorted(needed) if name in given}
    person = pd.DataFrame([known | {model.site_column: given["site"]}])
    score = model.score(volumes, CovariateTable.of(person))
    row = _training_row(file, model, volumes)
    notes = []
    compared = score.value
    if row is not None:
        notes.append(
            "this map was in the training sample, for which the model's score is optimistic; "
            "probability and percentiles are those of its out-of-fold score"
        )
        if row < len(model.reference.scores):
            compared = float(model.reference.scores[row])
    age, sex = given.get("age"), given.get("sex")
    return {
        "notes": notes,
        "score": {
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "interval": _INTERVAL,
            "out_of_fold": compared if row is not None else None,
            "probability": model.calibration.probability(compared),
            "probability_at_prevalence": model.calibration.prevalence,
            "harmonized": score.harmonized,
        },
        "percentiles": {
            name: _percentile(model.reference.percentile(compared, age, sex, patients=patients))
            for name, patients in (("controls", False), ("patients", True))
        },
        "in_training": row is not None,
        "contributions": _contributions(model, volumes, score),
    }


def _training_row(
    file: SpareModelFile, model: SpareModel, volumes: NDArray[np.float64]
) -> int | None:
    """Return which training row has these volumes; rows beyond the reference were never tested."""
    own = fingerprint(model.features, volumes)
    prints = file.population.fingerprints
    return prints.index(own) if own in prints else None


def _has_trained(path: Path, record: dict[str, Any]) -> bool:
    """Tell whether a model of the study was trained on any session of a participant."""
    predictions = _predictions_path(path)
    if "participant_id" not in record or not predictions.is_file():
        return False
    ids = pd.read_csv(predictions, sep="\t", usecols=["participant_id"], dtype=str)
    return bool((ids["participant_id"] == record["participant_id"]).any())


def _percentile(found: Percentile) -> dict[str, Any]:
    return {
        "value": found.value,
        "effective_n": round(found.effective_n, 1),
        "age_bandwidth_years": found.bandwidth,
        "reason": found.reason,
    }


def _contributions(
    model: SpareModel, volumes: NDArray[np.float64], score: Score
) -> list[dict[str, Any]]:
    """Return what each PSC adds to the score, in the order of the features."""
    rows = zip(model.features, volumes, model.weights, score.contributions, strict=True)
    return [
        {
            "psc": psc,
            "volume_mm3": float(volume),
            "weight": float(weight),
            "contribution": float(part),
        }
        for psc, volume, weight, part in rows
    ]


def _card(path: Path, file: SpareModelFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "file": path.name,
        "checksum": digest(path),
        "patients": file.population.patients,
        "controls": file.population.controls,
        "n_patients": file.population.n_patients,
        "n_controls": file.population.n_controls,
        "age_range": file.population.age_range,
        "sites": sorted(file.population.sites),
        "atlas": file.input.atlas,
        "intended_use": file.intended_use,
        "licence": file.licence,
        "created_with": file.created_with,
        "simulated": file.simulated,
        "balanced_accuracy": file.performance.metrics["balanced_accuracy"].mean
        if "balanced_accuracy" in file.performance.metrics
        else None,
    }


def _write(study: Study, workspace: Workspace, score_id: str, result: dict[str, Any]) -> StepResult:
    for check in result["checks"]:
        if check["passed"] is False or check["text"] in result["notes"]:
            workspace.progress.warn(f"{check['name']}: {check['text']}")
    folder = workspace.output / "scores" / score_id
    write_json(folder / "score.json", result)
    if result["contributions"] is not None:
        table = pd.DataFrame(result["contributions"])
        table = table.sort_values("contribution", key=np.abs, ascending=False, kind="stable")
        write_text(
            folder / "contributions.tsv",
            table.to_csv(sep="\t", index=False, lineterminator="\n"),
        )
    details = {key: result[key] for key in ("id", "status", "reasons", "score", "percentiles")}
    return StepResult(
        outputs=[f"scores/{score_id}"],
        summary=_summary(result),
        details=details | {"in_training": result["in_training"]},
    )


def _summary(result: dict[str, Any]) -> str:
    name = f"{result['id']}, {result['model']['name']}"
    if result["status"] != "scored":
        return f"{name}: not applicable: {result['reasons'][0]}"
    score = result["score"]
    text = f"{name}: {score['value']:+.2f} ({score['low']:+.2f} to {score['high']:+.2f})"
    if result["in_training"]:
        text += ", in the training sample"
    percentile = result["percentiles"]["controls"]
    if percentile["value"] is None:
        return f"{text}, no percentile: {percentile['reason']}"
    share = f"{percentile['value']:.0f}" if percentile["value"] < 99.5 else "more than 99"
    return f"{text}, above {share} % of controls of this age and sex"


STEP = Step(
    name="spare-score",
    title="Score a subject",
    help="Score one person's map with a SPARE model, with interval, percentiles and what each "
    "region adds, if the model may be applied to it.",
    parameters=SpareScoreParameters,
    run=_run,
    inputs=_inputs,
)
