"""Built-in engine and PLINK 2 side by side, on the same study, as a user would run them.

On a machine that others share compare the seconds of processor, not those of the clock.
"""

import argparse
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from music_gui.core.progress import Silent
from music_gui.io.genotypes import write_bed
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import PscSidecar, make_psc_table, write_psc_table
from music_gui.io.study import Study
from music_gui.steps.gwas import STEP, GwasParameters
from music_gui.steps.step import Workspace

PAPER = {"n": 33_541, "m": 8_469_833, "pscs": 2_003}


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def make_study(folder: Path, n: int, m: int, pscs: int, components: int, missing: float) -> Study:
    """Simulate independent variants, null PSCs and the paper's covariates."""
    rng = np.random.default_rng(0)
    ids = [f"sub-{number:05}" for number in range(n)]
    study = Study.create(folder, simulated=True)
    frequency = rng.uniform(0.02, 0.5, m)
    calls = np.empty((n, m), dtype=np.int8, order="F")
    for first in range(0, m, 1000):
        part = slice(first, first + 1000)
        calls[:, part] = rng.binomial(2, frequency[part], (n, len(frequency[part])))
        if missing:
            calls[:, part][rng.random(calls[:, part].shape) < missing] = -127
    variants = pd.DataFrame(
        {
            "chromosome": np.sort(np.arange(m) % 22 + 1).astype(str),
            "base_pair_location": np.arange(1, m + 1),
            "rsid": [f"rs{number}" for number in range(m)],
            "effect_allele": "A",
            "other_allele": "G",
        }
    )
    write_bed(folder / "sourcedata/genotypes/bench.bed", calls, iid=ids, variants=variants)
    people = pd.DataFrame(
        {"participant_id": ids, "session_id": "ses-01", "age": rng.uniform(45, 85, n)}
    )
    people["sex"], people["icv"] = rng.choice(["F", "M"], n), rng.normal(1.5e6, 1e5, n)
    for number in range(1, components + 1):
        people[f"PC{number}"] = rng.normal(size=n)
    write_participants(study.participants, people)
    sidecar = PscSidecar(name="study_raw", atlas="study", atlas_hashes={}, simulated=True)
    names = [f"C{pscs}_{number + 1}" for number in range(pscs)]
    values = rng.normal(5000, 500, (n, pscs))
    write_psc_table(
        study.psc_table("study_raw"), make_psc_table(ids, ["ses-01"] * n, names, values, sidecar)
    )
    return study


def time_engine(study: Study, engine: str, threads: int) -> tuple[float, float]:
    """Run the whole step, reading and writing included; return wall and processor seconds."""
    folder = study.root / f"run_{engine}"
    workspace = Workspace(
        folder / "output", folder / "scratch", study.root / f"{engine}.log", Silent(), threads
    )
    workspace.output.mkdir(parents=True)
    start, before = time.perf_counter(), sum(os.times()[:4])
    result = STEP.run(study, GwasParameters(engine=engine), workspace)
    wall, processor = time.perf_counter() - start, sum(os.times()[:4]) - before
    say(f"  {engine}: {wall:.1f} s, {processor:.1f} s of processor ({result.summary})")
    return wall, processor


def peak_gigaflops(n: int) -> float:
    """Float64 matrix product of a block's shape, best of five."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(512, n)), rng.normal(size=(n, 300))
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - start)
    return 2 * 512 * n * 300 / best / 1e9


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--m", type=int, default=50_000)
    parser.add_argument("--pscs", type=int, default=256)
    parser.add_argument("--components", type=int, default=40)
    parser.add_argument("--missing", type=float, default=0.0, help="share of missing calls")
    parser.add_argument("--engines", nargs="+", default=["built-in", "plink2"])
    parser.add_argument("--folder", type=Path, help="where to work; kept")
    a = parser.parse_args()
    threads = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    say(f"{platform.processor() or platform.machine()}, {threads} cores, load {load:.1f}")
    say(f"n = {a.n}, m = {a.m}, {a.pscs} PSCs, {a.components} PCs, {a.missing:.1%} missing")
    root = a.folder or Path(tempfile.mkdtemp())
    try:
        study = make_study(root / "study", a.n, a.m, a.pscs, a.components, a.missing)
        seconds = {engine: time_engine(study, engine, threads) for engine in a.engines}
    finally:
        if a.folder is None:
            shutil.rmtree(root)
    if "built-in" in seconds:
        operations = 2.0 * a.n * a.m * (a.pscs + a.components + 7)
        rate, peak = operations / seconds["built-in"][0] / 1e9, peak_gigaflops(a.n)
        say(f"  built-in: {rate:.1f} of {peak:.1f} GFLOP/s ({rate / peak:.0%})")
        paper = 2.0 * PAPER["n"] * PAPER["m"] * (PAPER["pscs"] + 47) / (rate * 1e9)
        say(f"  paper's run at this rate: {paper / 3600:.1f} h on {threads} cores")
    if len(seconds) == 2:
        ratios = [p / b for p, b in zip(seconds["plink2"], seconds["built-in"], strict=True)]
        say(f"  built-in is {ratios[0]:.1f} times as fast, on {1 / ratios[1]:.0%} of the processor")
    say(f"  peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
