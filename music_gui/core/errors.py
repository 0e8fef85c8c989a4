"""The errors a user can meet: each says what, where, why and what to do about it."""

from __future__ import annotations

from typing import Any, Self


class MusicError(Exception):
    """An error whose text is written for the user.

    The window and the command line show the same text.

    Parameters
    ----------
    what : str
        What went wrong, one sentence without a final stop.
    where : str, optional
        The file, line, column, voxel or participant that it concerns.
    why : str, optional
        The cause, as far as it is known.
    remedy : str, optional
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", why: str = "", remedy: str = "") -> None:
        super().__init__(what, where, why, remedy)
        self.what = what
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return ". ".join(part.rstrip(".") for part in (head, self.why, self.remedy) if part) + "."

    def as_dict(self) -> dict[str, str]:
        """Return the four parts and the class name, ready for JSON."""
        return {
            "kind": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "why": self.why,
            "remedy": self.remedy,
        }

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> Self:
        """Rebuild an error from `as_dict`; the kind is not restored."""
        return cls(
            str(parts.get("what", "")),
            where=str(parts.get("where", "")),
            why=str(parts.get("why", "")),
            remedy=str(parts.get("remedy", "")),
        )


class InputError(MusicError):
    """A file, table or array that the user gave can't be used as it is."""


class DamagedFileError(InputError):
    """A file is cut off or damaged: nothing can be said about what was in it."""


class GridMismatchError(InputError):
    """Two images do not share shape and affine."""


class ParameterError(MusicError):
    """A parameter is out of its bounds or contradicts another."""


class StudyError(MusicError):
    """The study folder can't be opened, read or written."""


class ToolError(MusicError):
    """An external program is missing, failed, or wrote nothing usable."""


class JobError(MusicError):
    """A job can't be started, or ended without a result."""


class Cancelled(Exception):  # noqa: N818 - a request that was granted, not an error
    """The user asked for the running step to stop."""
