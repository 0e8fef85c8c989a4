"""A small study with an atlas, maps, PSC table and participants whose truth is known."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from music_gui.core.atlas import AtlasScale, label_hash
from music_gui.core.grid import Grid
from music_gui.core.progress import Silent
from music_gui.core.psc import PscExtractor
from music_gui.io.atlas_dseg import ScaleSource, read_atlas, write_scale
from music_gui.io.masked_maps import MaskedMapsWriter
from music_gui.io.nifti import write_image
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import PscSidecar, make_psc_table, write_psc_table
from music_gui.io.study import Study
from music_gui.steps.step import Workspace

SHAPE = (18, 22, 18)
#: Voxels of 7 mm, so that the maps hold as much grey matter as a brain (about 600 ml).
GRID = Grid(SHAPE, np.array([[7.0, 0, 0, -59.5], [0, 7, 0, -80], [0, 0, 7, -50], [0, 0, 0, 1]]))
SCALE = 8
#: The PSCs that patients have less of.
AFFECTED = (1, 4)


def labels() -> np.ndarray:
    """Eight blocks of voxels, one an octant, in an ellipsoid that touches no border."""
    centre = (np.array(SHAPE) - 1) / 2
    ijk = np.indices(SHAPE)
    inside = sum(((ijk[a] - centre[a]) / (SHAPE[a] / 2 - 1)) ** 2 for a in range(3)) < 1
    octant = sum((ijk[a] > centre[a]) * 2**a for a in range(3)) + 1
    return np.where(inside, octant, 0).astype(np.int32)


def template() -> np.ndarray:
    """Grey matter that is thicker towards the surface, the front and the right."""
    centre = (np.array(SHAPE) - 1) / 2
    ijk = np.indices(SHAPE)
    radius = np.sqrt(sum(((ijk[a] - centre[a]) / (SHAPE[a] / 2)) ** 2 for a in range(3)))
    return 0.2 + 0.45 * radius + 0.15 * (ijk[1] / SHAPE[1]) + 0.15 * (ijk[0] / SHAPE[0])


def made_up_people(
    n: int, seed: int = 0, sites: tuple[str, ...] = ("North", "South", "West")
) -> pd.DataFrame:
    """Ages 50 to 85, half of them patients, sites in turn."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{k + 1:03d}" for k in range(n)],
            "session_id": "ses-01",
            "path": [f"maps/sub-{k + 1:03d}.nii.gz" for k in range(n)],
            "age": np.round(rng.uniform(50, 85, n), 1),
            "sex": np.where(rng.random(n) < 0.5, "F", "M"),
            "site": [sites[k % len(sites)] for k in range(n)],
            "diagnosis": np.where(rng.random(n) < 0.5, "CN", "AD"),
            "icv": np.round(rng.normal(1.45e6, 1.0e5, n)),
        }
    )


def maps_of(people: pd.DataFrame, seed: int = 0, effect: float = 0.1) -> np.ndarray:
    """Grey-matter maps, shape (n, *SHAPE): age and disease take tissue, sites change contrast."""
    rng = np.random.default_rng(seed + 1)
    region, base = labels(), template()
    amount = np.ones((len(people), SCALE + 1))
    amount -= 0.004 * (people["age"].to_numpy()[:, None] - 67)
    amount += rng.normal(0, 0.05, amount.shape)
    for psc in AFFECTED:
        amount[:, psc] -= effect * (people["diagnosis"] == "AD").to_numpy()
    offset = {"North": -0.08, "South": 0.0, "West": 0.08}
    amount += np.array([offset.get(site, 0.0) for site in people["site"]])[:, None]
    noise = rng.normal(1, 0.1, (len(people), *SHAPE))
    maps = base * amount[:, region] * noise * (region > 0)
    return np.clip(maps, 0, None).astype(np.float32)


def make_study(
    root: Path, people: pd.DataFrame, *, seed: int = 0, effect: float = 0.1, vanished: bool = False
) -> Study:
    """Write a study as import, fit and extract leave it, and its maps as files."""
    study = Study.create(root / "study", simulated=True)
    folder = study.atlas("study")
    region = labels()
    if vanished:
        region[region == 8] = 7
    write_scale(
        folder, "study", AtlasScale(SCALE, region), GRID, sidecar=ScaleSource(source="a test")
    )
    maps, mask = maps_of(people, seed, effect), region > 0
    atlas = read_atlas(folder)
    extractor = PscExtractor(atlas)
    with MaskedMapsWriter(study.masked_maps, mask, GRID) as writer:
        for row, image in zip(people.itertuples(), maps, strict=True):
            writer.append(image[mask], row.participant_id, row.session_id)
    values = np.array([extractor.measure(image).volumes for image in maps])
    sidecar = PscSidecar(
        name="study_raw",
        atlas="study",
        atlas_hashes={SCALE: label_hash(atlas.scales[SCALE], GRID)},
        source="a test",
        simulated=True,
    )
    write_psc_table(
        study.psc_table("study_raw"),
        make_psc_table(
            list(people["participant_id"]),
            list(people["session_id"]),
            extractor.names,
            values,
            sidecar,
        ),
    )
    write_participants(study.participants, people)
    return study


def write_map(path: Path, image: np.ndarray, grid: Grid = GRID) -> Path:
    """Write one map as a user would have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, image, grid)
    return path


class Listener(Silent):
    """Keeps what a step tells."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def run(study: Study, step, workspace_root: Path, **parameters):
    """Run a step and move its outputs into the study; return its result and its warnings."""
    output = workspace_root / f"{step.name}-output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    scratch = workspace_root / "scratch"
    scratch.mkdir(exist_ok=True)
    listener = Listener()
    workspace = Workspace(output, scratch, workspace_root / "log", listener, threads=1)
    result = step.run(study, step.parameters.model_validate(parameters), workspace)
    for name in result.outputs:
        target = study.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        (output / name).replace(target)
    return result, listener.warnings
