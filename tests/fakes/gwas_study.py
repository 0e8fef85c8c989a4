"""A small study with genotypes whose causal variant is known."""

import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from music_gui.core.progress import Silent
from music_gui.io.genotypes import MISSING_CALL, write_bed
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import PscSidecar, make_psc_table, write_psc_table
from music_gui.io.study import Study
from music_gui.steps.gwas import STEP, GwasParameters
from music_gui.steps.step import StepResult, Workspace

N, M = 150, 80
#: The variant (by row) that C4_1 depends on, so strongly that p is far below 1e-308 ...
CAUSAL = 12
#: ... and the one that C2_1 depends on moderately.
MODERATE = 30
PSCS = ("C2_1", "C2_2", "C4_1", "C4_2", "C4_3", "C4_4")


class Told(Silent):
    """Progress that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def make_gwas_study(root: Path, *, missing: float = 0.01) -> Study:
    """Make 150 people and 80 variants.

    C4_3 has vanished, C4_4 lacks some people; ten participants are not genotyped, five samples
    have no map; variant 3 is monomorphic, variants 70 and on lie on X.
    """
    rng = np.random.default_rng(5)
    study = Study.create(root, simulated=True)
    ids = [f"sub-{number:04}" for number in range(1, N + 1)]
    calls = rng.binomial(2, rng.uniform(0.1, 0.5, M), (N, M)).astype(np.int8)
    calls[:, 3] = 0
    people = pd.DataFrame({"participant_id": ids, "session_id": "ses-01", "path": "maps/x.nii.gz"})
    people["age"] = rng.uniform(50, 85, N).round(1)
    people["sex"] = rng.choice(["F", "M"], N)
    people["site"] = np.tile(["North", "South", "West"], N // 3)
    people["icv"] = rng.normal(1.45e6, 1e5, N).round()
    values = rng.normal(6000, 300, (N, len(PSCS))) - 20 * (people["age"].to_numpy()[:, None] - 67)
    values[:, PSCS.index("C4_1")] = 4000 + 900.0 * calls[:, CAUSAL] + rng.normal(0, 0.01, N)
    values[:, PSCS.index("C2_1")] += 250.0 * calls[:, MODERATE]
    values[:, PSCS.index("C4_3")] = np.nan
    values[20:32, PSCS.index("C4_4")] = np.nan
    calls[rng.random(calls.shape) < missing] = MISSING_CALL
    variants = pd.DataFrame(
        {
            "chromosome": ["1"] * 40 + ["22"] * 30 + ["X"] * 10,
            "base_pair_location": np.arange(1, M + 1) * 1000,
            "rsid": ["."] * 5 + [f"rs{number}" for number in range(5, M)],  # some have no name
            "effect_allele": rng.choice(list("AC"), M),
            "other_allele": rng.choice(list("GT"), M),
        }
    )
    order = rng.permutation(np.arange(10, N))
    strangers = rng.binomial(2, 0.3, (5, M)).astype(np.int8)
    write_bed(
        study.source_data / "genotypes" / "example.bed",
        np.vstack([calls[order], strangers]),
        iid=[ids[row] for row in order] + [f"other-{number}" for number in range(5)],
        variants=variants,
    )
    write_participants(study.participants, people)
    write_table(study, "study_raw", values, None)
    write_table(study, "study_harmonized", values, {"method": "none really"})
    return study


def write_table(study: Study, name: str, values: np.ndarray, harmonization: dict | None) -> None:
    """Write a PSC table with the columns `PSCS`."""
    ids = [f"sub-{number:04}" for number in range(1, N + 1)]
    sidecar = PscSidecar(
        name=name, atlas="study", atlas_hashes={}, harmonization=harmonization, simulated=True
    )
    table = make_psc_table(ids, ["ses-01"] * N, PSCS, values, sidecar)
    write_psc_table(study.psc_table(name), table)


def run_gwas(
    study: Study, place: Path, *, progress: Silent | None = None, **parameters: object
) -> tuple[StepResult, Path]:
    """Run the step; return its result and the folder of the statistics."""
    output = place / "output"
    output.mkdir(parents=True)
    workspace = Workspace(output, place / "scratch", place / "log", progress or Told(), 1)
    workspace.scratch.mkdir(exist_ok=True)
    result = STEP.run(study, GwasParameters(**parameters), workspace)
    return result, output / result.outputs[0]


def fake_program(path: Path, body: str) -> Path:
    """Write a Python script that can be run as a program.

    It prints PLINK's version when asked; else ``body`` runs, with ``out`` as the prefix of the
    outputs and ``names`` as the phenotypes.
    """
    path.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, time\n"
        "if sys.argv[1:] == ['--version']:\n"
        "    print('PLINK v2.00a3.5 AVX2 (9 Aug 2022)')\n"
        "    sys.exit(0)\n"
        "argument = lambda flag: sys.argv[sys.argv.index(flag) + 1]\n"
        "out = argument('--out')\n"
        "names = open(argument('--pheno')).readline().split()[1:]\n"
        "variants = [line.split() for line in open(argument('--bim'))]\n"
        f"{body}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
