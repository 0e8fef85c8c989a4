"""Finds out in a child process whether 3D drawing works: a bad driver can hang or crash."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

from music_gui.jobs.process import application_command, describe_exit

#: A driver on a slow disk has answered by then.
DEFAULT_TIMEOUT = 20.0


@dataclass(frozen=True)
class GLReport:
    """What the graphics driver can.

    Parameters
    ----------
    reason : str
        Why 3D can't work, in words; empty if it works.
    renderer : str
        The driver's name, for example ``llvmpipe (LLVM 15.0.6, 256 bits)``.
    version : str
        Of OpenGL.
    """

    reason: str = ""
    renderer: str = ""
    version: str = ""


class GLProbe:
    """A question to the graphics driver that is under way.

    Parameters
    ----------
    command : list of str, optional
        What to run instead of this application's own probe.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        self._start_error = ""
        self._process: subprocess.Popen[str] | None = None
        try:
            # With the whole environment: it chooses the display and the driver.
            self._process = subprocess.Popen(  # noqa: S603 - a list, never a shell string
                command or [*application_command(), "gl-probe"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:
            self._start_error = error.strerror or str(error)

    def result(self, timeout: float = DEFAULT_TIMEOUT) -> GLReport:
        """Wait for the answer; a driver that hangs or crashes is one too.

        Parameters
        ----------
        timeout : float
            Seconds after which the child is killed.
        """
        if self._process is None:
            return GLReport(f"the graphics driver could not be asked: {self._start_error}")
        try:
            out, err = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return GLReport(f"the graphics driver did not answer within {timeout:.0f} seconds")
        if (code := self._process.returncode) != 0:
            last = (err.strip().splitlines() or [""])[-1]
            return GLReport(
                f"the test of the graphics driver {describe_exit(code)}. {last}".strip()
            )
        return _parse(out)


def _parse(out: str) -> GLReport:
    """Read the last line, since drivers print warnings before it."""
    try:
        answer = json.loads(out.strip().splitlines()[-1])
        return GLReport(**{key: str(value) for key, value in answer.items()})
    except (IndexError, ValueError, TypeError, AttributeError):
        return GLReport("the test of the graphics driver gave no answer that can be read")
