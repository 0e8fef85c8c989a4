"""The command line: what scripts and people type, and what they get back."""

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_steps
import pytest
from pydantic import Field

from music_gui import __version__
from music_gui.cli import main
from music_gui.io.study import Study
from music_gui.jobs.folder import JobFolder, jobs_in
from music_gui.steps.arguments import as_arguments, describe_parameters
from music_gui.steps.registry import STEP_MODULES
from music_gui.steps.step import StepParameters

pytestmark = pytest.mark.usefixtures("fake_registry")


@pytest.fixture
def run(bare_study, capsys, monkeypatch):
    """Run the command line in this process; return exit status, output and errors."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "2"))  # the command line sets these

    def call(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as leaving:
            status = leaving.code
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_the_version_is_told(run):
    assert run("--version") == (0, f"music-gui {__version__}\n", "")


def test_help_names_every_command_but_the_workers(run):
    status, out, _ = run("--help")
    assert status == 0
    for command in ("open", "example", "show", "run"):
        assert f"\n    {command} " in out
    assert "worker" not in out


def test_without_a_command_the_window_opens_and_with_a_study_that_one(run, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setitem(sys.modules, "music_gui.app.main", _Window(opened))
    monkeypatch.chdir(tmp_path)
    assert run()[0] == 0
    assert run("open", "some study")[0] == 0
    assert opened == [None, tmp_path / "some study"]


class _Window:
    def __init__(self, opened):
        self._opened = opened

    def main(self, study, screenshot=None):
        self._opened.append(study)
        return 0


# -- run --------------------------------------------------------------------------------------


def test_a_step_runs_and_says_what_it_did(run, bare_study):
    status, out, err = run("run", "write-number", "--study", bare_study.root, "--number", 7)
    assert status == 0
    assert out == "write-number: wrote 7\n"
    assert "checking the inputs" in err
    assert (bare_study.root / "psc/number.txt").read_text() == "7"


def test_json_holds_the_whole_job(run, bare_study):
    status, out, _ = run("run", "write-number", "--study", bare_study.root, "--json")
    job = json.loads(out)
    assert status == 0
    assert job["state"] == "done"
    assert job["result"]["details"] == {"total": 1}
    assert job["spec"]["step"] == "write-number"
    assert job["spec"]["threads"] == len(os.sched_getaffinity(0))


def test_options_may_stand_before_the_step(run, bare_study):
    words = ["run", "--study", bare_study.root, "--threads", 1, "write-number", "--number=3"]
    assert run(*words)[1] == "write-number: wrote 3\n"


def test_the_same_is_answered_from_its_job_unless_it_shall_be_recomputed(run, bare_study):
    step = ("run", "write-number", "--study", bare_study.root)
    run(*step)
    assert run(*step)[1] == "write-number: wrote 1 (as computed before)\n"
    assert run(*step, "--recompute")[1] == "write-number: wrote 1\n"


def test_a_run_that_fails_gives_the_reason_and_status_1(run, bare_study):
    status, out, err = run("run", "fail", "--study", bare_study.root)
    assert (status, out) == (1, "")
    assert err.splitlines()[-2:] == [
        "warning: the milk is nearly sour",
        "music-gui: milk.nii: the milk is sour. it is old. Buy new milk.",
    ]
    status, out, _ = run("run", "fail", "--study", bare_study.root, "--json")
    assert status == 1
    assert json.loads(out)["error"]["why"] == "it is old"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["run", "no-such-step", "--study", "{study}"], "there is no step named 'no-such-step'"),
        (["run", "--study", "{study}"], "no step is named"),
        (["run", "write-number"], "no study is named"),
        (["run", "write-number", "--study", "{study}", "--colour", "red"], "--colour"),
        (["run", "write-number", "--study", "{study}", "--number", "many"], "number: Input should"),
        (["run", "write-number", "--study", "{study}", "--number", "1001"], "less than or equal"),
        (["run", "write-number", "--study", "{study}", "--num", "1"], "--num"),
        (["run", "write-number", "--study", "{study}", "--threads", "0"], "--threads"),
        (["run", "write-number", "--study"], "--study"),
        (["example"], "STUDY"),
        (["dance"], "dance"),
    ],
)
def test_wrong_use_gives_status_2_names_what_is_wrong_and_makes_no_job(
    run, bare_study, words, complaint
):
    status, out, err = run(*(word.format(study=bare_study.root) for word in words))
    assert (status, out) == (2, "")
    assert complaint in err
    assert jobs_in(bare_study.jobs) == []


def test_a_folder_that_is_no_study_is_refused(run, tmp_path):
    status, _, err = run("run", "write-number", "--study", tmp_path)
    assert status == 1
    assert f"{tmp_path}: this folder is not a study. it has no study.json" in err


def test_a_damaged_study_says_what_to_do(run, bare_study):
    (bare_study.root / "study.json").write_text("{}")
    status, _, err = run("show", bare_study.root)
    assert status == 1
    assert "the study's description is damaged" in err


def test_ctrl_c_cancels_the_job_and_gives_status_130(bare_study):
    command = [*fake_steps.FAKE_APPLICATION, "run", "write-number", "--study",
               str(bare_study.root), "--seconds", "60"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (jobs := jobs_in(bare_study.jobs)) or JobFolder(jobs[0]).refresh()[0].fraction == 0:
        time.sleep(0.02)
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - asked < 1.5  # until the interpreter has left too
    assert process.returncode == 130
    assert err.endswith("music-gui: write-number: cancelled\n")
    assert JobFolder(jobs[0]).refresh()[0].state == "cancelled"


def test_on_a_terminal_the_progress_is_one_line_with_the_time_left(bare_study):
    ours, theirs = pty.openpty()
    command = [*fake_steps.FAKE_APPLICATION, "run", "write-number", "--study",
               str(bare_study.root), "--seconds", "2"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait() == 0
    assert seen.count(b"\n") <= 1
    assert b"\r\x1b[K" in seen
    assert b" s left)" in seen


def test_a_window_that_looks_on_does_not_take_the_job(run, bare_study, watch):
    watched = watch()
    status, _, _ = run("run", "write-number", "--study", bare_study.root, "--seconds", "1")
    assert status == 0
    job_id = jobs_in(bare_study.jobs)[0].name
    assert watched.wait(job_id, "done").attempt == 1
    assert JobFolder(bare_study.jobs / job_id).worker().pid == os.getpid()


def test_threads_reach_the_libraries_and_the_job(run, bare_study):
    run("run", "write-number", "--study", bare_study.root, "--threads", 1)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert JobFolder(jobs_in(bare_study.jobs)[0]).spec.threads == 1


def test_output_that_no_one_reads_to_the_end_is_no_error(bare_study):
    command = shlex.join([*fake_steps.FAKE_APPLICATION, "run", "--list"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "make-example\n"
    assert done.stderr == ""


# -- list ---------------------------------------------------------------------------------------


def test_every_step_is_listed_with_its_parameters(run):
    status, out, _ = run("run", "--list", "--json")
    steps = {step["name"]: step for step in json.loads(out)}
    assert status == 0
    assert list(steps) == list(STEP_MODULES)
    for name in ("import-maps", "import-atlas", "fit", "extract", "harmonize", "gwas",
                 "spare-train", "spare-score"):  # fmt: skip
        assert steps[name]["help"]
        assert all(each["help"] and each["flag"] for each in steps[name]["parameters"])
    number, seconds = steps["write-number"]["parameters"]
    assert number == {
        "name": "number",
        "flag": "--number",
        "type": "integer",
        "many": False,
        "required": False,
        "default": 1,
        "choices": None,
        "bounds": {"ge": 0, "le": 1000},
        "unit": "",
        "help": "What is written",
    }
    assert seconds["unit"] == "s"
    status, out, _ = run("run", "--list")
    assert "--number integer\n        What is written (at least 0; at most 1000; default 1)" in out


def test_the_help_of_a_step_names_its_flags(run):
    status, out, _ = run("run", "write-number", "--help")
    assert status == 0
    assert "--number N" in out
    assert "Write number" in out


class Odd(StepParameters):
    """One parameter of every kind."""

    scales: tuple[int, ...] = Field((32,), description="Scales")
    files: tuple[str, ...] = Field((), description="Names of 100 % of the files")
    harmonize: bool = Field(True, description="Whether")
    level: float | None = Field(None, gt=0, lt=1, description="Level")


def test_parameters_go_from_the_command_line_to_the_job_and_back():
    values = {"scales": [32, 64], "files": [], "harmonize": False, "level": -0.5, "name": "a b"}
    assert as_arguments(values) == [
        "--scales", "32", "--scales", "64", "--files", "", "--no-harmonize", "--level=-0.5",
        "--name", "a b",
    ]  # fmt: skip
    described = {each.name: each for each in describe_parameters(Odd)}
    assert (described["scales"].type, described["scales"].many) == ("integer", True)
    assert described["level"].help_with_notes == "Level (more than 0; less than 1)"
    assert described["harmonize"].help_with_notes == "Whether (default yes)"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["--scales", "32,64", "--scales", "128"], {"scales": [32, 64, 128]}),
        (["--no-harmonize"], {"harmonize": False}),
        (["--harmonize"], {"harmonize": True}),
        (["--level", "0.25"], {"level": 0.25}),
        (["--files", ""], {"files": []}),
    ],
)
def test_flags_are_understood(run, bare_study, monkeypatch, words, expected):
    step = fake_steps._step("odd", lambda *given: None, Odd)
    monkeypatch.setitem(STEP_MODULES, "odd", "fake_step_odd")
    monkeypatch.setitem(sys.modules, "fake_step_odd", type("Module", (), {"STEP": step}))
    run("run", "odd", "--study", bare_study.root, *words)
    assert JobFolder(jobs_in(bare_study.jobs)[0]).spec.parameters == expected


def test_relative_paths_are_made_absolute(run, bare_study, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["--participants", "my, table.tsv", "--files", "a,b.nii", "--files", "~/c.nii"]
    run("run", "import-maps", "--study", bare_study.root, *words)
    parameters = JobFolder(jobs_in(bare_study.jobs)[0]).spec.parameters
    assert parameters == {
        "participants": str(tmp_path / "my, table.tsv"),
        "files": [str(tmp_path / "a,b.nii"), str(Path("~/c.nii").expanduser())],
    }


# -- show and example -----------------------------------------------------------------------------


def test_show_prints_text_or_json(run, bare_study):
    run("run", "write-number", "--study", bare_study.root)
    status, out, _ = run("show", bare_study.root)
    assert status == 0
    assert "write-number" in out
    assert "done: wrote 1" in out
    status, out, _ = run("show", bare_study.root, "--json")
    content = json.loads(out)
    assert content["study"]["name"] == bare_study.manifest.name
    assert [job["state"] for job in content["jobs"]] == ["done"]


def test_the_example_is_not_made_over_a_study_of_real_data(run, bare_study):
    status, _, err = run("example", bare_study.root)
    assert status == 1
    assert "the folder holds a study of real data" in err


def test_the_example_is_not_made_in_a_folder_that_holds_something(run, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    status, _, err = run("example", tmp_path)
    assert status == 1
    assert "the folder is not empty" in err
    assert [path.name for path in tmp_path.iterdir() if path.name != "my stüdy"] == ["thesis.tex"]


def test_the_main_job_stops_at_the_first_step_that_fails(run, tmp_path, monkeypatch):
    from music_gui.steps import main_job

    monkeypatch.setitem(STEP_MODULES, "make-example", "fake_step_write_number")
    monkeypatch.setattr(main_job, "MAIN_JOB", ("write-number", "fail", "crash"))
    status, out, err = run("example", tmp_path / "new")
    assert status == 1
    assert out == "make-example: wrote 1\nwrite-number: wrote 1 (as computed before)\n"
    assert "the milk is sour" in err
    study = Study.open(tmp_path / "new")
    assert study.manifest.simulated
    assert len(jobs_in(study.jobs)) == 3


def test_a_worker_reports_a_job_that_is_not_there(run, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "nice", lambda increment: increment)  # it would stay
    status, _, err = run("worker", tmp_path / "nowhere")
    assert status == 1
    assert "the job's description can't be read" in err


def test_a_new_study_is_made_and_named(run, tmp_path):
    status, out, _ = run("new", tmp_path / "fresh", "--name", "My cohort")
    assert status == 0
    assert "My cohort" in out
    assert Study.open(tmp_path / "fresh").manifest.name == "My cohort"
    status, _, err = run("new", tmp_path / "fresh")
    assert status == 1
    assert "not empty" in err


def test_the_first_step_makes_the_study_if_there_is_nothing_yet(tmp_path, capsys):
    words = ["run", "import-atlas", "--study", str(tmp_path / "fresh")]
    assert main([*words, "--source", str(tmp_path / "nothing.nii.gz")]) == 1
    assert "nothing.nii.gz" in capsys.readouterr().err
    assert Study.open(tmp_path / "fresh").manifest.name == "fresh"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    assert main(["run", "import-atlas", "--study", str(tmp_path / "other")]) == 1
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["notes.txt"]
