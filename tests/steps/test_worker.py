"""Work on a job in this process: the code that the window's workers run too."""

import errno
import json
import os
import signal
import subprocess
import threading

import fake_steps
import pytest

from music_gui.core.errors import JobError, MusicError, ParameterError
from music_gui.jobs.folder import JobFolder, retry
from music_gui.jobs.inline import InlineRunner
from music_gui.jobs.runner import new_job
from music_gui.steps.registry import STEP_MODULES, get_step
from music_gui.steps.worker import explain, parse_parameters, run_job, work_on

pytestmark = pytest.mark.usefixtures("fake_registry")


@pytest.fixture
def run(bare_study):
    """Run a step to its end."""

    def run_step(step, *, recompute=False, threads=1, **parameters):
        spec = new_job(step, parameters, title=step, threads=threads, recompute=recompute)
        return run_job(bare_study, spec)

    return run_step


def n_computed(study):
    path = study.root / "computed.txt"
    return len(path.read_text().split()) if path.exists() else 0


def test_a_job_ends_with_its_results_in_the_study_and_their_digests(bare_study, run):
    snapshot = run("write-number", number=6)
    assert snapshot.state == "done"
    assert snapshot.message == "wrote 6"
    assert set(snapshot.result["outputs"]) == {"psc/number.txt", "psc/square.txt"}
    assert (bare_study.root / "psc/square.txt").read_text() == "36"
    left = {path.name for path in (bare_study.jobs / snapshot.spec.job_id).iterdir()}
    assert left == {"job.json", "events.jsonl", "attempts"}


def test_the_same_is_not_computed_twice(bare_study, run):
    first, again = run("write-number", number=2), run("write-number", number=2)
    assert n_computed(bare_study) == 1
    assert again.message == "wrote 2 (as computed before)"
    assert again.result["reused"] == first.spec.job_id
    assert run("write-number", number=2).message == "wrote 2 (as computed before)"


def test_results_of_inputs_that_changed_meanwhile_are_not_kept(bare_study, run):
    base = bare_study.source_data / "base.txt"
    base.parent.mkdir(exist_ok=True)
    base.write_text("100")
    snapshot = run("change-base", number=13)
    assert snapshot.state == "failed"
    assert "sourcedata/base.txt" in str(snapshot.error)
    assert "Retry the job" in str(snapshot.error)
    assert not (bare_study.root / "psc/number.txt").exists()
    again = run("change-base", number=13)  # now with the new content, which stays
    assert again.message == "wrote 713"
    base.write_text("100")
    assert run("change-base", number=13).state == "failed"


def test_an_input_that_was_only_touched_has_not_changed(bare_study, run):
    base = bare_study.source_data / "base.txt"
    base.parent.mkdir(exist_ok=True)
    base.write_text("700")
    assert run("change-base", number=13).message == "wrote 713"


def test_a_parameter_left_at_its_default_is_the_same_as_one_given(bare_study, run):
    run("write-number")
    run("write-number", number=1, seconds=0.0)
    assert n_computed(bare_study) == 1


@pytest.mark.parametrize(
    "change",
    ["parameter", "input", "new input", "threads", "recompute", "output changed", "output gone"],
)
def test_what_can_change_the_result_computes_it_again(bare_study, run, change):
    source = bare_study.source_data / "base.txt"
    source.parent.mkdir()
    if change != "new input":
        source.write_text("10")
    run("write-number")
    options = {}
    if change == "parameter":
        options["number"] = 2
    elif change in ("input", "new input"):
        source.write_text("20")
    elif change == "output changed":
        (bare_study.root / "psc/square.txt").write_text("someone's edit")
    elif change == "output gone":
        (bare_study.root / "psc/square.txt").unlink()
    else:
        options[change] = {"threads": 2, "recompute": True}[change]
    run("write-number", **options)
    assert n_computed(bare_study) == 2


def test_a_study_that_was_moved_keeps_its_results(bare_study, run, tmp_path):
    from music_gui.io.study import Study

    bare_study.source_data.mkdir()
    (bare_study.source_data / "base.txt").write_text("10")
    run("write-number")
    moved = Study.open(bare_study.root.rename(tmp_path / "moved"))
    spec = new_job("write-number", {}, title="x", threads=1)
    assert run_job(moved, spec).message == "wrote 11 (as computed before)"


def test_an_earlier_result_that_was_replaced_since_is_computed_again(bare_study, run):
    run("write-number", number=1)
    run("write-number", number=2)
    run("write-number", number=1)
    assert (bare_study.root / "psc/number.txt").read_text() == "1"
    assert n_computed(bare_study) == 3


def test_a_failure_is_a_state_with_words(bare_study, run):
    failed = run("fail")
    assert failed.state == "failed"
    assert MusicError.from_dict(failed.error).remedy == "Buy new milk"
    assert failed.warnings == ("the milk is nearly sour",)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("leave-the-study", "an output lies outside the study"),
        ("forget-output", "a promised output was not written"),
        ("crash", "an unexpected error: ZeroDivisionError"),
        ("no-such-step", "there is no step named 'no-such-step'"),
    ],
)
def test_a_step_that_misbehaves_fails_and_leaves_the_study_alone(bare_study, run, step, what):
    failed = run(step)
    assert failed.state == "failed"
    assert failed.error["what"] == what
    assert {path.name for path in bare_study.root.iterdir()} == {"study.json", "jobs"}


def test_parameters_that_do_not_fit_are_all_named(run):
    failed = run("write-number", number=-1, colour="red")
    assert failed.error["kind"] == "ParameterError"
    assert "number: Input should be greater than or equal to 0" in failed.error["why"]
    assert "colour: Extra inputs are not permitted" in failed.error["why"]
    with pytest.raises(ParameterError, match="write-number: the parameters do not fit"):
        parse_parameters(get_step("write-number"), {"number": "many"})


def test_only_a_queued_job_is_worked_on(queue):
    paths = queue("write-number")
    assert work_on(paths.folder) == 0
    with pytest.raises(JobError, match="the job is not queued but done"):
        work_on(paths.folder)


def test_a_cancel_before_the_start_is_obeyed(bare_study, queue):
    paths = queue("write-number")
    paths.cancel(1).touch()
    assert work_on(paths.folder) == 130
    folder = JobFolder(paths.folder)
    assert folder.refresh()[0].state == "cancelled"
    assert n_computed(bare_study) == 0
    retry(folder)
    assert work_on(paths.folder) == 0
    assert folder.refresh()[0].attempt == 2


def test_ctrl_c_cancels_and_the_handlers_of_the_process_come_back(bare_study, run):
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    cancelled = run("write-number", seconds=30.0)
    timer.join()
    assert cancelled.state == "cancelled"
    assert signal.getsignal(signal.SIGINT) is before
    assert not (bare_study.root / "psc").exists()


def test_under_nohup_a_job_outlives_its_terminal(bare_study, queue):
    paths = queue("write-number", seconds=1.0)
    command = [*fake_steps.FAKE_APPLICATION, "worker", str(paths.folder)]
    process = subprocess.Popen(["nohup", *command], stderr=subprocess.DEVNULL)
    while not paths.worker(1).exists():
        pass
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=20) == 0


def test_results_left_half_moved_by_a_crash_are_moved_before_the_next_job(bare_study, run, queue):
    for name in ("one.txt", "two.txt"):
        (bare_study.root / name).write_text("old")
    paths = queue("die-between-moves")
    command = [*fake_steps.FAKE_APPLICATION, "worker", str(paths.folder)]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    texts = [(bare_study.root / name).read_text() for name in ("one.txt", "two.txt")]
    assert texts == ["new", "old"]
    assert run("write-number").state == "done"
    texts = [(bare_study.root / name).read_text() for name in ("one.txt", "two.txt")]
    assert texts == ["new", "new"]
    recovered = JobFolder(paths.folder).refresh()[0]
    assert (recovered.state, recovered.attempt, recovered.message) == ("done", 2, "moved both")
    assert not paths.publication.exists()
    assert [path.read_text() for path in sorted(paths.replaced.iterdir())] == ["old", "old"]


def test_the_inline_runner_tells_how_a_job_ended(bare_study):
    told = []
    runner = InlineRunner(bare_study.jobs, lambda *news: told.append(news), work_on, threads=1)
    runner.start()
    job_id = runner.submit("write-number", {"number": 3}, title="Write")
    (snapshot, events) = told.pop()
    assert (snapshot.spec.job_id, snapshot.state, snapshot.spec.title) == (job_id, "done", "Write")
    assert [event.kind for event in events][-1] == "done"
    runner.cancel(job_id)
    failed = runner.submit("fail", {}, title="Fail")
    runner.retry(failed)
    assert [each.attempt for each, _ in told] == [1, 2]
    with pytest.raises(JobError, match="can't become queued"):
        runner.retry(job_id)
    with pytest.raises(JobError, match="there is no such job"):
        runner.cancel("x")
    runner.stop()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError("Unable to allocate 9 TiB"), "not enough free memory.*9 TiB"),
        (OSError(errno.ENOSPC, "No space left on device", "/s/x.npy"), "/s/x.npy: the disk is"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full. Disk quota exceeded"),
        (PermissionError(13, "Permission denied", "/s/x"), "/s/x: a file can't be read or written"),
        (KeyError("age"), "an unexpected error: KeyError"),
    ],
)
def test_errors_of_the_system_are_put_in_words(error, text):
    import re

    assert re.search(text, str(explain(error)))


def test_every_step_of_the_registry_says_what_it_is():
    for name in STEP_MODULES:
        if "fake" in STEP_MODULES[name]:
            continue
        step = get_step(name)
        assert step.name == name
        assert step.title
        assert step.help
        for field in step.parameters.model_fields.values():
            assert field.description


def test_events_are_readable_by_any_program(bare_study, run):
    snapshot = run("write-number")
    path = bare_study.jobs / snapshot.spec.job_id / "events.jsonl"
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds == ["claimed", "progress", "metric", "done"]
