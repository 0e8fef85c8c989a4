"""PSC tables from the maps of a study."""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from psc_study import run
from scipy import ndimage

from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import Cancelled, GridMismatchError, InputError, ParameterError
from music_gui.core.grid import Grid
from music_gui.core.progress import Silent
from music_gui.io.atlas_dseg import ScaleSource, scale_hashes, write_scale
from music_gui.io.masked_maps import MaskedMapsWriter
from music_gui.io.nifti import read_labels, write_image
from music_gui.io.participants_tsv import write_participants
from music_gui.io.psc_table import read_psc_table
from music_gui.io.study import Study
from music_gui.steps import extract, import_atlas, import_maps
from music_gui.steps.extract import STEP
from music_gui.steps.step import Workspace

SHARED = Path(__file__).parents[2].parent / "shared"
SHAPE = (40, 40, 40)
GRID = Grid(SHAPE, np.array([[3.0, 0, 0, -60], [0, 3, 0, -60], [0, 0, 3, -60], [0, 0, 0, 1]]))
N = 5


def labels_of(c: int) -> np.ndarray:
    ijk = np.indices(SHAPE) - 19.5
    slab = np.floor((ijk[0] + 15) / 30 * c).clip(0, c - 1) + 1
    return np.where((ijk**2).sum(axis=0) < 15**2, slab, 0).astype(np.int32)


def maps_of(n: int = N) -> np.ndarray:
    """Maps with the grey matter of a brain (300 to 1200 ml), also outside the atlas."""
    ijk = np.indices(SHAPE) - 19.5
    brain = (ijk**2).sum(axis=0) < 17**2
    amount = 0.5 + 0.4 * np.random.default_rng(0).random((n, *SHAPE))
    return np.where(brain, amount, 0).astype(np.float32)


def add_atlas(study: Study, name: str = "study", scales=(4, 7), grid: Grid = GRID, **source):
    for c in scales:
        labels = labels_of(c)
        labels[labels == 6] = 5
        write_scale(
            study.atlas(name),
            name,
            AtlasScale(c, labels),
            grid,
            sidecar=ScaleSource(source="a test", **source),
        )


def make_study(
    root: Path, mask: np.ndarray, *, factor: float = 1.0, flip: bool = False, maps=None
) -> tuple[Study, np.ndarray]:
    """Make a study with imported maps and the original images beside it."""
    study = Study.create(root / "study")
    maps = maps_of() if maps is None else maps
    paths = []
    with MaskedMapsWriter(study.masked_maps, mask, GRID) as writer:
        for i, image in enumerate(maps):
            stored, grid = image * np.float32(factor), GRID
            if flip:
                affine = GRID.affine.copy()
                affine[0, 0], affine[0, 3] = -3, GRID.affine[0, 3] + 3 * (SHAPE[0] - 1)
                stored, grid = stored[::-1], Grid(SHAPE, affine)
            paths.append(root / "images" / f"sub-{i:03d}.nii.gz")
            write_image(paths[-1], stored, grid)
            row = (stored[::-1] if flip else stored)[mask] / np.float32(factor)
            writer.append(row, f"{i:03d}", "ses-01", factor)
    people = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(len(maps))],
            "session_id": "ses-01",
            "path": [str(path) for path in paths],
        }
    )
    write_participants(study.participants, people)
    return study, maps


WIDE = labels_of(4) > 0
NARROW = WIDE & (np.indices(SHAPE)[2] > 10)


def expected(maps: np.ndarray, c: int) -> np.ndarray:
    labels = labels_of(c)
    labels[labels == 6] = 5
    return np.array(
        [ndimage.sum_labels(m.astype(float), labels, range(1, c + 1)) * 27 for m in maps]
    )


def test_all_scales_are_measured_and_vanished_pscs_are_kept_as_missing(tmp_path):
    study, maps = make_study(tmp_path, WIDE)
    add_atlas(study)
    result, warned = run(study, STEP, tmp_path)
    assert result.outputs == ["psc/study_raw.parquet", "psc/study_raw.json"]
    assert result.summary == (
        "10 PSCs of 2 scales of atlas study in 5 maps; 1 vanished PSCs are kept as missing"
    )
    assert warned == []
    table = read_psc_table(study.psc_table("study_raw"))
    assert table.pscs == tuple(f"C4_{i}" for i in range(1, 5)) + tuple(
        f"C7_{i}" for i in range(1, 8)
    )
    assert table.table["participant_id"].tolist() == [f"{i:03d}" for i in range(N)]
    np.testing.assert_allclose(table.values[:, :4], expected(maps, 4), rtol=1e-9)
    assert np.isnan(table.values[:, 9]).all()
    assert table.vanished == ("C7_6",)
    sidecar = table.sidecar
    assert sidecar.atlas_hashes == scale_hashes(study.atlas("study"))
    assert (sidecar.unit, sidecar.harmonization, sidecar.simulated) == ("mm3", None, False)
    assert sidecar.details["read_from"] == "masked maps"


@pytest.mark.parametrize("flip", [False, True], ids=["RAS", "LAS"])
@pytest.mark.parametrize("factor", [1.0, 1000.0])
def test_an_atlas_wider_than_the_mask_is_measured_in_the_original_images(tmp_path, flip, factor):
    study, maps = make_study(tmp_path, NARROW, factor=factor, flip=flip)
    add_atlas(study)
    run(study, STEP, tmp_path)
    table = read_psc_table(study.psc_table("study_raw"))
    assert table.sidecar.details["read_from"] == "images"
    assert table.sidecar.details["ravens_scale"] == factor
    np.testing.assert_allclose(table.values[:, :4], expected(maps, 4), rtol=1e-6)


def test_masked_maps_and_images_give_the_same_numbers(tmp_path):
    tables = []
    for name, mask in (("wide", WIDE), ("narrow", NARROW)):
        study, _ = make_study(tmp_path / name, mask)
        add_atlas(study)
        run(study, STEP, tmp_path / name)
        tables.append(study.psc_table("study_raw").read_bytes())
    assert tables[0] == tables[1]


def test_the_volume_and_the_transform_that_were_chosen_at_the_import_are_read(tmp_path):
    study, maps = make_study(tmp_path, NARROW, maps=maps_of(2))
    elsewhere = GRID.affine.copy()
    elsewhere[0, 3] += 30
    with MaskedMapsWriter(study.masked_maps, NARROW, GRID, xform="qform", volume=1) as writer:
        for i, image in enumerate(maps):
            stored = nib.Nifti1Image(np.stack([np.zeros_like(image), image], -1), GRID.affine)
            stored.set_sform(elsewhere, code=1)
            stored.set_qform(GRID.affine, code=1)
            nib.save(stored, tmp_path / "images" / f"sub-{i:03d}.nii.gz")
            writer.append(image[NARROW], f"{i:03d}", "ses-01")
    add_atlas(study)
    run(study, STEP, tmp_path)
    table = read_psc_table(study.psc_table("study_raw"))
    np.testing.assert_allclose(table.values[:, :4], expected(maps, 4), rtol=1e-6)


def test_an_image_that_is_gone_or_changed_is_listed_and_the_others_go_on(tmp_path):
    study, maps = make_study(tmp_path, NARROW)
    add_atlas(study)
    (tmp_path / "images" / "sub-001.nii.gz").unlink()
    write_image(tmp_path / "images" / "sub-003.nii.gz", maps[0], GRID)
    (tmp_path / "images" / "sub-004.nii.gz").write_bytes(b"\x1f\x8bnonsense")
    result, warned = run(study, STEP, tmp_path)
    table = read_psc_table(study.psc_table("study_raw"))
    assert table.table["participant_id"].tolist() == ["000", "002"]
    np.testing.assert_allclose(table.values[:, :4], expected(maps[[0, 2]], 4), rtol=1e-6)
    left_out = table.sidecar.details["left_out"]
    assert list(left_out) == ["001 ses-01", "003 ses-01", "004 ses-01"]
    assert "does not exist" in left_out["001 ses-01"]
    assert "changed since" in left_out["003 ses-01"]
    assert sum("left out of the table" in text for text in warned) == 3
    assert "3 maps could not be measured" in result.summary


def test_when_no_image_can_be_measured_the_reasons_are_given(tmp_path):
    study, _ = make_study(tmp_path, NARROW)
    add_atlas(study)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="000 ses-01: the file does not exist"):
        run(study, STEP, tmp_path)


def test_voxels_without_a_value_make_their_pscs_missing_and_are_named(tmp_path):
    maps = maps_of()
    labels = labels_of(4)
    outside = np.argwhere((labels == 2) & ~NARROW)[:3]
    maps[(1, *outside.T)] = np.nan
    study, maps = make_study(tmp_path, NARROW, maps=maps)
    add_atlas(study)
    _, warned = run(study, STEP, tmp_path)
    table = read_psc_table(study.psc_table("study_raw"))
    assert np.isnan(table.values[1, 1])
    assert np.isfinite(table.values[1, 0])
    assert np.isfinite(table.values[0, 1])
    assert any("001 ses-01" in text and "C4_2 (3 voxels)" in text for text in warned)
    assert "C4_2 (3 voxels)" in table.sidecar.details["not_finite"]["001 ses-01"]


def shifted(mm: float) -> Grid:
    affine = GRID.affine.copy()
    affine[:3, 3] += mm
    return Grid(SHAPE, affine)


def test_an_atlas_a_quarter_voxel_away_is_used_and_said(tmp_path):
    study, maps = make_study(tmp_path, WIDE)
    add_atlas(study, grid=shifted(0.75))
    _, warned = run(study, STEP, tmp_path)
    assert any("1.30 mm apart" in text for text in warned)
    table = read_psc_table(study.psc_table("study_raw"))
    assert table.sidecar.details["shift_mm"] == pytest.approx(1.299, abs=1e-3)
    np.testing.assert_allclose(table.values[:, :4], expected(maps, 4), rtol=1e-9)
    with pytest.raises(GridMismatchError):
        run(study, STEP, tmp_path, max_shift=0)


@pytest.mark.parametrize("mm", [1.2, 10.0])
def test_an_atlas_further_away_is_refused_with_the_distance(tmp_path, mm):
    study, _ = make_study(tmp_path, WIDE)
    add_atlas(study, grid=shifted(mm))
    with pytest.raises(GridMismatchError, match=f"{mm * np.sqrt(3):.2f} mm apart"):
        run(study, STEP, tmp_path)


def test_a_stale_scale_is_left_out_and_named(tmp_path):
    study, _ = make_study(tmp_path, WIDE)
    add_atlas(study, scales=(4, 7))
    path = next(study.atlas("study").glob("*C7_dseg.nii.gz"))
    write_image(path, np.ones(SHAPE, dtype=np.uint8), GRID)
    _, warned = run(study, STEP, tmp_path)
    assert read_psc_table(study.psc_table("study_raw")).scales == (4,)
    assert any("C7" in text and "changed" in text for text in warned)


def test_the_table_can_have_a_name_of_its_own(tmp_path):
    study, _ = make_study(tmp_path, WIDE)
    add_atlas(study, name="other", simulated=True)
    result, _ = run(study, STEP, tmp_path, atlas="other", name="mine")
    assert result.outputs[0] == "psc/mine.parquet"
    assert read_psc_table(study.psc_table("mine")).sidecar.simulated


def test_without_a_name_the_only_atlas_is_taken_and_of_several_one_must_be_chosen(tmp_path):
    study, _ = make_study(tmp_path, WIDE)
    add_atlas(study, name="other")
    assert run(study, STEP, tmp_path)[0].details["table"] == "other_raw"
    add_atlas(study, name="third")
    with pytest.raises(ParameterError, match="other, third"):
        run(study, STEP, tmp_path)
    add_atlas(study)
    assert run(study, STEP, tmp_path)[0].details["table"] == "study_raw"


def test_without_atlas_or_maps_it_says_what_to_do(tmp_path):
    study = Study.create(tmp_path / "study")
    with pytest.raises(InputError, match="`fit`"):
        run(study, STEP, tmp_path)
    add_atlas(study)
    with pytest.raises(InputError, match="Import the maps first"):
        run(study, STEP, tmp_path)


def test_participants_that_are_not_those_of_the_maps_are_refused(tmp_path):
    study, _ = make_study(tmp_path, NARROW)
    add_atlas(study)
    table = pd.read_csv(study.participants, sep="\t", dtype=str)
    write_participants(study.participants, table.iloc[::-1])
    with pytest.raises(InputError, match="not those of the imported maps"):
        run(study, STEP, tmp_path)


def test_the_original_images_are_inputs_only_if_they_are_read(tmp_path):
    for name, mask, n_images in (("wide", WIDE, 0), ("narrow", NARROW, N)):
        study, _ = make_study(tmp_path / name, mask)
        add_atlas(study)
        named = STEP.inputs(study, STEP.parameters())
        assert sum(path.parent.name == "images" for path in named) == n_images
        assert study.masked_maps / "maps.json" in named
        assert sum("dseg" in path.name for path in named) == 6


class CancelAfter(Silent):
    """Asks for a stop after some updates."""

    def __init__(self, n: int) -> None:
        self.n = n

    def update(self, fraction: float, message: str = "") -> None:
        self.n -= 1
        if self.n < 0:
            raise Cancelled


def test_an_interrupted_extraction_goes_on_where_it_was(tmp_path, monkeypatch):
    study, maps = make_study(tmp_path, NARROW)
    add_atlas(study)
    folders = [tmp_path / name for name in ("out", "scratch")]
    for folder in folders:
        folder.mkdir()
    with pytest.raises(Cancelled):
        STEP.run(study, STEP.parameters(), Workspace(*folders, tmp_path / "log", CancelAfter(3), 1))
    read = []
    whole = extract.read_original
    monkeypatch.setattr(
        extract, "read_original", lambda *args: read.append(args[-1]) or whole(*args)
    )
    STEP.run(study, STEP.parameters(), Workspace(*folders, tmp_path / "log", Silent(), 2))
    assert len(read) == N - 3
    table = read_psc_table(folders[0] / "psc" / "study_raw.parquet")
    np.testing.assert_allclose(table.values[:, :4], expected(maps, 4), rtol=1e-6)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Study:
    """A study with the 23 real maps and the published atlas, extracted."""
    root = tmp_path_factory.mktemp("real")
    study = Study.create(root / "study")
    data = SHARED / "data"
    run(study, import_atlas.STEP, root, source=(data / "music_atlas",))
    run(study, import_maps.STEP, root, participants=data / "ravens" / "participants.tsv")
    run(study, STEP, root, atlas="MuSIC")
    return study


needs_real_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"needs the real maps and the published atlas in {SHARED}"
)


@pytest.mark.shared_data
@needs_real_data
def test_on_real_maps_the_pscs_of_c32_add_up_to_all_tissue_inside_the_atlas(real):
    table = read_psc_table(real.psc_table("MuSIC_raw"))
    assert table.values.shape == (23, 2016)
    assert len(table.vanished) == 13
    labels, _ = read_labels(SHARED / "data" / "music_atlas" / "MuSIC_C32.nii.gz")
    for row, participant in enumerate(table.table["participant_id"]):
        image = nib.load(SHARED / "data" / "ravens" / f"{participant}_GM_RAVENS.nii.gz")
        total = image.get_fdata()[labels > 0].sum() * 8
        for first, last in ((0, 32), (32, 96), (992, 2016)):
            assert np.nansum(table.values[row, first:last]) == pytest.approx(total, rel=1e-5)


@pytest.mark.shared_data
@needs_real_data
def test_on_real_maps_the_volumes_are_those_of_nilearns_label_masker(real):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nilearn.maskers import NiftiLabelsMasker

    table = read_psc_table(real.psc_table("MuSIC_raw"))
    image = nib.load(SHARED / "data" / "ravens" / "sub-07_GM_RAVENS.nii.gz")
    row = table.table["participant_id"].tolist().index("sub-07")
    for c in (32, 1024):
        labels, _ = read_labels(SHARED / "data" / "music_atlas" / f"MuSIC_C{c}.nii.gz")
        # The origins differ by half a millimetre; nilearn would resample.
        atlas = nib.Nifti1Image(labels, image.affine)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sums = NiftiLabelsMasker(atlas, strategy="sum").fit_transform(image).ravel()
        ours = read_psc_table(
            real.psc_table("MuSIC_raw"), pscs=[name for name in table.pscs if f"C{c}_" in name]
        ).values[row]
        np.testing.assert_allclose(ours[np.isfinite(ours)], sums * 8, rtol=1e-5)
