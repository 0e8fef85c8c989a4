"""Steps that compute nothing, for tests of the jobs: each shows one way a job can go."""

import os
import re
import signal
import sys
import time
from pathlib import Path

from pydantic import Field

from music_gui.core.errors import InputError
from music_gui.jobs import publication
from music_gui.jobs.process import run_program
from music_gui.steps.step import Step, StepParameters, StepResult


class NumberParameters(StepParameters):
    number: int = Field(1, description="What is written", ge=0, le=1000)
    seconds: float = Field(0.0, description="How long it takes", json_schema_extra={"unit": "s"})


def _source(study, parameters):
    return [study.source_data / "base.txt"]


def _write_number(study, parameters, workspace):
    """Write number plus the content of sourcedata/base.txt, and note that it was computed."""
    workspace.progress.metric("loss", {"epoch": 1, "loss": float("nan")})
    end = time.monotonic() + parameters.seconds
    while (left := end - time.monotonic()) > 0:
        workspace.progress.update(1 - left / parameters.seconds, "counting")
        time.sleep(0.02)
    with (study.root / "computed.txt").open("a") as file:
        file.write(f"{os.getpid()}\n")
    base = study.source_data / "base.txt"
    total = parameters.number + (int(base.read_text()) if base.exists() else 0)
    for name in ("psc/number.txt", "psc/square.txt"):
        (workspace.output / name).parent.mkdir(exist_ok=True)
    (workspace.output / "psc/number.txt").write_text(str(total))
    (workspace.output / "psc/square.txt").write_text(str(total**2))
    return StepResult(["psc/number.txt", "psc/square.txt"], f"wrote {total}", {"total": total})


def _change_base(study, parameters, workspace):
    """Work as write-number while someone else changes its input."""
    result = _write_number(study, parameters, workspace)
    if parameters.number == 13:
        (study.source_data / "base.txt").write_text("700")
    return result


class NoParameters(StepParameters):
    """Nothing to choose."""


def _fail(study, parameters, workspace):
    workspace.progress.warn("the milk is nearly sour")
    raise InputError("the milk is sour", where="milk.nii", why="it is old", remedy="Buy new milk")


def _crash(study, parameters, workspace):
    raise ZeroDivisionError("a fault of ours")


def _die_once(study, parameters, workspace):
    """Be killed at the first attempt, go on from a checkpoint at the second."""
    checkpoint = workspace.scratch / "checkpoint.txt"
    if not checkpoint.exists():
        checkpoint.write_text("epoch 7")
        os.kill(os.getpid(), signal.SIGKILL)
    (workspace.output / "number.txt").write_text(checkpoint.read_text())
    return StepResult(["number.txt"], f"went on from {checkpoint.read_text()}")


def _be_stuck(study, parameters, workspace):
    """Stay in one C call that keeps the interpreter's lock: no signal handler runs."""
    workspace.progress.log("stuck")
    re.match(r"(a+)+$", "a" * 60 + "b")
    return StepResult([], "never")


def _start_program(study, parameters, workspace):
    """Run a program that has a child of its own and ends only when it is killed."""
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('pids', os.getpid(), child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    run_program(
        [sys.executable, "-c", script],
        folder=workspace.scratch,
        log=workspace.log,
        threads=1,
        on_line=workspace.progress.log,
        check=workspace.progress.check,
    )
    return StepResult([], "never")


def _fill_disk(study, parameters, workspace):
    """Write until nothing more fits."""
    with (workspace.output / "large.bin").open("wb") as file:
        while True:
            file.write(b"\0" * 2**16)
            file.flush()
            workspace.progress.update(0.5, "writing")


def _die_between_moves(study, parameters, workspace):
    """Let the worker be killed at the first attempt when it has moved one of two results."""
    for name in ("one.txt", "two.txt"):
        (workspace.output / name).write_text("new")
    move = publication._move_in

    def move_once(source, target, aside):
        if target.name == "two.txt":
            os.kill(os.getpid(), signal.SIGKILL)
        move(source, target, aside)

    publication._move_in = move_once
    return StepResult(["one.txt", "two.txt"], "moved both")


def _leave_the_study(study, parameters, workspace):
    return StepResult(["../elsewhere.txt"], "wrote outside")


def _forget_output(study, parameters, workspace):
    return StepResult(["psc/forgotten.txt"], "wrote nothing")


def _nothing(study, parameters):
    return []


def _step(name, run, parameters=NoParameters, inputs=_nothing):
    title = name.replace("-", " ").capitalize()
    return Step(name, title, f"{title} (a test)", parameters, run, inputs)


STEPS = {
    step.name: step
    for step in (
        _step("write-number", _write_number, NumberParameters, _source),
        _step("change-base", _change_base, NumberParameters, _source),
        _step("fail", _fail),
        _step("crash", _crash),
        _step("die-once", _die_once),
        _step("be-stuck", _be_stuck),
        _step("start-program", _start_program),
        _step("fill-disk", _fill_disk),
        _step("die-between-moves", _die_between_moves),
        _step("leave-the-study", _leave_the_study),
        _step("forget-output", _forget_output),
    )
}

FAKE_APPLICATION = [sys.executable, str(Path(__file__).with_name("fake_application.py"))]
