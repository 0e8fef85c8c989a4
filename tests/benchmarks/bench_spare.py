"""How long harmonisation and SPARE training take, beside neuroHarmonize and plain scikit-learn."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from music_gui.core.harmonization import ComBatGAM
from music_gui.core.harmonization.covariate_table import CovariateTable
from music_gui.core.progress import Silent
from music_gui.core.spare.cross_validation import TrainingSet, ValidationPlan
from music_gui.core.spare.preparation import FeaturePreparation
from music_gui.core.spare.training import train_spare

_NEUROHARMONIZE = """
import sys, time, numpy as np, pandas as pd
from neuroHarmonize import harmonizationLearn
data = np.load(sys.argv[1])
table = pd.DataFrame({"SITE": data["site"], "age": data["age"], "sex": data["sex"]})
start = time.perf_counter()
harmonizationLearn(data["X"], table, smooth_terms=["age"], seed=0)
print(time.perf_counter() - start)
"""


def made_up(n: int, n_features: int) -> TrainingSet:
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "age": rng.uniform(50, 85, n),
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["A", "B", "C"], n),
        }
    )
    patients = rng.random(n) < 1 / 3
    X = rng.normal(20_000, 1_500, (n, n_features))
    X[:, : n_features // 8] -= 1_000 * patients[:, None]
    return TrainingSet(
        X,
        CovariateTable.of(people),
        patients,
        np.arange(n).astype(str),
        people["site"].to_numpy(dtype=str),
    )


def timed(what: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:58s} {wall:8.2f} s wall {cpu:8.2f} s CPU")


def bench_harmonization(neuroharmonize: Path | None) -> None:
    for n, n_features in ((240, 32), (240, 2003), (5000, 32)):
        data = made_up(n, n_features)
        for folds in ("shared", "per_feature"):
            model = ComBatGAM(covariates=("sex",), penalty_folds=folds)
            timed(
                f"ComBat-GAM, {n} x {n_features}, folds {folds}",
                lambda model=model, data=data: model.fit_transform(data.X, data.people),
            )
        if neuroharmonize and n_features < 100:
            print(f"{'  neuroHarmonize':58s} {seconds_of(neuroharmonize, data):8.2f} s wall")


def seconds_of(python: Path, data: TrainingSet) -> float:
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "data.npz"
        sex = (data.people.labels("sex") == "M").astype(float)
        np.savez(arrays, X=data.X, site=data.sites, age=data.people.numbers("age"), sex=sex)
        printed = subprocess.run(
            [str(python), "-c", _NEUROHARMONIZE, str(arrays)],
            check=True,
            capture_output=True,
            text=True,
        )
    return float(printed.stdout.splitlines()[-1])


def bench_training() -> None:
    for n, n_features in ((240, 32), (240, 2003)):
        data = made_up(n, n_features)
        names = [f"C{n_features}_{k + 1}" for k in range(n_features)]
        harmonization = ComBatGAM(covariates=("sex",), min_site_size=3)
        for what, preparation in (
            ("scaling only", FeaturePreparation()),
            ("harmonised, adjusted", FeaturePreparation(harmonization, ("age", "sex"))),
        ):
            plan = ValidationPlan(preparation)
            timed(
                f"SPARE, {n} x {n_features}, 5 x 5 folds, {what}",
                lambda data=data, plan=plan, names=names: train_spare(
                    data, names, plan, n_bootstrap=20, progress=Silent()
                ),
            )
        grid = GridSearchCV(
            make_pipeline(StandardScaler(), SVC(kernel="linear", class_weight="balanced")),
            {"svc__C": list(plan.costs)},
            scoring="balanced_accuracy",
            cv=5,
        )
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0)
        timed(
            "  scikit-learn's GridSearchCV in the same folds",
            lambda data=data, grid=grid, folds=folds: cross_val_score(
                grid, data.X, data.patients, cv=folds, scoring="balanced_accuracy"
            ),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--neuroharmonize", type=Path, help="Python of an environment with neuroHarmonize 2.5.2"
    )
    arguments = parser.parse_args()
    with threadpool_limits(1):
        bench_harmonization(arguments.neuroharmonize)
        bench_training()


if __name__ == "__main__":
    main()
