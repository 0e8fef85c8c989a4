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
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT",
    "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME",
    "XDG_DATA_HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)  # fmt: skip

_POLL_SECONDS = 0.05
_POLITE_SECONDS = 0.5

#: Workers that a runner no longer follows; kept so that they are reaped when they end.
_detached: list[subprocess.Popen[bytes]] = []


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_variables(threads: int) -> dict[str, str]:
    """Return the environment variables that tell numerical libraries how many threads to use."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(threads))


def minimal_environment(threads: int) -> dict[str, str]:
    """Return the environment for a worker or program that may use so many threads."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | thread_variables(threads) | {"PYTHONUNBUFFERED": "1"}


def application_command() -> list[str]:
    """Return the command that starts this application, from a checkout, wheel or bundle."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    # -P: a file named like a module of ours in the folder of the moment must not be imported
    return [sys.executable, "-P", "-m", "music_gui"]


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


def detach(child: subprocess.Popen[bytes]) -> None:
    """Let a worker go on without being followed."""
    _detached[:] = [each for each in [*_detached, child] if each.poll() is None]


def stop_tree(pid: int, polite_seconds: float = _POLITE_SECONDS) -> None:
    """Ask a process and all its children to stop, then kill those that still run.

    Parameters
    ----------
    pid : int
        The process; nothing happens if it is gone.
    polite_seconds : float
        How long they have to end by themselves; 0 kills them at once.
    """
    try:
        process = psutil.Process(pid)
        tree = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    if polite_seconds > 0:
        for member in tree:
            _quietly(member.terminate)
        tree = _still_running(tree, polite_seconds)
    for member in tree:
        _quietly(member.kill)
    _still_running(tree, 1.0)


def _still_running(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended or the time is up; return the others. A zombie has ended.

    psutil's own wait takes exit codes away from `subprocess`, and waits for zombies.
    """
    end = time.monotonic() + seconds
    while processes := [each for each in processes if _is_running(each)]:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    return processes


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def kill_group(pid: int) -> None:
    """Kill what is left of the process group that a dead worker led: programs it had started."""
    if hasattr(os, "killpg") and not psutil.pid_exists(pid):
        _quietly(lambda: os.killpg(pid, signal.SIGKILL))


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except (psutil.Error, OSError):
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
        Called with each line that it printed, empty ones left out; a progress line that it
        overwrites with a carriage return counts as a line.
    check : callable, optional
        Called several times a second and once at the end; when it raises, the program and its
        children are stopped and the exception passes on.

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
        with log.open("rb") as source:
            source.seek(start)
            rest = b""
            while True:
                code = process.poll()
                *lines, rest = (rest + source.read()).replace(b"\r", b"\n").split(b"\n")
                if code is not None and rest:
                    lines.append(rest)
                for line in lines:
                    if on_line is not None and line:
                        on_line(line.decode("utf-8", errors="replace"))
                if check is not None:
                    check()
                if code is not None:
                    return code
                time.sleep(_POLL_SECONDS)
    except BaseException:
        if process.poll() is None:
            stop_tree(process.pid)
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
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            timeout=timeout, env=minimal_environment(1), check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError("the program can't be run", where=command[0], why=str(error)) from error
    return done.stdout
