"""External programs: what they print is followed, and nothing of them stays behind."""

import os
import sys
import time

import pytest
from watching import is_running, wait_for

from music_gui.core.errors import Cancelled, ToolError
from music_gui.jobs.process import (
    available_cores,
    describe_exit,
    minimal_environment,
    program_output,
    run_program,
    stop_tree,
    thread_variables,
)


def python(script):
    return [sys.executable, "-c", script]


def run(tmp_path, script, **options):
    return run_program(
        python(script), folder=tmp_path, log=tmp_path / "log.txt", threads=1, **options
    )


def test_each_line_is_told_once_and_whole(tmp_path):
    script = (
        "import sys, time\n"
        "for part in ['on', 'e\\ntw', 'o\\n\\n', '10%\\r20%\\r', 'grüße\\n', 'no end']:\n"
        "    sys.stdout.buffer.write(part.encode()); sys.stdout.flush(); time.sleep(0.08)\n"
        "sys.stderr.write('wrong'); sys.exit(3)"
    )
    (tmp_path / "log.txt").write_text("from an earlier attempt\n")
    lines = []
    assert run(tmp_path, script, on_line=lines.append) == 3
    assert lines[:5] == ["one", "two", "10%", "20%", "grüße"]
    assert "".join(lines[5:]) in ("no endwrong", "wrongno end")
    assert (tmp_path / "log.txt").read_text().startswith("from an earlier attempt\none\ntwo\n")


def test_bytes_that_are_no_text_do_no_harm(tmp_path):
    lines = []
    script = "import sys; sys.stdout.buffer.write(b'\\xff\\xfeok\\n')"
    assert run(tmp_path, script, on_line=lines.append) == 0
    assert lines[0].endswith("ok")


def test_a_cancel_ends_the_program_and_its_children(tmp_path):
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    pids = []

    def check():
        if pids:
            raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        run(tmp_path, script, on_line=lambda line: pids.append(int(line)), check=check)
    assert time.monotonic() - started < 5
    wait_for(lambda: not is_running(pids[0]), 1.0)


def test_a_cancel_that_comes_with_the_programs_end_is_a_cancel(tmp_path):
    """Ctrl-C ends the program too; its exit status must not look like a failure."""
    asked = []

    def check():
        asked.append(True)
        raise Cancelled

    with pytest.raises(Cancelled):
        run(tmp_path, "", check=check)
    assert len(asked) == 1


def test_trouble_with_a_line_passes_on_although_the_program_is_gone(tmp_path):
    def trouble(line):
        raise ValueError(line)

    with pytest.raises(ValueError, match="done"):
        run(tmp_path, "print('done')", on_line=trouble)


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(ToolError, match=r"plink99: the program can't be started\. No such file"):
        run_program(["plink99"], folder=tmp_path, log=tmp_path / "log", threads=1)
    with pytest.raises(ToolError, match="plink99: the program can't be run"):
        program_output(["plink99", "--version"])


def test_a_program_sees_no_more_of_the_environment_than_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("DISPLAY", ":7")
    lines = []
    script = "import os; print(*(f'{k}={v}' for k, v in os.environ.items()), sep='\\n')"
    run(tmp_path, script, on_line=lines.append)
    seen = dict(line.split("=", 1) for line in lines)
    assert "SECRET_TOKEN" not in seen
    assert "DISPLAY" not in seen
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "1"
    assert seen["PATH"] == os.environ["PATH"]


def test_a_bare_environment_is_enough(monkeypatch):
    for name in list(os.environ):
        if name != "PATH":
            monkeypatch.delenv(name)
    assert set(minimal_environment(3)) == {"PATH", "PYTHONUNBUFFERED", *thread_variables(3)}
    assert program_output(python("print('fine')")).strip() == "fine"


def test_output_of_a_short_program_holds_both_streams():
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert program_output(python(script)).split() == ["out", "err"]
    with pytest.raises(ToolError, match="timed out"):
        program_output(python("import time; time.sleep(60)"), timeout=0.3)


def test_exits_are_put_in_words():
    assert describe_exit(1) == "ended with exit status 1"
    assert describe_exit(-11) == "was killed by signal 11 (SIGSEGV)"
    assert describe_exit(-99) == "was killed by signal 99 (unknown)"


def test_stopping_a_process_that_is_gone_does_nothing():
    stop_tree(2**22 + 1)


def test_cores_are_those_this_process_may_use():
    assert available_cores() == len(os.sched_getaffinity(0))
