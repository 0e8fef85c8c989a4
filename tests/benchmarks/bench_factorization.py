"""The factorisations beside the public reference package, on one simulated cohort.

Run by hand, with nothing else on the machine::

    python tests/benchmarks/bench_factorization.py --reference PYTHON [--components 32 128]

``PYTHON`` is the interpreter of an environment of its own that holds ``sopnmf`` 0.0.4 (Python 3.9,
numpy 1.23.5, scipy 1.11.4, pandas 1.5.3, nibabel 4.0.2, scikit-learn 1.3.2, torch, tensorboardX).

It prints, for each number of components:

- whether our iterates are those of the reference from the same start and batches (largest
  relative difference of the weights after the last epoch, and of any epoch's loss),
- seconds an epoch (training and loss on all maps) of both, reading apart from arithmetic,
- loss, sparsity, used components and agreement with the planted truth of the reference after its
  last epoch, of `SopNMF` and of `ExactONMF`, and the seconds until each has them; those of
  `ExactONMF` include loading from the masked store, into which images are imported once.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_gm_template
from scipy.cluster.vq import kmeans2
from scipy.spatial import cKDTree
from sklearn.metrics import adjusted_rand_score

from music_gui.core.factorization import BlockRunner, ExactONMF, SopNMF, sparsity
from music_gui.core.factorization.loss import assess
from music_gui.core.factorization.multiplicative_update import ScaledWeights, update
from music_gui.io.nifti import read_image, read_labels

REFERENCE_SCRIPT = Path(__file__).with_name("reference_sopnmf.py")


@dataclass
class Cohort:
    """Simulated RAVENS-like maps and the regions planted in them."""

    folder: Path
    truth: dict[int, np.ndarray]

    def import_images(self) -> float:
        """Decompress every image into the masked store, as `import-maps` does; return seconds."""
        mask = read_labels(self.folder / "mask.nii.gz")[0] > 0
        paths = sorted((self.folder / "images").iterdir())
        started = time.perf_counter()
        with ThreadPoolExecutor() as pool:
            rows = list(pool.map(lambda path: read_image(path).data[mask], paths))
        np.save(self.folder / "maps.npy", np.stack(rows))
        return time.perf_counter() - started

    def maps(self) -> np.ndarray:
        """Map the masked store, shape (n_images, n_voxels), float32."""
        return np.load(self.folder / "maps.npy", mmap_mode="r")


def make_cohort(folder: Path, n_images: int, resolution: float, seed: int = 0) -> Cohort:
    """Grey matter of the template times regional factors: fine regions nested in coarse ones."""
    rng = np.random.default_rng(seed)
    template = load_mni152_gm_template(resolution=resolution)
    grey = np.asarray(template.dataobj, np.float32)
    mask = grey > 0.25
    ijk = np.argwhere(mask).astype(float)

    def centres(k: int) -> np.ndarray:
        start = ijk[rng.choice(len(ijk), k, replace=False)]
        return kmeans2(ijk, start, iter=4, minit="matrix")[0]

    fine, coarse = centres(128), centres(32)
    parent = cKDTree(coarse).query(fine)[1]
    region = cKDTree(fine).query(ijk)[1]
    log_factors = 0.12 * rng.normal(size=(n_images, 128))
    log_factors += 0.15 * rng.normal(size=(n_images, 32))[:, parent]
    log_factors += 0.08 * rng.normal(size=(n_images, 1))
    (folder / "images").mkdir(parents=True)
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), template.affine), folder / "mask.nii.gz")
    lines = ["participant_id\tsession_id\tpath"]
    for i in range(n_images):
        image = 1000 * grey * (1 + 0.15 * rng.normal(size=grey.shape))
        image[mask] *= np.exp(log_factors[i, region])
        image[grey < 0.02] = 0
        path = folder / "images" / f"sub-{i:04d}.nii.gz"
        nib.save(nib.Nifti1Image(np.maximum(image, 0).astype(np.float32), template.affine), path)
        lines.append(f"sub-{i:04d}\tses-01\t{path}")
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")
    return Cohort(folder, {128: region, 32: parent[region]})


def run_reference(
    python: Path, cohort: Cohort, C: int, batch: int, epochs: int, threads: int
) -> tuple[dict, Path]:
    """Train the reference; return its log and the folder with its start and its weights."""
    out = cohort.folder / f"reference_C{C}_{threads}"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
    command = [python, "-W", "ignore", REFERENCE_SCRIPT]
    arguments = [cohort.folder, C, batch, epochs, out, 0]
    subprocess.run(
        [*map(str, command), *map(str, arguments)],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads((out / "log.json").read_text()), out


def compare_iterates(X: np.ndarray, log: dict, out: Path) -> None:
    """Repeat the reference's batches from its start and print how far the results lie apart."""
    squared_norm = float((X.astype(np.float64) ** 2).sum())
    for strict in (True, False):
        weights = ScaledWeights.start(np.load(out / "W0.npy"))
        worst = 0.0
        with BlockRunner() as runner:
            for epoch, batches in zip(log["epochs"], log["batches"], strict=True):
                for batch in batches:
                    update(X[batch], weights, runner, strict=strict)
                loss = assess(X, squared_norm, weights, runner).loss
                worst = max(worst, abs(loss / (epoch["loss"] ** 2 / squared_norm) - 1))
        theirs = np.load(out / "W.npy")
        difference = np.linalg.norm(weights.normalized().T - theirs) / np.linalg.norm(theirs)
        print(
            f"  same iterates, {'strict' if strict else 'cheap '} norm: after "
            f"{len(log['epochs'])} epochs W differs by {difference:.1e}, any loss by {worst:.1e}"
        )


def time_epochs(X: np.ndarray, C: int, batch: int, n_jobs: int, strict: bool) -> float:
    """Return the median seconds of an epoch of `SopNMF`, loss included."""
    moments: list[float] = []
    SopNMF(C, batch, 12, 0, strict=strict, n_jobs=n_jobs).fit(
        X, callback=lambda epoch: moments.append(time.perf_counter())
    )
    return float(np.median(np.diff(moments)))


def describe(components: np.ndarray, truth: np.ndarray | None) -> str:
    """Return sparsity, used components and agreement with the truth of components."""
    labels = components.argmax(axis=0)
    text = f"sparsity {sparsity(components):.3f}, {len(np.unique(labels))} used"
    if truth is not None:
        text += f", ARI with the truth {adjusted_rand_score(truth, labels):.3f}"
    return text


def bench(
    cohort: Cohort, C: int, batch: int, epochs: int, reference: Path | None, import_s: float
) -> None:
    """Print everything about one number of components."""
    X = cohort.maps()
    truth = cohort.truth.get(C)
    print(f"C = {C}, batch {batch}, {X.shape[0]} maps of {X.shape[1]} voxels")
    target, their_epoch, their_total = None, None, None
    if reference:
        run_reference(reference, cohort, C, batch, 3, 1)  # warms the disk cache
        runs = {n: run_reference(reference, cohort, C, batch, epochs, n) for n in (1, 2)}
        medians = {n: _median_epoch(log) for n, (log, _) in runs.items()}
        n = min(medians, key=lambda n: sum(medians[n]))
        (log, out), (whole, reading) = runs[n], medians[n]
        their_epoch = whole
        their_total = log["start_s"] + sum(e["train_s"] + e["validate_s"] for e in log["epochs"])
        print(
            f"  reference ({n} threads): {whole:.3f} s an epoch, of which reading {reading:.3f}, "
            f"arithmetic {whole - reading:.3f}"
        )
        compare_iterates(X, log, out)
        squared_norm = float((X.astype(np.float64) ** 2).sum())
        target = log["epochs"][-1]["loss"] ** 2 / squared_norm
        W = np.load(out / "W.npy").T
        print(f"  reference after {epochs} epochs, {their_total:.1f} s: loss {target:.5f}, "
              f"{describe(W, truth)}")  # fmt: skip
    for strict in (False, True):
        ours = min(time_epochs(X, C, batch, n, strict) for n in (1, 2))
        ratio = f", {their_epoch / ours:.1f} times the reference's speed" if their_epoch else ""
        print(f"  SopNMF, {'strict' if strict else 'cheap '} norm: {ours:.4f} s an epoch{ratio}")
    started = time.perf_counter()
    fit = SopNMF(C, batch, 1000, 0).fit(X)
    print(
        f"  SopNMF to its end: loss {fit.reconstruction_err_:.5f} in {fit.n_iter_} epochs, "
        f"{time.perf_counter() - started:.1f} s, {describe(fit.components_, truth)}"
    )
    for n_init in (1, 2, 4):
        started = time.perf_counter()
        reached: list[float] = []

        def note(epoch, reached=reached):
            if target is not None and epoch.loss <= target:
                reached.append(time.perf_counter())

        fit = ExactONMF(C, n_init, 0).fit(cohort.maps(), callback=note)
        ended = time.perf_counter()
        print(
            f"  ExactONMF, {n_init} starts: loss {fit.reconstruction_err_:.5f} in "
            f"{ended - started:.2f} s, {describe(fit.components_, truth)}"
        )
        if reached and their_total:
            seconds = reached[0] - started
            print(
                f"    at the reference's last loss after {seconds:.3f} s: 1/"
                f"{their_total / seconds:.0f} of its time, 1/{_arithmetic(log) / seconds:.0f} of "
                f"its arithmetic, 1/{their_total / (seconds + import_s):.0f} if the import of "
                "the images is counted"
            )


def _median_epoch(log: dict) -> tuple[float, float]:
    """Return the median seconds of an epoch and of the reading in it."""
    whole = [epoch["train_s"] + epoch["validate_s"] for epoch in log["epochs"]]
    reading = [epoch["train_read_s"] + epoch["validate_read_s"] for epoch in log["epochs"]]
    return float(np.median(whole)), float(np.median(reading))


def _arithmetic(log: dict) -> float:
    return log["start_s"] + sum(
        epoch["train_s"] + epoch["validate_s"] - epoch["train_read_s"] - epoch["validate_read_s"]
        for epoch in log["epochs"]
    )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="Python with sopnmf 0.0.4")
    parser.add_argument("--components", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=150, help="epochs of the reference")
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--resolution", type=float, default=4, help="mm")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cohort = make_cohort(Path(folder), arguments.images, arguments.resolution)
        import_s = min(cohort.import_images() for _ in range(3))
        print(
            f"{os.getloadavg()[0]:.1f} load; import of {arguments.images} images {import_s:.2f} s"
        )
        for C in arguments.components:
            bench(cohort, C, arguments.batch, arguments.epochs, arguments.reference, import_s)


if __name__ == "__main__":
    main()
