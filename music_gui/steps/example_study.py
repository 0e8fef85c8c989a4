"""The inputs of the example study: simulated maps, participants, genotypes and their truth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from music_gui.core.grid import Grid
from music_gui.core.progress import Progress
from music_gui.core.simulation.example import SimulatedSample, simulate_sample
from music_gui.io.atomic import write_json, write_text
from music_gui.io.genotypes import MISSING_CALL, write_bed
from music_gui.io.nifti import read_image, write_image
from music_gui.io.participants_tsv import write_participants
from music_gui.io.resources import TEMPLATE_GM_3MM, resource
from music_gui.jobs.process import available_cores
from music_gui.steps.truth import describe_truth

N_PARTICIPANTS = 240
N_VARIANTS = 5000
SEED = 20261125

#: One patient and one control are simulated on top and kept out, to be scored by a trained model.
_N_HELD_OUT = 2

_README = """\
SIMULATED DATA. No person stands behind any file in this folder.

MuSIC GUI made these files on this machine from the grey-matter probability of the MNI152
template (ICBM 2009a) and a random number generator.

participants.tsv   {n} made-up people, three sites, a third of them patients (PT)
maps/              a grey-matter map each, 3 mm, 1 = a whole voxel of grey matter
genotypes/         PLINK 1 files, {m} variants (GRCh37 positions, made-up names)
held_out/          one more patient and one more control, to be scored by a trained model
truth.json         what was put in: effects of age, site, disease and genes on each region
truth_dseg.nii.gz  the 32 regions that the effects act on
"""


def write_inputs(
    folder: Path, progress: Progress, n_participants: int, n_variants: int, seed: int
) -> None:
    """Simulate a sample and write its files.

    Parameters
    ----------
    folder : Path
        A new folder, which becomes the study's ``sourcedata``.
    progress : Progress
        How far it is.
    n_participants : int
        Number of people, besides the two that are held out.
    n_variants : int
        Number of variants, at least 22.
    seed : int
        The same seed gives the same bytes.
    """
    progress.update(0.0, "simulating people and genotypes")
    template = read_image(resource(TEMPLATE_GM_3MM))
    sample = simulate_sample(
        template.data,
        template.grid,
        n_people=n_participants + _N_HELD_OUT,
        n_variants=n_variants,
        seed=seed,
    )
    progress.check()
    kept, held_out = _divide(sample)
    table, extra = _participants(sample, kept, "maps"), _participants(sample, held_out, "")
    write_text(folder / "README.txt", _README.format(n=len(table), m=n_variants))
    write_participants(folder / "participants.tsv", table)
    write_participants(folder / "held_out" / "participants.tsv", extra)
    _write_genotypes(folder / "genotypes" / "example.bed", sample, kept, table)
    write_json(folder / "truth.json", describe_truth(sample, kept, seed))
    _write_regions(folder / "truth_dseg.nii.gz", sample, template.grid)
    files = [folder / path for path in table["path"]]
    files += [folder / "held_out" / path for path in extra["path"]]
    people = [*kept, *held_out]
    _write_maps(files, people, sample, template.grid, progress.part(0.1, 1.0))


def _divide(sample: SimulatedSample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keep out the last patient and the last control."""
    is_patient = sample.maps.people.is_patient
    held_out = np.array([np.flatnonzero(is_patient)[-1], np.flatnonzero(~is_patient)[-1]])
    return np.setdiff1d(np.arange(len(is_patient)), held_out), held_out


def _participants(sample: SimulatedSample, people: NDArray[np.int64], folder: str) -> pd.DataFrame:
    """Return the table of some people; maps lie in a folder beside the table."""
    everyone = sample.maps.people
    first = 1 if folder else 9001
    ids = [f"sub-{number:04d}" for number in range(first, first + len(people))]
    prefix = f"{folder}/" if folder else ""
    return pd.DataFrame(
        {
            "participant_id": ids,
            "session_id": "ses-01",
            "path": [f"{prefix}{each}_ses-01_space-MNI_RAVENS.nii.gz" for each in ids],
            "age": everyone.age[people],
            "sex": everyone.sex[people],
            "site": everyone.site_name[people],
            "diagnosis": everyone.diagnosis[people],
            "icv": everyone.icv[people],
        }
    )


def _write_genotypes(
    path: Path, sample: SimulatedSample, kept: NDArray[np.int64], table: pd.DataFrame
) -> None:
    genotypes = sample.genotypes
    variants = pd.DataFrame(
        {
            "chromosome": genotypes.chromosome.astype(str),
            "rsid": genotypes.names,
            "base_pair_location": genotypes.position,
            "effect_allele": genotypes.effect_allele,
            "other_allele": genotypes.other_allele,
        }
    )
    dosage = genotypes.dosage[kept]
    calls = np.where(dosage < 0, np.int8(MISSING_CALL), dosage)
    write_bed(
        path, calls, iid=list(table["participant_id"]), variants=variants, sex=list(table["sex"])
    )


def _write_regions(path: Path, sample: SimulatedSample, grid: Grid) -> None:
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[sample.maps.mask] = sample.maps.parents.labels
    write_image(path, labels, grid, description="simulated")


def _write_maps(
    files: list[Path],
    people: list[int],
    sample: SimulatedSample,
    grid: Grid,
    progress: Progress,
) -> None:
    """Draw and write all maps; drawing and compression leave Python to the other threads."""

    def write(file: Path, person: int) -> None:
        write_image(file, sample.maps.map_of(person), grid, description="simulated")

    with ThreadPoolExecutor(available_cores()) as pool:
        jobs = [pool.submit(write, *pair) for pair in zip(files, people, strict=True)]
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                progress.update(done / len(jobs), f"map {done} of {len(jobs)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
