"""A view of the brain as a Python script that runs without the application."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from music_gui import __version__
from music_gui.io.resources import resource
from music_gui.io.saved_view import SavedCamera, SavedCut

#: The functions that draw; what they draw follows them in the script.
_FUNCTIONS = "scripts/draw_view.py"


@dataclass(frozen=True)
class ViewDrawing:
    """Everything that a picture of the 3D view needs.

    Parameters
    ----------
    title : str
        In words, for whoever opens the script.
    labels : Path
        Label image of the scale.
    colors : tuple of str
        ``#rrggbb`` for the labels 1 to C.
    hidden, selected : tuple of int
        Labels.
    alone : tuple of int
        Labels that are drawn alone; empty for all that are not hidden.
    camera : SavedCamera
        From where one looks.
    cuts : tuple of SavedCut
        What is cut away.
    glass : float
        Opacity of the glass around the PSCs; 0 draws none.
    size : tuple of int
        Pixels.
    background : tuple of str
        Colours at the bottom and at the top.
    edge_color, selected_color, glass_color : str
        Of lines between PSCs, of lines around the selected ones, and of the glass.
    """

    title: str
    labels: Path
    colors: tuple[str, ...]
    hidden: tuple[int, ...]
    selected: tuple[int, ...]
    alone: tuple[int, ...]
    camera: SavedCamera
    cuts: tuple[SavedCut, ...]
    glass: float
    size: tuple[int, int]
    background: tuple[str, str]
    edge_color: str
    selected_color: str
    glass_color: str


def view_script(drawing: ViewDrawing) -> str:
    """Return the text of a script that draws a view.

    It needs nibabel, numpy and vtk; it saves a PNG, or shows a window with ``--show``.
    """
    functions = resource(_FUNCTIONS).read_text(encoding="utf-8")
    docstring, code = functions.split("\n", 1)
    facts: dict[str, Any] = asdict(drawing) | {
        "labels": str(drawing.labels),
        "camera": drawing.camera.model_dump(mode="json"),
        "cuts": [cut.model_dump(mode="json") for cut in drawing.cuts],
    }
    entries = "".join(f"    {key!r}: {_literal(key, value)},\n" for key, value in facts.items())
    about = f"Written by MuSIC GUI {__version__}. {docstring[3:-3]}"
    parts = (
        f'"""{_one_line(drawing.title)}\n\n{about}\n"""\n{code}',
        f"VIEW = {{\n{entries}}}\n",
        'if __name__ == "__main__":\n    main(VIEW)\n',
    )
    return "\n\n".join(parts)


def _literal(key: str, value: Any) -> str:
    """Return a value as Python writes it, long lists of colours as lines of text."""
    if key == "colors":
        lines = textwrap.wrap(" ".join(value), 80)
        return "(\n" + "".join(f'        "{line} "\n' for line in lines) + "    )"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # a JSON text is a Python text
    return repr(value)


def _one_line(text: str) -> str:
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
