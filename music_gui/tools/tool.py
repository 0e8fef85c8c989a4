"""What is declared about an external program, the same for all of them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from music_gui.core.errors import ToolError


@dataclass(frozen=True)
class KnownError:
    """What a line that a program prints means.

    Parameters
    ----------
    pattern : str
        Regular expression, searched in the program's error message with line breaks as spaces.
    what : str
        The same in plain words; ``{1}`` stands for the first group of the pattern.
    remedy : str
        What to do about it.
    """

    pattern: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Tool:
    """An external program.

    Parameters
    ----------
    name : str
        As its authors write it.
    executables : tuple of str
        File names to look for on the PATH, the preferred one first.
    version_arguments : tuple of str
        What makes it print its version.
    version_pattern : str
        Regular expression whose first group is the version.
    versions_known_to_work : tuple of str
        Those that the tests have been run with.
    how_to_get : str
        For the user who has not got it.
    citation : str
        To be cited when it was used.
    errors : tuple of KnownError
        Its messages in plain words.
    """

    name: str
    executables: tuple[str, ...]
    version_arguments: tuple[str, ...]
    version_pattern: str
    versions_known_to_work: tuple[str, ...]
    how_to_get: str
    citation: str
    errors: tuple[KnownError, ...] = ()

    def find(self, chosen: Path | None = None) -> Path | None:
        """Return the program's path: the one chosen by the user, else the first on the PATH."""
        names = (str(chosen),) if chosen is not None else self.executables
        found = next((path for path in map(shutil.which, names) if path), None)
        return Path(found) if found else None

    def require(self, chosen: Path | None = None) -> Path:
        """Return the program's path.

        Raises
        ------
        ToolError
            If it is not there, with how to get it.
        """
        path = self.find(chosen)
        if path is None:
            raise ToolError(
                f"{self.name} was not found",
                where=str(chosen or ""),
                why="it is no program that can be run"
                if chosen
                else f"there is no {' or '.join(self.executables)} on the PATH",
                remedy=self.how_to_get,
            )
        return path

    def parse_version(self, text: str) -> str:
        """Return the version from what the program printed.

        Raises
        ------
        ToolError
            If there is none: then it is another program of the same name.
        """
        match = re.search(self.version_pattern, text)
        if match is None:
            raise ToolError(
                f"the program found is not {self.name}",
                why=f"asked for its version it says: {text.strip()[:200] or 'nothing'}",
                remedy=self.how_to_get,
            )
        return match[1]

    def explain(self, message: str) -> ToolError:
        """Turn the program's error message into one in plain words."""
        line = " ".join(message.split())
        for known in self.errors:
            if match := re.search(known.pattern, line):
                return ToolError(
                    known.what.format(match[0], *match.groups()),
                    where=self.name,
                    why=f"it says: {line}",
                    remedy=known.remedy,
                )
        return ToolError(f"{self.name} stopped with an error", why=line)
