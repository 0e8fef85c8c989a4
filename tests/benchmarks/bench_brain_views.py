"""How fast the brain views are on a real atlas: opening, drawing, recolouring, picking, slicing.

By hand, with nothing else on the machine; software GL on a virtual screen counts:

    xvfb-run -a -s "-screen 0 1920x1080x24" python tests/benchmarks/bench_brain_views.py FOLDER

FOLDER holds label images of one grid whose names tell the scale (``MuSIC_C1024.nii.gz``).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["QT_API"] = "pyside6"

import numpy as np
from paper_scale_cohort import read_published
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from music_gui.app.qt_bridge import UiThread
from music_gui.app.theme import ThemeSwitch
from music_gui.core.atlas import Atlas
from music_gui.core.surface import LabelSurface, build_label_surface
from music_gui.io.atlas_dseg import read_surface, write_surface
from music_gui.state.background import Background
from music_gui.state.psc_column import PscColumn
from music_gui.state.session import Session
from music_gui.state.settings import Settings
from music_gui.state.view_3d import CutPlane
from music_gui.views.brain.scene_3d import Scene3D
from music_gui.views.brain.slices_panel import SlicesPanel
from music_gui.views.psc.psc_list import PscList

SIZE = (860, 700)
REPEATS = 20


def main() -> None:
    """Print milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    application = QApplication(sys.argv[:1])
    ThemeSwitch(application).use("dark")
    atlas = read_published(folder)
    finest = max(atlas.scales)
    surface = build_label_surface(atlas.scales[finest].labels, atlas.grid)
    print(f"C = {finest}: {len(surface.triangles):,} triangles, {SIZE[0]} x {SIZE[1]} pixels")
    ui_thread = UiThread()
    background = Background(ui_thread.post)
    session = Session(background, Settings())
    panel = _open(session, atlas, finest, surface)
    _draw(session, panel, atlas, finest)
    _pick(panel)
    _cut(session, panel)
    panel.close()
    _slice(session)
    _list(session)
    background.stop()


def _open(session: Session, atlas: Atlas, scale: int, surface: LabelSurface) -> Scene3D:
    """From nothing but a window to the picture, with the surface in a file as in a study."""
    with TemporaryDirectory() as folder:
        write_surface(Path(folder), "benchmark", scale, surface)
        start = time.perf_counter()
        panel = Scene3D(session)
        panel.resize(*SIZE)
        panel.show()
        _wait(lambda: panel.view.canvas is not None)
        print(f"import VTK, ask the driver, make the widget: {_since(start):.0f} ms")
        session.scene.show_atlas(atlas, scale)
        session.scene.surface = read_surface(Path(folder), scale)
    renderer = panel.view.canvas.renderer
    _wait(lambda: renderer.mesh is not None)
    renderer.widget.repaint()
    print(f"the same, read the surface, draw it: {_since(start):.0f} ms")
    first = renderer.mesh
    _wait(lambda: renderer.mesh is not first)
    print(f"the same, with {len(renderer.mesh.triangles):,} triangles: {_since(start):.0f} ms")
    return panel


def _draw(session: Session, panel: Scene3D, atlas: Atlas, scale: int) -> None:
    canvas, names = panel.view.canvas, atlas.scales[scale].present
    rng = np.random.default_rng(0)
    columns = [
        PscColumn(str(n), dict(zip(names, rng.uniform(size=len(names)), strict=True)))
        for n in range(2)
    ]

    def recolor(number: int) -> None:
        session.scene.painted = columns[number % 2]
        canvas.renderer.widget.repaint()

    def turn(_: int) -> None:
        canvas.turn(3, 0)
        canvas.renderer.widget.repaint()

    def ghost(number: int) -> None:
        before = session.scene.selected_surface
        session.scene.select(names[number])
        _wait(lambda: session.scene.selected_surface not in (None, before))
        canvas.renderer.widget.repaint()

    _report("recolour and draw", recolor)
    _report("turn and draw", turn)
    session.scene.ghost = True
    _report("select in the glass brain and draw (with its surface)", ghost)
    session.scene.ghost = False


def _pick(panel: Scene3D) -> None:
    rng, view = np.random.default_rng(1), panel.view
    canvas = view.canvas

    def pick(_: int) -> None:
        x, y = rng.uniform(0.3, 0.7, 2) * (view.width(), view.height())
        canvas.pick(x, y)

    _report("pick", pick, repeats=200)


def _cut(session: Session, panel: Scene3D) -> None:
    canvas = panel.view.canvas

    def move(number: int) -> None:
        session.view_3d.set_cut(CutPlane(0, 2.0 * number - 20.0))
        canvas._refresh()
        canvas.renderer.widget.repaint()

    _report("move a cut and draw", move)
    session.view_3d.cuts = ()


def _slice(session: Session) -> None:
    panel = SlicesPanel(session)
    panel.resize(340, 700)
    panel.show()
    session.load_template()
    _wait(lambda: False, seconds=0.5)
    rng = np.random.default_rng(2)

    def move(_: int) -> None:
        x, y, z = rng.uniform((-50, -80, -30), (50, 50, 50))
        session.scene.look_at((x, y, z))

    def move_and_draw(number: int) -> None:
        move(number)
        for view in panel.views:
            view.viewport().repaint()

    _report("move the crosshair in three slices", move, repeats=60)
    _report("the same with painting", move_and_draw, repeats=60)
    session.scene.outline = True
    _report("the same as outlines", move_and_draw, repeats=60)
    panel.close()


def _list(session: Session) -> None:
    panel = PscList(session)
    panel.resize(340, 700)
    panel.show()
    _wait(lambda: False, seconds=0.3)
    _report("fill the list", lambda _: panel._reload(), repeats=10)
    _report("filter the list", lambda n: panel._filter.setText(str(n % 9)), repeats=10)
    panel.close()


def _report(what: str, act: Callable[[int], None], repeats: int = REPEATS) -> None:
    times = []
    for number in range(repeats):
        start = time.perf_counter()
        act(number)
        times.append(_since(start))
    print(f"{what}: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms")


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


def _wait(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the event loop run until something is done."""
    loop, end = QEventLoop(), time.perf_counter() + seconds
    timer = QTimer(interval=2)
    timer.timeout.connect(lambda: loop.quit() if done() or time.perf_counter() > end else None)
    timer.start()
    loop.exec()
    timer.stop()


if __name__ == "__main__":
    main()
