"""``views/NAME.view.json``: what the brain views showed, to be shown again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from music_gui import __version__
from music_gui.core.atlas import parse_psc_name
from music_gui.core.errors import InputError, MusicError
from music_gui.io.atomic import write_json

#: Raised when a change of the format makes older versions misread a view.
FORMAT_VERSION = 1

SUFFIX = ".view.json"


def _checked_psc(name: str) -> str:
    try:
        parse_psc_name(name)
    except MusicError as error:
        raise ValueError(error.what) from error
    return name


Psc = Annotated[str, AfterValidator(_checked_psc)]
Point = tuple[FiniteFloat, FiniteFloat, FiniteFloat]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SavedCamera(_Part):
    """From where one looked, world mm."""

    position: Point
    focal_point: Point
    up: Point

    @model_validator(mode="after")
    def _check(self) -> Self:
        towards = [f - p for f, p in zip(self.focal_point, self.position, strict=True)]
        (a, b, c), (x, y, z) = towards, self.up
        across = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
        if across < 1e-9:
            raise ValueError("the camera looks nowhere, or along what should point up")
        return self


class SavedCut(_Part):
    """A plane across one axis (0, 1, 2 for x, y, z) at a position in mm."""

    axis: Literal[0, 1, 2]
    position: FiniteFloat
    keeps_high: bool


class SavedStyle(_Part):
    """How values became colours: the fields of `music_gui.state.psc_column.PaintStyle`."""

    color_map: str | None
    range_mode: Literal["auto", "min-max", "robust", "symmetric", "own"]
    low: FiniteFloat
    high: FiniteFloat
    threshold: Literal["none", "value", "nominal", "scale", "atlas", "genome-wide", "top"]
    threshold_value: FiniteFloat


class SavedColumn(_Part):
    """What was painted: its values too, since their table may be gone when it is shown again.

    Attributes
    ----------
    neg_log_10_p : dict, ``values`` or None
        -log10 p of the values; ``values`` if they are that themselves.
    """

    title: str
    kind: Literal["sequential", "diverging"]
    unit: str
    source: str
    values: dict[Psc, FiniteFloat]
    neg_log_10_p: dict[Psc, FiniteFloat] | Literal["values"] | None
    at_least: tuple[Psc, ...]
    style: SavedStyle


class SavedSlices(_Part):
    """Settings of the slices; those of a map are used again while a map of that name is shown."""

    opacity: Share
    outline: bool
    pscs: bool
    radiological: bool
    map_name: str | None
    map_visible: bool
    map_opacity: Share
    map_range: tuple[FiniteFloat, FiniteFloat]


class SavedView(_Part):
    """What the brain views showed.

    Attributes
    ----------
    format_version : int
        Of this layout.
    made_with : str
        Version of the application.
    simulated : bool
        The data of its study are made up.
    atlas, scale : str, int
        What was shown.
    selected, also_selected, hidden : str or None, tuple of str
        Names of PSCs.
    crosshair : tuple of float
        World mm.
    painted : SavedColumn or None
        None gave each PSC its own colour.
    faded : bool
        All but the selected PSCs were faded to glass.
    camera : SavedCamera or None
        None looks at all of the brain.
    cuts, cuts_follow_crosshair, glass, glass_opacity
        As in `music_gui.state.view_3d.View3D`.
    slices : SavedSlices
        How the slices were drawn.
    """

    format_version: int = FORMAT_VERSION
    made_with: str = __version__
    simulated: bool = False
    atlas: str = Field(min_length=1)
    scale: int = Field(gt=0)
    selected: Psc | None
    also_selected: tuple[Psc, ...]
    hidden: tuple[Psc, ...]
    crosshair: Point
    painted: SavedColumn | None
    faded: bool
    camera: SavedCamera | None
    cuts: tuple[SavedCut, ...]
    cuts_follow_crosshair: bool
    glass: bool
    glass_opacity: Share
    slices: SavedSlices

    @model_validator(mode="after")
    def _check(self) -> Self:
        axes = [cut.axis for cut in self.cuts]
        if len(set(axes)) != len(axes):
            raise ValueError("two cuts go across the same axis")
        return self


class _Version(BaseModel):
    format_version: int
    made_with: str = ""


def write_view(path: Path, view: SavedView) -> None:
    """Write a view."""
    write_json(path, view.model_dump(mode="json"))


def read_view(path: Path) -> SavedView:
    """Read a view.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of a newer version.
    """
    try:
        text = path.read_bytes()
        version = _Version.model_validate_json(text)
        if version.format_version > FORMAT_VERSION:
            raise InputError(
                f"the view was saved by a newer version ({version.made_with})",
                where=str(path),
                why=f"its format has version {version.format_version}, this application "
                f"({__version__}) knows up to {FORMAT_VERSION}",
                remedy="Update MuSIC GUI to show it",
            )
        return SavedView.model_validate_json(text)
    except OSError as error:
        raise InputError(
            "the view can't be read", where=str(path), why=error.strerror or str(error)
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            "the view is damaged, or is no saved view",
            where=str(path),
            why=f"{place}: {first['msg']}" if place else first["msg"],
            remedy="Save it again, or delete the file",
        ) from error


def view_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the views in a folder, sorted; none if there is no folder."""
    names = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"[!.]*{SUFFIX}"))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))
