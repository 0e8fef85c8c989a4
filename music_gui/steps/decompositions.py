"""Which decompositions a study has, and which of them a step is to work on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from music_gui.core.errors import InputError, ParameterError
from music_gui.io.decomposition_npz import StoredComponents, read_components
from music_gui.io.study import Study
from music_gui.jobs.publication import digest


@dataclass(frozen=True)
class Decomposition:
    """One scale's factorisation in a study.

    Parameters
    ----------
    atlas : str
        Name of the atlas that has its scale from it.
    scale : int
        C.
    folder : Path
        Where its files are.
    """

    atlas: str
    scale: int
    folder: Path

    @property
    def components_path(self) -> Path:
        """The file of its components."""
        return self.folder / "components.npz"

    @property
    def record_path(self) -> Path:
        """How it was made."""
        return self.folder / "run.json"

    @cached_property
    def record(self) -> dict[str, Any]:
        """What `record_path` says.

        Raises
        ------
        InputError
            If it is damaged.
        """
        try:
            return dict(json.loads(self.record_path.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                "the record of a decomposition can't be read",
                where=str(self.record_path),
                why=str(error),
                remedy="Fit or import the scale again",
            ) from error

    @property
    def maps_checksum(self) -> str | None:
        """Checksum of the masked maps it was fitted on; None if they are not known."""
        checksum = self.record.get("maps_checksum")
        return None if checksum is None else str(checksum)

    def read(self) -> StoredComponents:
        """Read the components; raises as `read_components`."""
        return read_components(self.components_path)

    def digest(self) -> str:
        """Return the digest of the file of components."""
        return digest(self.components_path)


def decompositions_of(study: Study, atlas: str) -> list[Decomposition]:
    """List the decompositions that belong to an atlas of the study.

    Parameters
    ----------
    study : Study
    atlas : str
        Empty for the study's own, or the only one that has any.

    Returns
    -------
    list of Decomposition
        By scale; at least one.

    Raises
    ------
    ParameterError
        If there is none, or several atlases have some and none is named.
    """
    found: dict[str, list[Decomposition]] = {}
    for path in sorted(study.decompositions.glob("[!.]*/C*/components.npz")):
        number, name = path.parent.name.removeprefix("C"), path.parent.parent.name
        if number.isdecimal():
            found.setdefault(name, []).append(Decomposition(name, int(number), path.parent))
    if not found:
        raise ParameterError(
            "the study has no components",
            where=str(study.decompositions),
            remedy="Run `fit` to make them, or `import-components` to bring some",
        )
    if not atlas and len(found) > 1 and "study" not in found:
        raise ParameterError(
            "several atlases have components", remedy=f"Choose one of {', '.join(found)}"
        )
    name = atlas or ("study" if "study" in found else next(iter(found)))
    if name not in found:
        raise ParameterError(
            f"atlas {name} has no components",
            why="an atlas that was imported as label images has none",
            remedy=f"Choose one of {', '.join(found)}",
        )
    return sorted(found[name], key=lambda each: each.scale)


def choose_scales(
    decompositions: Sequence[Decomposition], scales: Sequence[int]
) -> list[Decomposition]:
    """Return the decompositions of these scales, ascending.

    Raises
    ------
    ParameterError
        If the atlas has not got one of them.
    """
    have = {each.scale: each for each in decompositions}
    if missing := sorted(set(scales) - set(have)):
        raise ParameterError(
            f"atlas {decompositions[0].atlas} has no components of scale {missing[0]}",
            remedy=f"Choose from {', '.join(map(str, have))}",
        )
    return [have[scale] for scale in sorted(set(scales))]
