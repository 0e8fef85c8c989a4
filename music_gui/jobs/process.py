"""Start and stop processes: the only module that does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from music_gui.core.errors import ToolError

#: What a started program inherits of the environment; nothing else.
_KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "USERPROFILE",
    "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
    "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
)  # fmt: skip

_POLL_SECONDS = 0.05
_POLITE_SECONDS = 0.5


def minimal_environment(threads: int) -> dict[str, str]:
    """Return the environment for a worker or program that may use so many threads."""
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


def application_command() -> list[str]:
    """Return the command that starts this application, from a checkout, wheel or bundle."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "music_gui"]


def start_worker(job_folder: Path, threads: int) -> subprocess.Popen[bytes]:
    """Start a worker on a job, in a session of its own so that it outlives the application."""
    with (job_folder / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [*application_command(), "worker", str(job_folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=minimal_environment(threads),
            start_new_session=True,
        )


def stop_tree(process: psutil.Process, polite_seconds: float = _POLITE_SECONDS) -> None:
    """Ask a process and all its children to stop, then kill those that still run."""
    try:
        tree = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in tree:
        _quietly(member.terminate)
    _, alive = psutil.wait_procs(tree, timeout=polite_seconds)
    for member in alive:
        _quietly(member.kill)
    psutil.wait_procs(alive, timeout=1.0)


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return


def describe_exit(code: int) -> str:
    """Say in words how a process ended: ``was killed by signal 9 (SIGKILL)``."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        return f"was killed by signal {-code} ({name})"
    return f"ended with exit status {code}"


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    threads: int,
    on_line: Callable[[str], None] | None = None,
    check: Callable[[], None] | None = None,
) -> int:
    """Run an external program to its end.

    Parameters
    ----------
    command : sequence of str
        Program and arguments; never a shell string.
    folder : Path
        Where it runs.
    log : Path
        Both its output streams, appended to.
    threads : int
        Threads that numerical libraries in it may use.
    on_line : callable, optional
        Called with each line that it printed.
    check : callable, optional
        Called several times a second; when it raises, the program and its children are stopped
        and the exception passes on.

    Returns
    -------
    int
        Its exit status; negative if a signal killed it.

    Raises
    ------
    ToolError
        If the program can't be started.
    """
    with log.open("ab") as sink:
        start = sink.tell()
        try:
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                cwd=folder, env=minimal_environment(threads),
            )  # fmt: skip
        except OSError as error:
            raise ToolError(
                "the program can't be started", where=command[0], why=error.strerror or str(error)
            ) from error
    try:
        with log.open("r", encoding="utf-8", errors="replace", newline=None) as source:
            source.seek(start)
            while True:
                ended = process.poll() is not None
                for line in source:
                    if on_line is not None:
                        on_line(line.rstrip("\n"))
                if ended:
                    return process.returncode
                if check is not None:
                    check()
                time.sleep(_POLL_SECONDS)
    except BaseException:
        stop_tree(psutil.Process(process.pid))
        process.wait()
        raise


def program_output(command: Sequence[str], *, timeout: float = 10.0) -> str:
    """Return what a short program prints (its version), both streams together.

    Raises
    ------
    ToolError
        If it can't be started or takes too long.
    """
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, env=minimal_environment(1), check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError("the program can't be run", where=command[0], why=str(error)) from error
    return done.stdout + done.stderr
