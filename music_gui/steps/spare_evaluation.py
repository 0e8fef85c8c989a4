"""What ``evaluation.json`` and ``predictions.tsv`` say about a SPARE model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.spare.cross_validation import CrossValidation, TrainingSet
from music_gui.core.spare.evaluation import METRICS
from music_gui.core.spare.training import TrainedSpare
from music_gui.io.spare_json import ModelCard

_AGE_BAND_YEARS = 10
_FEWEST_IN_SUBGROUP = 5


def evaluation_of(
    trained: TrainedSpare, data: TrainingSet, card: ModelCard, n_permutations: int
) -> dict[str, Any]:
    """Return all figures, ready for JSON."""
    model, validation = trained.model, trained.validation
    return {
        "name": card.name,
        "simulated": card.simulated,
        "patients": {"label": card.patients, "n": card.n_patients},
        "controls": {"label": card.controls, "n": card.n_controls},
        "scheme": card.scheme,
        "metrics": {name: asdict(each) for name, each in card.metrics.items()},
        "interval": "95 %, corrected resampled t (Nadeau and Bengio 2003) over test folds",
        "permutation": {"n": n_permutations, "p": card.permutation_p},
        "folds": [
            {
                "repeat": fold.repeat,
                "fold": fold.fold,
                "n_train": fold.n_train,
                "n_test": len(fold.test),
                "cost": fold.cost,
            }
            | _metrics(fold.scores, data.patients[fold.test])
            for fold in validation.folds
        ],
        "subgroups": _subgroups(validation.scores, data),
        "features": [
            {
                "name": name,
                "weight": float(model.weights[k]),
                "pattern": float(model.pattern[k]),
                "same_sign": float(
                    (np.sign(model.bootstrap_weights[:, k]) == np.sign(model.weights[k])).mean()
                ),
            }
            for k, name in enumerate(model.features)
        ],
    }


def predictions_of(validation: CrossValidation, ids: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each test of each person: ids, diagnosis, repeat, fold and score."""
    parts = []
    for fold in validation.folds:
        part = ids.iloc[fold.test].copy()
        part["repeat"], part["fold"] = fold.repeat, fold.fold
        part["score"] = fold.scores
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _metrics(scores: NDArray[np.float64], patients: NDArray[np.bool_]) -> dict[str, float | None]:
    if not (patients.any() and (~patients).any()):
        return dict.fromkeys(METRICS)
    values = {name: metric(scores, patients) for name, (metric, _) in METRICS.items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _subgroups(scores: NDArray[np.float64], data: TrainingSet) -> dict[str, Any]:
    """Return the metrics of the mean out-of-fold scores by sex, age band and site."""
    labels: dict[str, NDArray[np.str_]] = {}
    if "sex" in data.people:
        labels["sex"] = np.array([label or "" for label in data.people.labels("sex")], dtype=str)
    if "age" in data.people:
        ages = data.people.numbers("age")
        low = np.floor(np.nan_to_num(ages, nan=-1) / _AGE_BAND_YEARS).astype(int)
        bands = [
            f"{k * _AGE_BAND_YEARS}-{(k + 1) * _AGE_BAND_YEARS - 1}" if k >= 0 else "" for k in low
        ]
        labels["age"] = np.array(bands, dtype=str)
    if data.sites is not None:
        labels["site"] = data.sites
    tested = np.isfinite(scores)
    found: dict[str, Any] = {}
    for name, values in labels.items():
        found[name] = {}
        for value in sorted(set(values) - {""}):
            rows = tested & (values == value)
            patients = data.patients[rows]
            figures: dict[str, Any] = {
                "n_patients": int(patients.sum()),
                "n_controls": int((~patients).sum()),
            }
            if min(figures.values()) >= _FEWEST_IN_SUBGROUP:
                figures |= _metrics(scores[rows], patients)
            found[name][value] = figures
    return found
