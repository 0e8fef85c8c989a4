"""What the 3D view needs before it can draw: slow, so it runs in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from music_gui.jobs.gl_probe import GLProbe, GLReport

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface
    from music_gui.views.brain.surface_mesh import SurfaceMesh


def prepare_drawing() -> GLReport:
    """Ask the graphics driver, and import the renderer while it thinks."""
    probe = GLProbe()
    import music_gui.views.brain.brain_canvas  # noqa: F401

    return probe.result()


def make_mesh(surface: LabelSurface) -> SurfaceMesh:
    """Make a surface ready to draw and pick."""
    from music_gui.views.brain.surface_mesh import SurfaceMesh

    return SurfaceMesh.of(surface)


def make_thin_mesh(surface: LabelSurface) -> SurfaceMesh:
    """Make a surface ready to draw fast: takes longer than `make_mesh`."""
    from music_gui.views.brain.surface_mesh import SurfaceMesh

    return SurfaceMesh.thin(surface)


def read_glass_brain() -> LabelSurface:
    """Read the template's brain surface.

    Raises
    ------
    MusicError
        If the file is missing: the installation is damaged.
    """
    from music_gui.core.surface import LabelSurface
    from music_gui.io.resources import GLASS_BRAIN, resource

    with np.load(resource(GLASS_BRAIN), allow_pickle=False) as arrays:
        triangles = arrays["triangles"]
        surface = LabelSurface(
            arrays["vertices"], triangles, np.ones(len(triangles), dtype=np.int32)
        )
    _ = surface.normals  # computed here, not on the UI thread
    return surface
