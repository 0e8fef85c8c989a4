"""Figures of scales: what is written is read again, and damage is told."""

import json

import pytest

from music_gui.core.errors import DamagedFileError, InputError
from music_gui.io.scale_choice import (
    COLUMNS,
    SplitComparison,
    WholeFit,
    read_scale_choice,
    rows_as_text,
    write_scale_choice,
)


def make_row(**given):
    values = {
        "algorithm": "exact-onmf", "scale": 8, "split": "halves", "repeat": 1, "n_first": 20,
        "n_second": 19, "seed_first": 7, "seed_second": 8, "loss": 0.03, "sparsity": 0.7,
        "n_vanished": 0, "n_epochs": 30, "loss_first": 0.028, "loss_second": 0.032,
        "loss_first_on_second": 0.036,
        "loss_second_on_first": 0.034, "n_vanished_first": 1, "n_vanished_second": 0,
        "n_epochs_first": 41, "n_epochs_second": 25,
        "ri_mean": 0.91, "ri_median": 0.95, "ri_sd": 0.1, "ari": 0.8,
    }  # fmt: skip
    return SplitComparison(**values | given)


@pytest.fixture
def folder(tmp_path):
    rows = [make_row(), make_row(scale=16, ri_mean=1 / 3)]
    splits = {"participant_id": ["sub-1", "sub-2"], "halves_1": ["first", "second"]}
    write_scale_choice(tmp_path / "choice", rows, splits, {"name": "choice", "seed": 3})
    return tmp_path / "choice"


def test_what_is_written_is_read_again(folder):
    table = read_scale_choice(folder)
    assert table.rows[0] == make_row()
    assert table.rows[1].ri_mean == pytest.approx(1 / 3, rel=1e-9)
    assert table.record["name"] == "choice"
    assert table.record["columns"] == COLUMNS
    assert (folder / "splits.tsv").read_text() == (
        "participant_id\thalves_1\nsub-1\tfirst\nsub-2\tsecond\n"
    )


def test_each_column_is_described():
    assert rows_as_text([]).rstrip("\n").split("\t") == list(COLUMNS)


def test_a_row_gives_the_means_of_its_parts_and_the_fit_of_all_maps():
    row = make_row()
    assert row.own_loss == pytest.approx(0.03)
    assert row.held_out_loss == pytest.approx(0.035)
    assert row.whole == WholeFit("exact-onmf", 8, 0.03, 0.7, 0, 30)
    assert row.longest == 41


def test_values_of_a_running_job_may_hold_more():
    assert WholeFit.of({"seconds": 3, **vars(make_row().whole)}) == make_row().whole


@pytest.mark.parametrize("name", ["scale_choice.tsv", "run.json"])
def test_a_missing_or_damaged_file_is_named(folder, name):
    text = (folder / name).read_text()
    (folder / name).write_text(text[: len(text) // 2])
    with pytest.raises(DamagedFileError, match=name):
        read_scale_choice(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match="the file is missing"):
        read_scale_choice(folder)


def test_a_newer_version_is_told(folder):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"format_version": 99}))
    with pytest.raises(InputError, match="Update MuSIC GUI"):
        read_scale_choice(folder)
