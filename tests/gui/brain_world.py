"""A small brain with known anatomy for the tests of the brain views."""

from __future__ import annotations

import numpy as np

from music_gui.core.atlas import Atlas, AtlasScale
from music_gui.core.grid import Grid
from music_gui.core.surface import build_label_surface
from music_gui.jobs.gl_probe import GLReport
from music_gui.state.background import Background
from music_gui.state.brain_scene import SliceImage
from music_gui.state.psc_column import PscColumn
from music_gui.state.session import Session
from music_gui.state.settings import Settings

#: Half axes of the brain along x, y and z in mm; its middle is the origin of world space.
HALF_AXES = np.array([50.0, 66.0, 46.0])

#: Storage orders in which scanner files come; the last is tilted by 15 degrees about z.
ORIENTATIONS = ("RAS", "LAS", "LPS", "tilted")

#: Where the seeds of scale 32 lie; the last component has none, so it vanishes.
_SEEDS = np.random.default_rng(11).uniform(-0.75, 0.75, (31, 3)) * HALF_AXES


def grid_stored_as(orientation: str, step: float = 3.0) -> Grid:
    """Return a grid around the origin that covers the brain."""
    shape = (44, 56, 40)
    signs = {"RAS": (1, 1, 1), "LAS": (-1, 1, 1), "LPS": (-1, -1, 1), "tilted": (-1, 1, 1)}
    matrix = np.diag(np.array(signs[orientation]) * step)
    if orientation == "tilted":
        angle = np.deg2rad(15)
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ matrix
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = -matrix @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


def octant(world: np.ndarray) -> np.ndarray:
    """Label 1 to 8 by the signs of x, y and z: 1 is left, posterior, inferior."""
    return 1 + (world[..., 0] > 0) + 2 * (world[..., 1] > 0) + 4 * (world[..., 2] > 0)


def make_atlas(orientation: str = "LPS") -> Atlas:
    """Octants at C8; 31 Voronoi cells and a vanished component at C32."""
    grid = grid_stored_as(orientation)
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    inside = ((world / HALF_AXES) ** 2).sum(axis=-1) < 1
    distance = ((world[..., None, :] - _SEEDS) ** 2).sum(axis=-1)
    cells = distance.argmin(axis=-1) + 1
    return Atlas(
        "test",
        grid,
        {
            8: AtlasScale(8, np.where(inside, octant(world), 0).astype(np.int32)),
            32: AtlasScale(32, np.where(inside, cells, 0).astype(np.int32)),
        },
    )


def make_underlay(orientation: str = "RAS") -> SliceImage:
    """Brighter towards the right, darker towards the left, black outside."""
    grid = grid_stored_as(orientation, step=3.0)
    world = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    inside = ((world / (HALF_AXES + 6)) ** 2).sum(axis=-1) < 1
    return SliceImage("ramp", np.where(inside, 150 + world[..., 0], 0).astype(np.float32), grid)


class WorkingDriver:
    """Takes the place of the probe where the graphics driver is known to work."""

    def result(self) -> GLReport:
        """Return what a driver reports."""
        return GLReport(renderer="test", version="4.5")


class NoRunner:
    """Takes the place of the job runner where no job runs."""

    def start(self) -> None:
        """Start nothing."""

    def stop(self) -> None:
        """Stop nothing."""


def session_without_jobs() -> Session:
    """A session for a study in which no job runs; its background work runs at once."""
    background = Background(lambda call: call(), inline=True)
    return Session(background, Settings(), lambda *_: NoRunner())


def make_session() -> Session:
    """A session without a study whose background work runs at once."""
    return Session(Background(lambda call: call(), inline=True), Settings())


def show_atlas(session: Session, atlas: Atlas, scale: int) -> None:
    """Show an atlas as the session does when it has read one."""
    session.scene.show_atlas(atlas, scale)
    session.scene.surface = build_label_surface(atlas.scales[scale].labels, atlas.grid)
    names = [name for name in atlas.names if name not in atlas.vanished]
    rng = np.random.default_rng(4)
    session._add_columns(
        [
            PscColumn("h2", dict(zip(names, rng.uniform(0, 0.6, len(names)), strict=True))),
            PscColumn(
                "z",
                dict(zip(names, rng.normal(size=len(names)), strict=True)),
                kind="diverging",
            ),
        ]
    )
