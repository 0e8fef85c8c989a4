"""A graphics driver that hangs, crashes or is missing must never take the window with it."""

from __future__ import annotations

import sys
import time

from music_gui.jobs.gl_probe import GLProbe


def probe(code: str, timeout: float = 20.0):
    return GLProbe([sys.executable, "-c", code]).result(timeout)


def test_a_working_driver_gives_its_name_after_any_warnings():
    report = probe('print("MESA: warning"); print(\'{"renderer": "llvmpipe", "version": "4.5"}\')')
    assert (report.reason, report.renderer, report.version) == ("", "llvmpipe", "4.5")


def test_a_driver_that_crashes_is_told():
    report = probe("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert "SIGSEGV" in report.reason


def test_a_driver_that_hangs_is_given_up_in_time():
    start = time.monotonic()
    report = probe("import time; time.sleep(60)", timeout=0.3)
    assert "did not answer" in report.reason
    assert time.monotonic() - start < 5


def test_the_last_words_of_a_failing_probe_are_shown():
    report = probe("raise SystemExit('libGL.so.1: cannot open shared object file')")
    assert "exit status 1" in report.reason
    assert "libGL.so.1" in report.reason


def test_silence_and_nonsense_are_no_working_driver():
    assert probe("pass").reason
    assert probe("print('hello')").reason
    assert probe("print('[1, 2]')").reason


def test_a_program_that_is_missing_is_told():
    assert "could not be asked" in GLProbe(["/nonexistent/program"]).result().reason
