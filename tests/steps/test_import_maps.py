import json
import threading
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from music_gui.core.atlas import AtlasScale
from music_gui.core.errors import Cancelled, GridMismatchError, InputError, ParameterError
from music_gui.core.grid import Grid
from music_gui.core.progress import Silent
from music_gui.io.atlas_dseg import ScaleSource, write_scale
from music_gui.io.masked_maps import MaskedMaps
from music_gui.io.participants_tsv import read_participants
from music_gui.io.study import Study
from music_gui.steps import map_checking
from music_gui.steps.import_maps import STEP, ImportMapsParameters
from music_gui.steps.step import Workspace

SHAPE = (22, 26, 22)
AFFINE = np.array([[-6.0, 0, 0, 63], [0, -6.0, 0, 75], [0, 0, 6.0, -63], [0, 0, 0, 1.0]])
GRID = Grid(SHAPE, AFFINE)
VOXEL_ML = 0.216
SHARED = Path(__file__).parents[2].parent / "shared"


class Listener(Silent):
    """Keeps what a step says, and stops it on request."""

    def __init__(self):
        self.logs, self.warnings, self.metrics, self.fractions = [], [], [], []
        self.stop_after = None

    def update(self, fraction, message=""):
        self.fractions.append(fraction)
        self.check()

    def log(self, text):
        self.logs.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def metric(self, name, values):
        assert name == "import"
        json.dumps(values, allow_nan=False)
        self.metrics.append(values)

    def check(self):
        if self.stop_after is not None and len(self.metrics) >= self.stop_after:
            raise Cancelled


def brain(seed=0):
    """Make a map of about 580 ml: a lopsided pattern that all share, and noise of its own."""
    i, j, k = np.indices(SHAPE)
    inside = ((i - 10.5) / 9) ** 2 + ((j - 12.5) / 11) ** 2 + ((k - 10.5) / 9) ** 2 < 1
    pattern = np.random.default_rng(99).uniform(0.4, 1.0, SHAPE)
    noise = np.random.default_rng(seed).uniform(0.9, 1.1, SHAPE)
    return np.where(inside, pattern * noise, 0).astype(np.float32)


def save(path, data, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(data, affine).to_filename(path)
    return path


def save_cohort(folder, n=6):
    """Save maps under BIDS names and a table that names them; return the table's path."""
    rows = ["participant_id\tsession_id\tpath\tage\tsex\tsite"]
    for number in range(1, n + 1):
        name = f"sub-{number:02}_ses-01_RAVENS.nii.gz"
        save(folder / "maps" / name, brain(number))
        rows.append(f"sub-{number:02}\tses-01\tmaps/{name}\t{60 + number}\tF\tA")
    table = folder / "participants.tsv"
    table.write_text("\n".join(rows) + "\n")
    return table


@pytest.fixture
def study(tmp_path):
    return Study.create(tmp_path / "study")


@pytest.fixture
def run(study, tmp_path):
    """Run the step and publish its outputs; return the result and what was said."""

    def run_step(listener=None, threads=2, **values):
        listener = listener or Listener()
        parameters = ImportMapsParameters.model_validate(values)
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        workspace = Workspace(study.root, scratch, tmp_path / "log", listener, threads)
        return STEP.run(study, parameters, workspace), listener

    return run_step


def report(study):
    return pd.read_csv(study.import_report, sep="\t", keep_default_na=False)


class TestGoodCohort:
    def test_the_maps_of_the_example_are_imported_without_any_parameter(self, study, run):
        save_cohort(study.source_data)
        result, listener = run()
        assert result.outputs == [
            "cohort/participants.tsv",
            "cohort/import_report.tsv",
            "cohort/maps",
        ]
        maps = MaskedMaps.open(study.masked_maps)
        expected = np.array([brain(number) for number in range(1, 7)])
        np.testing.assert_array_equal(maps.mask, (expected > 0).all(axis=0))
        np.testing.assert_array_equal(maps.maps, expected[:, maps.mask])
        assert maps.grid.is_same_as(GRID)
        assert listener.warnings == []

    def test_participants_stand_in_the_order_of_the_maps_with_their_total(self, study, run):
        save_cohort(study.source_data)
        run()
        table = read_participants(study.participants)
        maps = MaskedMaps.open(study.masked_maps)
        assert tuple(table["participant_id"]) == maps.participant_ids
        assert table["age"].tolist() == [61, 62, 63, 64, 65, 66]
        totals = [brain(number).sum(dtype=float) * VOXEL_ML for number in range(1, 7)]
        np.testing.assert_allclose(table["total_gm_ml"], totals, rtol=1e-9)
        for path in table["path"]:  # relative, so that a study can move
            assert not Path(path).is_absolute()
            assert (study.participants.parent / path).is_file()

    def test_a_total_that_the_table_claims_gives_way_to_that_of_the_map(self, study, run):
        table = save_cohort(study.source_data, n=2)
        lines = table.read_text().splitlines()
        table.write_text(
            "\n".join([f"{lines[0]}\ttotal_gm_ml", *(f"{each}\t1" for each in lines[1:])])
        )
        _, listener = run()
        assert read_participants(study.participants)["total_gm_ml"].min() > 300
        assert any("total_gm_ml" in text for text in listener.logs)

    def test_a_folder_and_a_list_of_files_give_the_same_maps_as_the_table(
        self, study, run, tmp_path
    ):
        table = save_cohort(tmp_path / "data")
        run(participants=table)
        by_table = MaskedMaps.open(study.masked_maps)
        run(folder=tmp_path / "data")
        assert MaskedMaps.open(study.masked_maps).checksum == by_table.checksum
        files = sorted((tmp_path / "data" / "maps").iterdir())
        run(files=files)
        maps = MaskedMaps.open(study.masked_maps)
        assert maps.checksum == by_table.checksum
        assert maps.participant_ids == by_table.participant_ids

    def test_one_thread_or_many_write_the_same_bytes(self, study, run):
        save_cohort(study.source_data)
        contents = []
        for threads in (1, 3):
            run(threads=threads)
            contents.append(
                [path.read_bytes() for path in sorted(study.cohort.rglob("*")) if path.is_file()]
            )
        assert contents[0] == contents[1]

    def test_each_row_is_told_as_it_passes_and_again_when_it_is_in(self, study, run):
        save_cohort(study.source_data, n=3)
        _, listener = run()
        states = [(each["row"], each["state"]) for each in listener.metrics]
        assert states == [
            *((row, "checked") for row in range(3)),
            *((row, "imported") for row in range(3)),
        ]
        assert listener.fractions == [1 / 3, 2 / 3, 1.0] * 3  # headers, checks, rows

    def test_flipped_and_reordered_maps_give_the_same_rows(self, study, run, tmp_path):
        for number, codes in enumerate(["LPS", "LPS", "LPS", "RAS", "LAS", "PSR"], start=1):
            goal = nib.orientations.axcodes2ornt(codes)
            start = nib.orientations.io_orientation(AFFINE)
            stored = nib.Nifti1Image(brain(number), AFFINE).as_reoriented(
                nib.orientations.ornt_transform(start, goal)
            )
            stored.to_filename(tmp_path / f"sub-{number:02}.nii.gz")
        run(folder=tmp_path, mask_min_coverage=1.0)
        maps = MaskedMaps.open(study.masked_maps)
        expected = np.array([brain(number) for number in range(1, 7)])
        np.testing.assert_array_equal(maps.maps, expected[:, maps.mask])

    def test_inputs_name_table_and_maps_and_pass_over_what_is_not_there(self, study, tmp_path):
        table = save_cohort(tmp_path, n=2)
        table.write_text(table.read_text() + "sub-09\tses-01\tmaps/none.nii.gz\t1\tF\tA\n")
        parameters = ImportMapsParameters(participants=table)
        names = [path.name for path in STEP.inputs(study, parameters)]
        assert names == [
            "participants.tsv",
            "sub-01_ses-01_RAVENS.nii.gz",
            "sub-02_ses-01_RAVENS.nii.gz",
        ]


class TestBadRows:
    """clinica#256, #708, #180: one bad subject stops the run; failures are not listed."""

    def spoiled(self, study):
        """Add one row of each fault to a good cohort; return what each reason must say."""
        table = save_cohort(study.source_data)
        folder = study.source_data / "maps"
        whole = (folder / "sub-01_ses-01_RAVENS.nii.gz").read_bytes()
        (folder / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
        shifted = AFFINE.copy()
        shifted[0, 3] += 10
        save(folder / "shifted.nii.gz", brain(20), shifted)
        save(folder / "small.nii.gz", brain(21)[:-1])
        save(folder / "thousand.nii.gz", brain(22) * 1000)
        save(folder / "negative.nii.gz", brain(23) - 0.5)
        save(folder / "series.nii.gz", np.stack([brain(24)] * 2, axis=-1))
        missing = brain(25)
        missing[10, 12, 11] = missing[11, 12, 11] = np.nan
        save(folder / "holes.nii.gz", missing)
        (folder / "text.nii.gz").write_text("hello")
        two_forms = nib.Nifti1Image(brain(26), AFFINE)
        two_forms.set_sform(AFFINE, 4)
        two_forms.set_qform(shifted, 1)
        two_forms.to_filename(folder / "forms.nii.gz")
        reasons = {
            "cut": "cut off",
            "shifted": "10.00 mm apart",
            "small": "its shape is (21, 26, 22)",
            "thousand": "multiplied by 1000",
            "negative": "negative values",
            "series": "2 volumes",
            "holes": "2 voxels of the mask hold no value (NaN), the first at (10, 12, 11), "
            "x y z = 3 3 3 mm",
            "text": "doesn't start with a NIfTI header",
            "forms": "disagree by up to 10.00 mm",
            "gone": "does not exist",
        }
        rows = [f"{name}\tses-01\tmaps/{name}.nii.gz\t70\tM\tB" for name in reasons]
        rows += ["empty\tses-01\t\t70\tM\tB", "sub-06\tses-01\tmaps/x.nii.gz\t70\tM\tB"]
        table.write_text(table.read_text() + "\n".join(rows) + "\n")
        reasons["empty"] = "line 18 of participants.tsv: it has no path"
        return reasons

    def test_every_bad_row_is_named_with_its_reason_and_the_rest_goes_on(self, study, run):
        reasons = self.spoiled(study)
        result, listener = run()
        table = report(study)
        assert len(table) == 18
        states = dict(zip(table["participant_id"], table["state"], strict=True))
        texts = dict(zip(table["participant_id"], table["reason"], strict=True))
        for name, reason in reasons.items():
            assert states[name] == "refused"
            assert reason in texts[name], name
        twice = table[table["participant_id"] == "sub-06"]
        assert twice["state"].tolist() == ["refused", "refused"]
        assert "also in line 19" in twice["reason"].iloc[0]
        good = [f"sub-{number:02}" for number in range(1, 6)]
        assert table[table["state"] == "imported"]["participant_id"].tolist() == good
        assert MaskedMaps.open(study.masked_maps).participant_ids == tuple(good)
        assert result.details["n_refused"] == 13
        assert listener.warnings[0].startswith("13 maps were not imported: sub-06 ses-01: line 7")
        last = {each["row"]: each["state"] for each in listener.metrics}
        assert [last[row] for row in range(18)] == table["state"].tolist()

    def test_the_bad_rows_leave_no_trace_in_the_good_ones(self, study, run, tmp_path):
        save_cohort(tmp_path, n=5)
        run(participants=tmp_path / "participants.tsv", mask_min_coverage=1.0)
        clean = MaskedMaps.open(study.masked_maps)
        self.spoiled(study)
        run(mask_min_coverage=0.5)
        spoiled = MaskedMaps.open(study.masked_maps)
        both = clean.mask & spoiled.mask
        np.testing.assert_array_equal(
            clean.maps[:, both[clean.mask]], spoiled.maps[:, both[spoiled.mask]]
        )

    def test_if_nothing_is_good_the_step_fails_with_the_reasons(self, study, run, tmp_path):
        for name in "abc":
            (tmp_path / f"{name}.nii.gz").write_text("hello")
        with pytest.raises(InputError, match=r"no map could be imported.*a ses-01.*NIfTI header"):
            run(folder=tmp_path)
        assert not study.masked_maps.exists()

    def test_a_grid_that_most_maps_share_wins_over_the_first_one(self, study, run, tmp_path):
        save(tmp_path / "sub-01.nii.gz", brain(1)[:-2])
        for number in range(2, 6):
            save(tmp_path / f"sub-{number:02}.nii.gz", brain(number))
        run(folder=tmp_path)
        assert report(study)["state"].tolist() == ["refused"] + ["imported"] * 4

    def test_background_without_values_counts_as_no_tissue(self, study, run, tmp_path):
        for number in range(1, 4):
            data = brain(number)
            data[data == 0] = np.nan
            save(tmp_path / f"sub-{number:02}.nii.gz", data)
        run(folder=tmp_path)
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(maps.maps[0], brain(1)[maps.mask])
        assert report(study)["n_nan"].tolist() == [int((brain(1) == 0).sum())] * 3


class TestUnits:
    def test_a_cohort_times_1000_is_divided_recorded_and_told(self, study, run, tmp_path):
        for number in range(1, 4):
            save(tmp_path / f"sub-{number:02}.nii.gz", brain(number) * 1000)
        result, listener = run(folder=tmp_path)
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_allclose(maps.maps[0], brain(1)[maps.mask], rtol=1e-6)
        assert maps.ravens_scale == 1000
        assert result.details["ravens_scales"] == [1000.0]
        assert "divided by 1000" in listener.warnings[0]

    def test_mixed_units_are_accepted_map_by_map_on_request_only(self, study, run, tmp_path):
        for number in range(1, 4):
            save(tmp_path / f"sub-{number:02}.nii.gz", brain(number) * (1000 if number == 2 else 1))
        run(folder=tmp_path)
        assert report(study)["state"].tolist() == ["imported", "refused", "imported"]
        assert "per-map" in report(study)["reason"][1]
        run(folder=tmp_path, ravens_scale="per-map")
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_allclose(maps.maps[1], brain(2)[maps.mask], rtol=1e-6)
        assert maps.ravens_scale is None
        assert report(study)["ravens_scale"].tolist() == [1, 1000, 1]

    def test_a_number_is_used_as_it_is(self, study, run, tmp_path):
        for number in range(1, 4):
            save(tmp_path / f"sub-{number:02}.nii.gz", brain(number) * 216)
        with pytest.raises(InputError, match=r"mm.3 a voxel"):
            run(folder=tmp_path)
        run(folder=tmp_path, ravens_scale="216")
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_allclose(maps.maps[0], brain(1)[maps.mask], rtol=1e-6)

    @pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "ml"])
    def test_no_other_word_is_a_scale(self, wrong):
        with pytest.raises(ValidationError, match="number above zero"):
            ImportMapsParameters(ravens_scale=wrong)


class TestMasks:
    def test_a_mask_file_decides_voxels_and_grid(self, study, run, tmp_path):
        save_cohort(study.source_data)
        mask = np.zeros(SHAPE, dtype=np.uint8)
        mask[8:14, 9:15, 8:14] = 3
        save(tmp_path / "mask.nii.gz", mask, AFFINE)
        run(mask=str(tmp_path / "mask.nii.gz"))
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(maps.mask, mask > 0)
        # The same mask stored the other way round: its grid, the same tissue.
        turned = AFFINE.copy()
        turned[0] = [6.0, 0, 0, AFFINE[0, 3] - 6 * (SHAPE[0] - 1)]
        save(tmp_path / "turned.nii.gz", mask[::-1], turned)
        run(mask=str(tmp_path / "turned.nii.gz"))
        again = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(again.mask, (mask > 0)[::-1])
        np.testing.assert_array_equal(again.unmask(again.maps[2])[::-1], maps.unmask(maps.maps[2]))

    def test_the_mask_of_an_atlas_is_all_it_labels(self, study, run):
        save_cohort(study.source_data)
        labels = np.zeros(SHAPE, dtype=np.int32)
        labels[8:14, 9:15, 8:11] = 1
        finer = np.roll(labels, 2, axis=2) * 2
        for scale, image in ((2, labels), (4, finer)):
            write_scale(
                study.atlas("MuSIC"),
                "MuSIC",
                AtlasScale(scale, image),
                GRID,
                sidecar=ScaleSource(source="test"),
            )
        result, _ = run(mask="atlas")
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(maps.mask, (labels > 0) | (finer > 0))
        assert result.details["mask_source"] == "atlas MuSIC"

    def test_without_an_atlas_its_mask_can_not_be_had(self, study, run):
        save_cohort(study.source_data)
        with pytest.raises(ParameterError, match=r"the study has none.*Import an atlas first"):
            run(mask="atlas")

    def test_a_mask_half_a_millimetre_off_is_refused_and_carried_over_on_request(
        self, study, run, tmp_path
    ):
        save_cohort(study.source_data)
        shifted = AFFINE.copy()
        shifted[:3, 3] += 0.5
        mask = (brain(1) > 0).astype(np.uint8)
        save(tmp_path / "mask.nii.gz", mask, shifted)
        with pytest.raises(GridMismatchError, match=r"mask\.nii\.gz.*0\.87 mm apart.*nearest"):
            run(mask=str(tmp_path / "mask.nii.gz"))
        _, listener = run(mask=str(tmp_path / "mask.nii.gz"), mask_resampling="nearest")
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(maps.mask, mask > 0)
        assert maps.grid.is_same_as(GRID)
        assert "carried to the grid of the maps" in listener.warnings[0]

    def test_thresholds_that_leave_no_voxel_are_told(self, study, run):
        for number in range(1, 4):
            save(study.source_data / f"sub-{number}.nii", brain(number) * np.float32(0.8))
        with pytest.raises(InputError, match="Lower the mask's thresholds"):
            run(folder=study.source_data, mask_min_mean=1.0)


class TestTablesAndNames:
    def test_a_table_without_paths_is_joined_with_the_files_of_a_folder(self, study, run, tmp_path):
        save_cohort(tmp_path / "data", n=5)
        table = tmp_path / "demographics.csv"
        table.write_text("ID;Age;Sex\nsub-02;70,5;m\nsub-01;65;f\nsub-03;60;f\nsub-11;50;m\n")
        _, listener = run(participants=table, folder=tmp_path / "data")
        people = read_participants(study.participants)
        assert people["participant_id"].tolist() == ["sub-01", "sub-02", "sub-03"]
        assert people["age"].tolist() == [65, 70.5, 60]
        rows = report(study).set_index("participant_id")
        assert rows.loc["sub-04", "reason"].startswith("demographics.csv has no row for it")
        assert rows.loc["sub-11", "reason"] == "line 5 of demographics.csv: no map was found for it"
        assert any("3 rows of the files matched demographics.csv" in text for text in listener.logs)

    def test_ids_that_differ_by_sub_are_told_with_the_mend(self, study, run, tmp_path):
        save_cohort(tmp_path / "data", n=3)
        table = tmp_path / "demographics.csv"
        table.write_text("ID,Age\n01,65\n02,70\n03,60\n")
        with pytest.raises(InputError, match="'sub-' before the ids"):
            run(participants=table, folder=tmp_path / "data")

    def test_names_that_are_not_bids_lose_what_they_have_in_common(self, study, run, tmp_path):
        for name in ("IXI013-HH-1212-T1", "IXI016-Guys-0697-T1", "A1"):
            save(tmp_path / f"{name}_GM_RAVENS.nii", brain(len(name)))
        save(tmp_path / "._A1_GM_RAVENS.nii", brain(1))
        run(folder=tmp_path)
        maps = MaskedMaps.open(study.masked_maps)
        assert maps.participant_ids == ("A1", "IXI013-HH-1212-T1", "IXI016-Guys-0697-T1")

    def test_files_that_are_all_named_alike_get_the_name_of_their_folder(
        self, study, run, tmp_path
    ):
        for name in ("p1", "p2"):
            save(tmp_path / "data" / name / "gm.nii.gz", brain(ord(name[1])))
        save(tmp_path / "data" / "sub-7" / "ses-2" / "gm.nii.gz", brain(3))
        run(folder=tmp_path / "data")
        maps = MaskedMaps.open(study.masked_maps)
        assert maps.participant_ids == ("p1", "p2", "sub-7")
        assert maps.session_ids == ("ses-01", "ses-01", "ses-2")

    def test_a_folder_that_holds_the_study_itself_gives_only_the_users_maps(
        self, study, run, tmp_path
    ):
        for number in range(1, 4):
            save(tmp_path / f"sub-{number:02}.nii.gz", brain(number))
        for _ in range(2):  # at the second time, the study holds images of its own
            result, _ = run(folder=tmp_path)
            assert result.details["n_offered"] == 3

    def test_two_maps_of_one_name_are_both_left_out(self, study, run, tmp_path):
        for name in ("sub-1_desc-a", "sub-1_desc-b", "sub-2_desc-a"):
            save(tmp_path / f"{name}.nii.gz", brain(len(name)))
        run(folder=tmp_path)
        assert report(study)["state"].tolist() == ["refused", "refused", "imported"]
        assert "sub-1_desc-b.nii.gz" in report(study)["reason"][0]

    def test_paths_with_backslashes_are_understood(self, study, run, tmp_path):
        table = save_cohort(tmp_path, n=2)
        table.write_text(table.read_text().replace("maps/", "maps\\"))
        run(participants=table)
        assert report(study)["state"].tolist() == ["imported", "imported"]

    def test_codes_of_sex_and_columns_can_be_stated(self, study, run, tmp_path):
        save_cohort(tmp_path, n=2)
        table = tmp_path / "table.csv"
        table.write_text("code,sex,where\nx,0,maps/sub-01_ses-01_RAVENS.nii.gz\n")
        columns = ("participant_id=code", "path=where")
        with pytest.raises(InputError, match="0=F and 1=M"):
            run(participants=table, columns=columns)
        run(participants=table, columns=columns, sex_codes=("0=F", "1=M"))
        assert read_participants(study.participants)["sex"].tolist() == ["F"]
        with pytest.raises(ParameterError, match="name=value"):
            run(participants=table, columns=("code",))
        with pytest.raises(ParameterError, match="F or M"):
            run(participants=table, columns=columns, sex_codes=("0=woman",))

    def test_nothing_to_import_says_what_to_give(self, run, tmp_path):
        with pytest.raises(ParameterError, match="Give a table with a path column"):
            run()
        table = tmp_path / "table.csv"
        table.write_text("id,age\na,50\n")
        with pytest.raises(ParameterError, match="no path column"):
            run(participants=table)
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match="the folder holds no maps"):
            run(folder=tmp_path / "empty")
        with pytest.raises(InputError, match="not a folder"):
            run(folder=tmp_path / "none")


class TestSuspiciousMaps:
    def test_a_mirrored_map_and_a_copied_one_are_imported_with_a_warning(
        self, study, run, tmp_path
    ):
        for number in range(1, 8):
            data = brain(2 if number == 5 else number)
            save(tmp_path / f"sub-{number:02}.nii.gz", data[::-1] if number == 3 else data)
        result, listener = run(folder=tmp_path, min_likeness=0)
        warnings = report(study)["warnings"].tolist()
        assert "left and right may be swapped" in warnings[2]
        assert warnings[1] == "its voxels are the same as those of sub-05 ses-01"
        assert warnings[4] == "its voxels are the same as those of sub-02 ses-01"
        assert [bool(each) for each in warnings] == [False, True, True, False, True, False, False]
        assert result.details["n_warned"] == 3
        assert any("3 imported maps have warnings" in text for text in listener.warnings)

    def test_a_map_that_is_turned_is_refused_unless_that_is_allowed(self, study, run, tmp_path):
        for number in range(1, 8):
            data = brain(number)
            save(tmp_path / f"sub-{number:02}.nii.gz", data[::-1, ::-1] if number == 3 else data)
        result, _ = run(folder=tmp_path)
        table = report(study)
        assert result.details["n_imported"] == 6
        assert table["state"].tolist().count("refused") == 1
        assert "correlation with the mean of the other maps" in table["reason"][2]
        assert MaskedMaps.open(study.masked_maps).n_images == 6
        result, _ = run(folder=tmp_path, min_likeness=0)
        assert result.details["n_imported"] == 7

    def test_the_report_tells_how_each_map_correlates_with_the_others(self, study, run):
        save_cohort(study.source_data)
        run()
        maps = MaskedMaps.open(study.masked_maps).maps.astype(np.float64)
        others = np.delete(maps, 0, axis=0).mean(axis=0)
        correlation = float(report(study)["correlation"][0])
        assert correlation == pytest.approx(np.corrcoef(maps[0], others)[0, 1])


class TestInterruption:
    def test_a_cancel_stops_between_maps_and_a_retry_decodes_only_the_rest(
        self, study, run, monkeypatch
    ):
        save_cohort(study.source_data, n=12)
        listener = Listener()
        listener.stop_after = 4
        with pytest.raises(Cancelled):
            run(listener, threads=1)
        assert not study.import_report.exists()
        decoded = []
        original = map_checking.read_ravens_map

        def counted(path, **options):
            decoded.append(path.name)
            return original(path, **options)

        monkeypatch.setattr(map_checking, "read_ravens_map", counted)
        run()
        assert 1 <= len(decoded) <= 8
        assert MaskedMaps.open(study.masked_maps).n_images == 12
        # A map that changed in between is decoded anew, and all others are not.
        decoded.clear()
        save(study.source_data / "maps" / "sub-03_ses-01_RAVENS.nii.gz", brain(77))
        run()
        assert decoded == ["sub-03_ses-01_RAVENS.nii.gz"]
        maps = MaskedMaps.open(study.masked_maps)
        np.testing.assert_array_equal(maps.maps[2], brain(77)[maps.mask])

    def test_a_cancel_during_a_slow_file_does_not_wait_for_the_others(
        self, study, run, monkeypatch
    ):
        save_cohort(study.source_data, n=8)
        original = map_checking.read_ravens_map
        started = threading.Event()

        def slow(path, **options):
            started.set()
            time.sleep(0.4)
            return original(path, **options)

        class Impatient(Listener):
            def check(self):
                if started.is_set():
                    raise Cancelled

        monkeypatch.setattr(map_checking, "read_ravens_map", slow)
        begin = time.monotonic()
        with pytest.raises(Cancelled):
            run(Impatient(), threads=1)
        assert time.monotonic() - begin < 1.0


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not beside the checkout")
class TestRealMaps:
    def test_23_real_maps_import_with_the_published_atlas_as_mask(self, study, run):
        atlas = SHARED / "data" / "music_atlas" / "MuSIC_C32.nii.gz"
        table = SHARED / "data" / "ravens" / "participants.tsv"
        with pytest.raises(GridMismatchError, match=r"0\.87 mm apart"):
            run(participants=table, mask=str(atlas))
        run(participants=table, mask=str(atlas), mask_resampling="nearest")
        maps = MaskedMaps.open(study.masked_maps)
        assert maps.maps.shape == (23, 84_090)
        labels = np.asarray(nib.load(atlas).dataobj)
        for row in (0, 22):
            path = SHARED / "data" / "ravens" / f"{maps.participant_ids[row]}_GM_RAVENS.nii.gz"
            original = np.asarray(nib.load(path).dataobj)
            np.testing.assert_array_equal(maps.maps[row], original[labels > 0])
        assert set(report(study)["warnings"]) == {""}

    def test_a_real_map_with_left_and_right_swapped_stands_out(self, study, run, tmp_path):
        for path in sorted((SHARED / "data" / "ravens").glob("*.nii.gz"))[:8]:
            image = nib.load(path)
            data = np.asarray(image.dataobj)
            save(tmp_path / path.name, data[::-1] if "sub-04" in path.name else data, image.affine)
        run(folder=tmp_path)
        warned = report(study)[report(study)["warnings"] != ""]
        assert warned["participant_id"].tolist() == ["sub-04"]
        assert "left and right may be swapped" in warned["warnings"].iloc[0]
