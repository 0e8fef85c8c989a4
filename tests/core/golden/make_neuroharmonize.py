"""Make ``neuroharmonize_2.5.2.json``: what neuroHarmonize gives on a small made-up table.

Run in an environment of its own, since the package needs numpy < 2 and pandas < 3:

    uv venv --python 3.11 /tmp/nh
    uv pip install --python /tmp/nh neuroHarmonize==2.5.2 'numpy<2' 'pandas<3' statsmodels==0.15.0
    /tmp/nh/bin/python tests/core/golden/make_neuroharmonize.py
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from neuroHarmonize import harmonizationApply, harmonizationLearn

SEED = 7
N, N_FEATURES, N_NEW = 84, 5, 9


def made_up_table() -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(20)
    site = np.array(["Aachen", "Berlin", "Cologne"])[rng.integers(0, 3, N)]
    age = np.round(rng.uniform(50, 90, N), 1)
    sex = rng.integers(0, 2, N).astype(float)
    # Whole mm^3 below 2^24, since neuroHarmonize rounds linear covariates to float32.
    icv = np.round(rng.normal(1.4e6, 1.2e5, N))
    offset = {"Aachen": -0.8, "Berlin": 0.1, "Cologne": 0.9}
    spread = {"Aachen": 0.7, "Berlin": 1.0, "Cologne": 1.4}
    X = np.empty((N, N_FEATURES))
    for j in range(N_FEATURES):
        curve = -40 * (j + 1) * ((age - 50) / 20) ** 2
        noise = rng.normal(0, 150, N) * np.array([spread[s] for s in site])
        shift = 120 * rng.uniform(0.5, 1.5) * np.array([offset[s] for s in site])
        X[:, j] = 4000 + 500 * j + curve + 90 * sex + 1e-3 * (icv - 1.4e6) + shift + noise
    return np.round(X, 3), pd.DataFrame({"SITE": site, "age": age, "sex": sex, "icv": icv})


def main() -> None:
    X, table = made_up_table()
    train, new = slice(0, N - N_NEW), slice(N - N_NEW, N)
    low, high = table["age"][train].min(), table["age"][train].max()
    table.loc[new, "age"] = table["age"][new].clip(low, high)
    results = {}
    for name, options in {
        "gam": {"smooth_terms": ["age"], "seed": SEED},
        "gam_reference": {"smooth_terms": ["age"], "seed": SEED, "ref_batch": "Berlin"},
        "linear": {},
        "linear_without_eb": {"eb": False},
    }.items():
        model, harmonized = harmonizationLearn(X[train], table[train], **options)
        applied = harmonizationApply(X[new], table[new].reset_index(drop=True), model)
        results[name] = {"learned": harmonized.tolist(), "applied": applied.tolist()}
    content = {
        "made_by": "neuroHarmonize 2.5.2, statsmodels 0.15.0",
        "seed": SEED,
        "n_train": N - N_NEW,
        "table": table.to_dict(orient="list"),
        "features": X.tolist(),
        "results": results,
    }
    path = Path(__file__).with_name("neuroharmonize_2.5.2.json")
    path.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
