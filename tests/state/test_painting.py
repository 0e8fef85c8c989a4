"""What is asked of the painting: tables, study results, styles, export."""

import json
from pathlib import Path

import numpy as np
import pytest
from gwas_study import CAUSAL, N, make_gwas_study, run_gwas

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.errors import InputError
from music_gui.core.grid import Grid
from music_gui.io.psc_values import read_psc_values
from music_gui.io.study import Study
from music_gui.state import paint_sources
from music_gui.state.background import Background
from music_gui.state.painted_values import painted_values
from music_gui.state.psc_column import PscColumn
from music_gui.state.session import Session
from music_gui.state.settings import Settings


def halves_and_quarters() -> Atlas:
    """Two PSCs at C2, four at C4 of which the third has vanished."""
    fine = np.array([1, 1, 2, 4, 4, 4, 4, 4], dtype=np.int32).reshape(2, 2, 2)
    coarse = np.array([1, 1, 1, 2, 2, 2, 2, 2], dtype=np.int32).reshape(2, 2, 2)
    scales = {2: AtlasScale(2, coarse), 4: AtlasScale(4, fine)}
    return Atlas("test", Grid((2, 2, 2), np.diag([2.0, 2.0, 2.0, 1.0])), scales)


@pytest.fixture
def session():
    session = Session(Background(lambda call: call(), inline=True), Settings())
    session.scene.show_atlas(halves_and_quarters(), 4)
    session.told = []
    session.failed.connect(session.told.append)
    yield session
    session.close_study()


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "h2_of_us.tsv"
    path.write_text("psc\th2\tp\tz\nC4_1\t0.5\t1e-9\t-3\nC4_2\t0.1\t0.2\t3\nC9_1\t1\t1\t1\n")
    return path


def test_a_dropped_table_is_painted_with_its_p_values(session, table):
    session.painting.open_table(table)
    painted = session.scene.painted
    assert (painted.title, painted.source) == ("h2", "h2_of_us.tsv")
    assert painted.values == {"C4_1": 0.5, "C4_2": 0.1}
    assert painted.neg_log_10_p == {"C4_1": pytest.approx(9), "C4_2": pytest.approx(0.69897)}
    assert "this atlas has no C9_1: left out" in painted.notes
    assert session.columns["h2"] is painted
    assert list(session.painting.tables) == ["h2_of_us.tsv"]


def test_other_columns_of_the_table_can_be_painted(session, table):
    session.painting.open_table(table)
    session.painting.paint_table_column("h2_of_us.tsv", "z", None)
    assert session.scene.painted.kind == "diverging"
    session.painting.paint_table_column("h2_of_us.tsv", "p", None)
    assert session.scene.painted.title == "−log₁₀ p"
    assert session.scene.painted.is_p_value


def test_a_table_of_another_scale_shows_that_scale_and_stays_when_it_changes(session, tmp_path):
    (tmp_path / "x.csv").write_text("psc,x\nC2_1,1\nC2_2,2\n")
    session.painting.open_table(tmp_path / "x.csv")
    assert session.scene.scale == 2
    session.scene.set_scale(4)
    assert session.scene.painted.title == "x"
    assert painted_values(session.scene).n_values == 0
    session.scene.set_scale(2)
    assert painted_values(session.scene).n_values == 2


def test_columns_of_two_tables_with_one_name_are_kept_apart(session, table, tmp_path):
    other = tmp_path / "other.tsv"
    other.write_text("psc\th2\nC4_1\t0.9\n")
    session.painting.open_table(table)
    session.painting.open_table(other)
    assert session.scene.painted.title == "h2 (other.tsv)"
    assert session.columns["h2"].values["C4_1"] == 0.5


def test_a_table_that_names_no_psc_changes_nothing(session, table, tmp_path):
    session.painting.open_table(table)
    (tmp_path / "genes.tsv").write_text("gene\tp\nAPOE\t0.1\n")
    session.painting.open_table(tmp_path / "genes.tsv")
    assert session.scene.painted.title == "h2"
    assert "does not name the PSCs" in str(session.told[0])


def test_without_an_atlas_the_reason_is_told(session, table):
    session.scene.show_atlas(None)
    session.painting.open_table(table)
    assert "no atlas to paint on" in str(session.told[0])


def test_a_style_is_kept_with_its_column(session, table):
    session.painting.open_table(table)
    session.painting.restyle(threshold="nominal", color_map="cividis")
    session.paint(None)
    session.paint("h2")
    assert session.scene.painted.style.threshold == "nominal"
    session.painting.open_table(table)  # the file was read again
    assert session.scene.painted.style.color_map == "cividis"


def test_a_range_that_does_not_go_up_is_refused(session, table):
    session.painting.open_table(table)
    with pytest.raises(InputError, match="does not go up"):
        session.painting.restyle(range_mode="own", low=2.0, high=1.0)
    assert session.scene.painted.style.range_mode == "auto"


def test_closing_the_study_forgets_tables_and_what_was_painted(session, table):
    session.painting.open_table(table)
    session.close_study()
    assert session.scene.painted is None
    assert session.painting.tables == {}


def test_a_figure_is_exported_with_values_and_what_passes(session, table, tmp_path):
    session.painting.open_table(table)
    session.painting.restyle(threshold="scale")
    written = []
    session.painting.exported.connect(written.append)
    session.painting.export(tmp_path / "figure.png", simulated=True)
    assert [path.name for path in written[0]] == ["figure.png", "figure.tsv", "figure.json"]
    lines = (tmp_path / "figure.tsv").read_text().splitlines()
    assert lines[0].split("\t")[:4] == ["psc", "value", "neg_log_10_p_value", "passes_threshold"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["C4_1", "C4_2", "C4_4"]
    assert [line.split("\t")[3] for line in lines[1:]] == ["true", "false", "false"]
    assert lines[3].split("\t")[1] == "n/a"
    told = json.loads((tmp_path / "figure.json").read_text())
    assert told["threshold_meaning"] == "Bonferroni in the scale: p < 0.05 / 3 = 0.0167"
    assert (told["n_values"], told["n_passed"], told["vanished"]) == (2, 1, ["C4_3"])
    assert told["simulated"] is True
    read = read_psc_values(tmp_path / "figure.tsv")
    assert read.columns[0].values == {"C4_1": 0.5, "C4_2": 0.1}


def test_the_p_values_of_a_column_are_guessed(session, tmp_path):
    path = tmp_path / "many.tsv"
    path.write_text("psc\th2\th2_p\trg\trg_p\tn\nC4_1\t1\t.1\t2\t.2\t3\nC4_2\t2\t.2\t1\t.2\t3\n")
    read = read_psc_values(path)
    guessed = {name: paint_sources.p_column_for(read, name) for name in ("h2", "rg", "n", "h2_p")}
    assert guessed == {"h2": "h2_p", "rg": "rg_p", "n": None, "h2_p": None}


# -- results of a study --------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    root = tmp_path_factory.mktemp("painting")
    study = make_gwas_study(root / "study")
    _, folder = run_gwas(study, root / "run")
    study.gwas("main").parent.mkdir(exist_ok=True)
    folder.rename(study.gwas("main"))
    return study


def test_a_variants_effects_and_p_values_over_all_pscs(study):
    effect, p = paint_sources.variant_columns(study, "main", f"rs{CAUSAL}")
    assert abs(effect.values["C4_1"]) == max(map(abs, effect.values.values()))
    assert effect.kind == "diverging"
    assert p.values["C4_1"] > 308  # below the smallest double
    assert effect.neg_log_10_p["C4_1"] == p.values["C4_1"]
    assert "C4_3" not in p.values  # vanished


def test_a_variant_without_a_name_is_found_by_its_place(study):
    (effect, _) = paint_sources.variant_columns(study, "main", "1:3000")
    assert effect.title.startswith("Effect of 1:3000-")
    for name in (".", "rs999999", "2:3000"):
        with pytest.raises(InputError, match="no variant called"):
            paint_sources.variant_columns(study, "main", name)


def test_inflation_of_each_psc(study):
    inflation = paint_sources.inflation_column(study, "main")
    assert 0.3 < inflation.values["C2_2"] < 3
    assert "C4_3" not in inflation.values


def test_a_participant_against_the_others_and_against_a_group(study):
    from music_gui.io.psc_table import read_psc_table

    who = ("sub-0007", "ses-01")
    values = read_psc_table(study.psc_table("study_raw")).values
    found = paint_sources.participant_column(study, "study_raw", who)
    others = np.delete(values[:, 0], 6)
    assert found.values["C2_1"] == pytest.approx(
        (values[6, 0] - others.mean()) / others.std(ddof=1)
    )
    assert found.notes == (f"against {N - 1} participants: all others",)
    plain = paint_sources.participant_column(study, "study_raw", who, z_score=False)
    assert (plain.values["C2_1"], plain.unit) == (values[6, 0], "mm³")
    group = paint_sources.participant_column(study, "study_raw", who, group=("site", "South"))
    south = values[1::3, 0]
    assert group.values["C2_1"] == pytest.approx((values[6, 0] - south.mean()) / south.std(ddof=1))
    assert "C4_3" not in found.values


def test_the_difference_of_two_groups(study):
    choices = paint_sources.cohort_choices(study, "study_raw")
    assert choices.groups == {"sex": ("F", "M"), "site": ("North", "South", "West")}
    assert len(choices.participants) == N
    found = paint_sources.difference_column(study, "study_raw", "sex", "M", "F")
    assert found.title == "M − F"
    assert set(found.values) == {"C2_1", "C2_2", "C4_1", "C4_2", "C4_4"}
    assert set(found.neg_log_10_p) == set(found.values)


def test_the_size_of_each_psc():
    column = paint_sources.size_column(halves_and_quarters())
    assert column.values == {"C2_1": 3, "C2_2": 5, "C4_1": 2, "C4_2": 1, "C4_4": 5}
    assert isinstance(column, PscColumn)
