"""Read and write SPARE models as JSON: readable, checked against a schema, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from music_gui import __version__
from music_gui.core.errors import InputError
from music_gui.core.harmonization.combat_gam import ComBatGAM
from music_gui.core.spare.calibration import PlattCalibration
from music_gui.core.spare.evaluation import Estimate
from music_gui.core.spare.likeness import Likeness
from music_gui.core.spare.model import SpareModel
from music_gui.core.spare.preparation import Adjustment, FeaturePreparation
from music_gui.core.spare.reference import ReferenceDistribution
from music_gui.io.atomic import write_text
from music_gui.io.spare_schema import FORMAT, FORMAT_VERSION, FORMULA, SpareModelFile

SUFFIX = ".spare.json"

_MOST_BYTES = 64 * 1024 * 1024
#: Digits of the bootstrap's weights: they only make an interval.
_BOOTSTRAP_DIGITS = 7
_COMPLAINTS = 3


@dataclass(frozen=True)
class ModelCard:
    """What a model file says besides the numbers.

    Parameters
    ----------
    name : str
    simulated : bool
        Trained on made-up data.
    intended_use, licence : str
    atlas : str
        Name of the atlas.
    atlas_hashes : mapping of int to str
        C -> hash, of the scales that the features are of.
    table : str
        PSC table it was trained on.
    patients, controls : str
        What the groups are called.
    n_patients, n_controls : int
    sites : mapping of str to int
        Rows of each site.
    fingerprints : sequence of str
        Of the training rows.
    scheme : str
        How it was tested, in words.
    metrics : mapping of str to Estimate
    permutation_p : float or None
    seed : int
    """

    name: str
    simulated: bool
    intended_use: str
    licence: str
    atlas: str
    atlas_hashes: Mapping[int, str]
    table: str
    patients: str
    controls: str
    n_patients: int
    n_controls: int
    sites: Mapping[str, int]
    fingerprints: Sequence[str]
    scheme: str
    metrics: Mapping[str, Estimate]
    permutation_p: float | None
    seed: int


def spare_file(model: SpareModel, card: ModelCard, likeness: Likeness | None) -> SpareModelFile:
    """Put a model and its card together."""
    preparation, reference = model.preparation, model.reference
    harmonization, adjustment = preparation.harmonization_, preparation.adjustment_
    limits = reference.age_range
    sexes = [sex for sex in reference.sexes if sex]
    return SpareModelFile.model_validate(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": card.name,
            "created_with": f"MuSIC GUI {__version__}",
            "simulated": card.simulated,
            "intended_use": card.intended_use,
            "licence": card.licence,
            "formula": FORMULA,
            "input": {
                "kind": "raw PSC volumes",
                "unit": "mm3",
                "atlas": card.atlas,
                "atlas_hashes": {str(scale): value for scale, value in card.atlas_hashes.items()},
                "table": card.table,
            },
            "population": {
                "patients": card.patients,
                "controls": card.controls,
                "n_patients": card.n_patients,
                "n_controls": card.n_controls,
                "age_range": None if limits is None else list(limits),
                "sexes": {sex: sexes.count(sex) for sex in sorted(set(sexes))},
                "sites": dict(sorted(card.sites.items())),
                "fingerprints": list(card.fingerprints),
            },
            "performance": {
                "scheme": card.scheme,
                "metrics": {name: asdict(each) for name, each in card.metrics.items()},
                "permutation_p": card.permutation_p,
            },
            "cost": model.cost,
            "seed": card.seed,
            "intercept": model.intercept,
            "features": _feature_rows(model),
            "harmonization": None if harmonization is None else harmonization.to_dict(),
            "adjustment": None if adjustment is None else adjustment.to_dict(),
            "calibration": asdict(model.calibration),
            "reference": {
                "scores": reference.scores.tolist(),
                "ages": [float(a) if np.isfinite(a) else None for a in reference.ages],
                "sexes": list(reference.sexes),
                "patients": reference.patients.tolist(),
            },
            "likeness": None
            if likeness is None
            else asdict(likeness) | {"means": np.round(likeness.means, 4).tolist()},
            "bootstrap": {
                "weights": _rounded(model.bootstrap_weights),
                "intercepts": _rounded(model.bootstrap_intercepts[None])[0],
            },
        }
    )


def model_of(file: SpareModelFile) -> SpareModel:
    """Rebuild the model that a file describes."""
    harmonization, adjustment = file.harmonization, file.adjustment
    preparation = FeaturePreparation()
    preparation.harmonization_ = (
        None if harmonization is None else ComBatGAM.from_dict(harmonization.model_dump())
    )
    preparation.adjustment_ = (
        None
        if adjustment is None
        else Adjustment.from_dict(adjustment.model_dump(), len(file.features))
    )
    preparation.mean_ = _column(file, "mean")
    preparation.scale_ = _column(file, "scale")
    reference, limits = file.reference, file.population.age_range
    return SpareModel(
        features=tuple(each.name for each in file.features),
        preparation=preparation,
        weights=_column(file, "weight"),
        intercept=file.intercept,
        pattern=_column(file, "pattern"),
        cost=file.cost,
        bootstrap_weights=np.array(file.bootstrap.weights, dtype=np.float64).reshape(
            -1, len(file.features)
        ),
        bootstrap_intercepts=np.array(file.bootstrap.intercepts, dtype=np.float64),
        calibration=PlattCalibration(**file.calibration.model_dump()),
        reference=ReferenceDistribution(
            scores=np.array(reference.scores, dtype=np.float64),
            ages=np.array(reference.ages, dtype=np.float64),
            sexes=tuple(reference.sexes),
            patients=np.array(reference.patients, dtype=bool),
            age_range=None if limits is None else (limits[0], limits[1]),
        ),
        raw_mean=_column(file, "raw_mean"),
        raw_sd=_column(file, "raw_sd"),
    )


def likeness_of(file: SpareModelFile) -> Likeness | None:
    """Return what the training maps have in common, if the file tells."""
    if file.likeness is None:
        return None
    part = file.likeness
    means = np.array(part.means, dtype=np.float64)
    return Likeness(part.scale, means, part.low, part.typical, part.mirror_limit)


def write_spare_model(path: Path, file: SpareModelFile) -> None:
    """Write a model file; the same model gives the same bytes."""
    write_text(path, _layout(file.model_dump(mode="json")) + "\n")


def read_spare_model(path: Path) -> SpareModelFile:
    """Read a model file from anywhere.

    Raises
    ------
    InputError
        If it is missing, too large, a pickle, no JSON, of another version, or its content is
        not what a model can be; the text names the field.
    """
    text = _text_of(path)
    try:
        content = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise InputError("the model file is not sound JSON", where=str(path), why=str(error)) from (
            error
        )
    _check_kind(content, path)
    try:
        return SpareModelFile.model_validate(content)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False)
        ]
        more = f"; and {len(wrong) - _COMPLAINTS} more" if len(wrong) > _COMPLAINTS else ""
        raise InputError(
            "the model file holds what a model can't",
            where=str(path),
            why="; ".join(wrong[:_COMPLAINTS]) + more,
            remedy="Get the file again from who made the model",
        ) from error


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            "the model file can't be read", where=str(path), why=error.strerror or ""
        ) from error
    if len(raw) > _MOST_BYTES:
        raise InputError(
            "the model file is too large",
            where=str(path),
            why=f"it has more than {_MOST_BYTES // 2**20} MiB",
        )
    if raw[:1] == b"\x80" or raw[:2] == b"PK" or raw[:6] == b"\x93NUMPY":
        raise InputError(
            "this is no SPARE model file but a pickle, archive or array",
            where=str(path),
            why="such files can run code when they are opened, and depend on versions",
            remedy="Ask for the model as *.spare.json",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the model file is no text", where=str(path)) from error


def _check_kind(content: Any, path: Path) -> None:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(
            "this is no SPARE model file",
            where=str(path),
            why=f'it lacks "format": "{FORMAT}"',
        )
    version = content.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise InputError(
            "the model file was written by a newer version",
            where=str(path),
            why=f"its format has version {version}, this application knows {FORMAT_VERSION}",
            remedy="Update MuSIC GUI to use it",
        )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} occurs twice")
    return content


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _feature_rows(model: SpareModel) -> list[dict[str, Any]]:
    columns = {
        "mean": model.preparation.mean_,
        "scale": model.preparation.scale_,
        "weight": model.weights,
        "pattern": model.pattern,
        "raw_mean": model.raw_mean,
        "raw_sd": model.raw_sd,
    }
    return [
        {"name": name} | {key: float(values[k]) for key, values in columns.items()}
        for k, name in enumerate(model.features)
    ]


def _column(file: SpareModelFile, name: str) -> NDArray[np.float64]:
    return np.array([getattr(each, name) for each in file.features], dtype=np.float64)


def _rounded(rows: NDArray[np.float64]) -> list[list[float]]:
    return [[float(f"{value:.{_BOOTSTRAP_DIGITS}g}") for value in row] for row in rows]


def _layout(value: Any, depth: int = 0) -> str:
    """Indent objects; a list of numbers or texts takes one line, a list of rows one line each."""
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{json.dumps(name)}: {_layout(each, depth + 1)}" for name, each in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(each, (list, dict)) for each in value):
        rows = [inner + json.dumps(each, ensure_ascii=False, allow_nan=False) for each in value]
        return "[\n" + ",\n".join(rows) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
