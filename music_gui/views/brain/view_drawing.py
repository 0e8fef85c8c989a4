"""What the 3D view shows, as a script needs it to draw the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from music_gui.core.errors import InputError
from music_gui.state.session import Session
from music_gui.views.brain.psc_colors import hidden_labels, scene_colors, selected_labels
from music_gui.views.widgets import palette

if TYPE_CHECKING:
    from music_gui.io.view_script import ViewDrawing


def view_drawing(session: Session, size: tuple[int, int]) -> ViewDrawing:
    """Describe the 3D view.

    Parameters
    ----------
    session : Session
        What is shown.
    size : tuple of int
        Of the view in pixels.

    Raises
    ------
    InputError
        If there is no atlas, or it was not drawn yet.
    """
    from music_gui.io.atlas_dseg import label_file
    from music_gui.io.saved_view import SavedCamera, SavedCut
    from music_gui.io.view_script import ViewDrawing

    scene, view, study, theme = (
        session.scene, session.view_3d, session.study, palette.current(),
    )  # fmt: skip
    if study is None or scene.atlas is None or scene.scale is None or view.camera is None:
        raise InputError("there is no view to draw", remedy="Fit or import an atlas first")
    hidden, selected = hidden_labels(scene), selected_labels(scene)
    is_faded = scene.ghost and bool(selected)
    is_glass = view.glass and (is_faded or bool(hidden.any()))
    colors = scene_colors(scene)
    painted = f", {scene.painted.full_title}" if scene.painted is not None else ""
    simulated = " (simulated data)" if study.manifest.simulated else ""
    return ViewDrawing(
        title=f"{study.manifest.name}: atlas {scene.atlas.name}, C = {scene.scale}{painted}"
        f"{simulated}.",
        labels=label_file(study.atlas(scene.atlas.name), scene.scale),
        colors=tuple("#{:02x}{:02x}{:02x}".format(*color[:3]) for color in colors[1:].tolist()),
        hidden=tuple(np.flatnonzero(hidden).tolist()),
        selected=tuple(selected),
        alone=tuple(selected) if is_faded else (),
        camera=SavedCamera(**asdict(view.camera)),
        cuts=tuple(SavedCut.model_validate(asdict(cut)) for cut in view.planes(scene.crosshair)),
        glass=view.glass_opacity if is_glass else 0.0,
        size=size,
        background=(theme.scene_bottom, theme.scene_top),
        edge_color=theme.scene_edge,
        selected_color=theme.highlight,
        glass_color=theme.glass,
    )
