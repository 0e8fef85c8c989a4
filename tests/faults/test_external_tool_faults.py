"""Programs that fail in the ways that users report, each told in plain words."""

import time

import numpy as np
import psutil
import pytest
from gwas_study import PSCS, Told, fake_program, make_gwas_study, run_gwas, write_table

from music_gui.core.errors import Cancelled, InputError, ToolError
from music_gui.io.participants_tsv import read_participants, write_participants
from music_gui.io.sumstats_store import SumstatsStore
from music_gui.steps.gwas import STEP, GwasParameters

#: Writes a row for each autosomal variant in the given state.
WRITE_RESULTS = """
header = '#CHROM POS ID REF ALT A1 TEST OBS_CT BETA SE T_STAT LOG10_P ERRCODE'.split()
pathlib.Path(out + '.log').write_text(LOG)
for name in names:
    rows = [header] + [
        [c, p, i, other, effect, effect, 'ADD', str(N_USED), *VALUES]
        for c, i, _, p, effect, other in variants if c != 'X' and i not in SKIPPED
    ]
    text = ''.join('\\t'.join(row) + '\\n' for row in rows)
    pathlib.Path(f'{out}.{name}.glm.linear').write_text(text)
"""
GOOD = "LOG = ''; N_USED = 120; SKIPPED = (); VALUES = ('0.1', '0.2', '0.5', '0.3', '.')"


@pytest.fixture
def study(tmp_path):
    return make_gwas_study(tmp_path / "study")


@pytest.fixture
def run(study, tmp_path):
    """Run the step with a fake PLINK whose behaviour is given."""

    def start(body, progress=None, **parameters):
        program = fake_program(tmp_path / "plink2", body)
        return run_gwas(
            study, tmp_path / "job", engine="plink2", plink2=program, maf=0.0,
            progress=progress, **parameters,
        )  # fmt: skip

    return start


def test_a_program_that_behaves_is_believed(run):
    _, folder = run(GOOD + WRITE_RESULTS)
    table = SumstatsStore.open(folder).read("C2_1")
    assert len(table) == 70
    np.testing.assert_allclose(table.drop_duplicates(), [[0.1, 0.2, 0.3]])


def test_exit_status_0_without_results_is_a_failure(run):
    with pytest.raises(
        ToolError, match=r"ended without an error but wrote no results for C2_1, C2_2"
    ):
        run("sys.exit(0)")


def test_one_result_missing_of_several_is_named(run):
    body = GOOD + WRITE_RESULTS + "\npathlib.Path(out + '.C4_2.glm.linear').unlink()"
    with pytest.raises(ToolError, match=r"wrote no results for C4_2\."):
        run(body)


def test_an_empty_result_is_no_result(run):
    body = GOOD + WRITE_RESULTS + "\npathlib.Path(out + '.C4_2.glm.linear').write_text('')"
    with pytest.raises(ToolError, match=r"wrote no results for C4_2\."):
        run(body)


def test_results_of_an_earlier_run_do_not_pass_as_new(run, tmp_path):
    scratch = tmp_path / "job" / "scratch" / "plink2"
    scratch.mkdir(parents=True)
    (scratch / "glm.C2_1.glm.linear").write_text("old results\n")
    with pytest.raises(ToolError, match="wrote no results for C2_1"):
        run("sys.exit(0)")


def test_only_a_warning_yet_all_tests_failed_is_a_failure(run):
    body = (
        "LOG = 'Warning: something mild\\n'; N_USED = 120; SKIPPED = ()\n"
        "VALUES = ('NA', 'NA', 'NA', 'NA', 'VIF_TOO_HIGH')\n" + WRITE_RESULTS
    )
    with pytest.raises(ToolError, match=r"all 70 tests failed: VIF_TOO_HIGH.*strongly correlated"):
        run(body)


def test_warnings_stay_with_the_result(run):
    progress = Told()
    body = GOOD.replace("LOG = ''", "LOG = 'Warning: the sky is falling.\\n'") + WRITE_RESULTS
    _, folder = run(body, progress)
    assert progress.warnings == ["PLINK 2: the sky is falling."]
    assert "the sky is falling." in SumstatsStore.open(folder).description.notes


def test_an_error_in_the_log_is_said_in_plain_words(run):
    body = "pathlib.Path(out + '.log').write_text('Error: Out of memory.\\n')\nsys.exit(2)"
    with pytest.raises(ToolError, match="PLINK 2: it had not enough memory"):
        run(body)


def test_a_program_killed_without_a_word_says_by_what(run):
    with pytest.raises(ToolError, match=r"was killed by signal 9 \(SIGKILL\)"):
        run("import os; os.kill(os.getpid(), 9)")


def test_fewer_samples_than_asked_for_is_a_failure(run):
    log = "LOG = '12 samples (12 females; 12 founders) remaining after\\nmain filters.\\n'"
    with pytest.raises(ToolError, match="analysed 12 of 140 samples"):
        run(GOOD.replace("LOG = ''", log) + WRITE_RESULTS)


def test_variants_left_out_without_a_word_are_a_failure(run):
    with pytest.raises(ToolError, match="tested 68 variants where 70 were expected"):
        run(GOOD.replace("SKIPPED = ()", "SKIPPED = ('4', '9')") + WRITE_RESULTS)


def test_garbage_in_the_results_is_no_traceback(run):
    body = (
        GOOD + WRITE_RESULTS + "\npathlib.Path(out + '.C2_1.glm.linear').write_bytes(b'\\xff\\0')"
    )
    with pytest.raises(ToolError, match=r"PLINK's results (can't be read|lack the columns)"):
        run(body)


def test_a_missing_program_stops_the_step_before_it_reads_anything(study, tmp_path):
    with pytest.raises(ToolError, match=r"PLINK 2 was not found.*built-in engine"):
        run_gwas(study, tmp_path / "job", engine="plink2", plink2=tmp_path / "absent")


def test_another_program_of_that_name_is_not_used(study, tmp_path):
    program = fake_program(tmp_path / "plink2", "")
    program.write_text(program.read_text().replace("PLINK v2.00a3.5", "Hello from"))
    with pytest.raises(ToolError, match=r"is not PLINK 2.*Hello from"):
        run_gwas(study, tmp_path / "job", engine="plink2", plink2=program)


def test_a_program_that_hangs_is_stopped_with_its_children_within_a_second(run, tmp_path):
    children = tmp_path / "children"
    body = (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(children)!r}).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    cancelled_at = []

    class Impatient(Told):
        def check(self):
            if children.exists() and children.read_text():
                cancelled_at.append(time.monotonic())
                raise Cancelled

        def part(self, start, stop):
            return self

    with pytest.raises(Cancelled):
        run(body, Impatient())
    assert time.monotonic() - cancelled_at[0] < 1.0
    child = int(children.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_collinear_covariates_are_refused_before_plink_would_fail_every_test(study, tmp_path):
    people = read_participants(study.participants)
    people["age_again"] = people["age"] + 0.1 * (people.index % 2)
    write_participants(study.participants, people)
    options = {"covariates": ("age", "age_again")}
    program = fake_program(tmp_path / "plink2", "")
    with pytest.raises(InputError, match=r"covariates predict each other.*age: \d+, age_again"):
        run_gwas(study, tmp_path / "a", engine="plink2", plink2=program, **options)
    progress = Told()
    run_gwas(study, tmp_path / "b", progress=progress, **options)
    assert any("covariates predict each other" in text for text in progress.warnings)


@pytest.mark.tool("plink2")
def test_age_uncentred_and_squared_does_not_fail_the_real_plink(study, tmp_path):
    people = read_participants(study.participants)
    people["year"] = 2010 - people["age"]  # of birth: a mean far above the spread
    write_participants(study.participants, people)
    options = {"covariates": ("year", "year^2", "sex"), "engine": "plink2"}
    _, folder = run_gwas(study, tmp_path / "job", **options)
    assert SumstatsStore.open(folder).description.errors == {}


@pytest.mark.tool("plink2")
def test_values_that_look_like_cases_or_missing_codes_are_analysed_as_numbers(study, tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(0, 4, (150, len(PSCS))).round()  # holds -9
    values[:, 1] = rng.integers(0, 3, 150)
    write_table(study, "study_raw", values, None)
    assert (values[:, 0] == -9).any()
    stores = [
        SumstatsStore.open(run_gwas(study, tmp_path / e, engine=e, table="study_raw")[1])
        for e in ("built-in", "plink2")
    ]
    for psc in ("C2_1", "C2_2"):
        assert (stores[0].sample_sizes(psc) == stores[1].sample_sizes(psc)).all()
        np.testing.assert_allclose(stores[1].read(psc), stores[0].read(psc), rtol=1e-4)


def test_the_program_itself_decides_whether_a_result_can_be_reused(study, tmp_path):
    program = fake_program(tmp_path / "plink2", "")
    with_plink = GwasParameters(engine="plink2", plink2=program)
    assert program in STEP.inputs(study, with_plink)
    assert program not in STEP.inputs(study, GwasParameters(plink2=program))
