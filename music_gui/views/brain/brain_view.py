"""The 3D view: follows the scene's state, picks PSCs, and says why where it can't draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from music_gui.core.atlas import psc_name
from music_gui.core.errors import MusicError
from music_gui.state.session import Session
from music_gui.state.surface_picker import SurfaceHit
from music_gui.views.brain.brain_gestures import BrainGestures
from music_gui.views.brain.drawing_preparation import make_mesh, prepare_drawing, read_glass_brain
from music_gui.views.brain.psc_colors import hidden_labels, scene_colors, selected_label
from music_gui.views.brain.scene_overlay import SceneOverlay
from music_gui.views.widgets import palette
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.core.atlas import Atlas
    from music_gui.core.surface import LabelSurface
    from music_gui.jobs.gl_probe import GLReport
    from music_gui.views.brain.brain_renderer import BrainRenderer
    from music_gui.views.brain.surface_mesh import SurfaceMesh

#: While the crosshair is dragged through the slices, drawing 3D each time would slow them down.
_CROSSHAIR_DELAY_MS = 120

#: How long the picture of the last scale may stay while the next one is read.
_WAIT_FOR_SURFACE_MS = 2000


class BrainView(QWidget):
    """The brain in three dimensions.

    Click selects a PSC, double click sends the crosshair there, drag turns, wheel zooms, keys
    L R A P S I look from that side.

    The graphics driver is asked first and VTK imported, both beside the UI thread; until then a
    line of text is shown.

    Parameters
    ----------
    session : Session
        Its scene is followed.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self._renderer: BrainRenderer | None = None
        self._mesh: SurfaceMesh | None = None
        self._framed: Atlas | None = None
        self._closed = False
        self.setAccessibleName("3D brain")
        self.setMinimumSize(160, 140)
        self._pages = QStackedLayout(self)
        self._message = EmptyState("mdi6.cube-outline", "", "")
        self._pages.addWidget(self._message)
        self._again = QAction("Try again", self)
        self._again.triggered.connect(self._prepare)
        self._import = QAction("Import an atlas…", self)
        self._import.triggered.connect(lambda: session.request_step("import-atlas"))
        self._overlay = SceneOverlay(session, self)
        self._overlay.direction_chosen.connect(self.look_from)
        self._overlay.set_shown(False)
        self._crosshair_timer = self._timer(_CROSSHAIR_DELAY_MS, self._draw_crosshair)
        self._refresh_timer = self._timer(0, self._refresh)
        self._wait_timer = self._timer(_WAIT_FOR_SURFACE_MS, self._stop_waiting)
        self._follow_state()
        self._prepare()

    # -- starting and ending ---------------------------------------------------------------

    def _prepare(self) -> None:
        self._message.set_text("Preparing the 3D view…", "")
        self._message.set_action(None)
        self._session.background.run(
            prepare_drawing, self._on_driver, self._on_failed, topic=f"3D {id(self)}"
        )

    def _on_driver(self, report: GLReport) -> None:
        if self._closed:
            return
        if report.reason:
            self._say_why(report.reason)
            return
        from music_gui.views.brain.brain_renderer import BrainRenderer

        self._renderer = BrainRenderer(self)
        self._listen_to(BrainGestures(self._renderer.widget))
        self._pages.addWidget(self._renderer.widget)
        self._session.background.run(
            read_glass_brain, self._on_glass, self._on_no_glass, topic=f"glass {id(self)}"
        )
        self._on_surface()
        self._refresh()

    def _on_failed(self, error: MusicError) -> None:
        if not self._closed:
            self._say_why(str(error))

    def _say_why(self, reason: str) -> None:
        self._message.set_text(
            "3D can't be drawn on this screen",
            f"{reason[:1].upper()}{reason[1:]}. Slices and tables work without it.",
        )
        self._message.set_action(self._again)
        self._pages.setCurrentWidget(self._message)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free what the graphics driver holds, before Qt takes the window away."""
        self._closed = True
        for timer in self.findChildren(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly):
            timer.stop()
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        super().closeEvent(event)

    # -- following the state ---------------------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        for changed in (events.atlas, events.scale, events.surface, events.shown_surface):
            follow(self, changed, self._on_surface)
        for changed in (
            events.atlas, events.scale, events.selected, events.selected_surface, events.painted,
            events.hidden, events.ghost,
        ):  # fmt: skip
            follow(self, changed, self._refresh_soon)
        follow(self, events.crosshair, self._on_crosshair)
        follow(self, self._scene.view_reset, self._reset_view)
        follow(self, self._session.study_changed, self._refresh_soon)
        follow(self, palette.theme_changed, self._on_theme)

    def _refresh_soon(self) -> None:
        """Draw once for all the changes that come together."""
        if not self._closed:
            self._refresh_timer.start()

    def _wanted_surface(self) -> LabelSurface | None:
        """Return the surface of this scale, or the one without the hidden PSCs."""
        scene = self._scene
        return scene.shown_surface if scene.shown_surface is not None else scene.surface

    def _on_surface(self) -> None:
        """Make the wanted surface ready; until it is, the last picture stays."""
        wanted = self._wanted_surface()
        if self._closed or self._renderer is None:
            return
        if wanted is None:
            self._wait_timer.start()
            self._refresh_soon()
            return
        self._wait_timer.stop()

        def show(mesh: SurfaceMesh) -> None:
            if mesh.surface is self._wanted_surface() and not self._closed:
                self._mesh = mesh
                self._refresh()

        self._session.background.run(
            lambda: make_mesh(wanted), show, self._on_failed, topic=f"mesh {id(self)}"
        )

    def _stop_waiting(self) -> None:
        """Show no PSCs rather than those of another scale."""
        self._mesh = None
        if self._renderer is not None:
            self._renderer.show_pscs(None, hidden_labels(self._scene))
            self._renderer.update()

    def _refresh(self) -> None:
        renderer, scene, mesh = self._renderer, self._scene, self._mesh
        if renderer is None or self._closed:
            return
        if scene.atlas is None:
            self._say_what_to_do()
            return
        if self._pages.currentWidget() is not renderer.widget:
            self._pages.setCurrentWidget(renderer.widget)
            self._overlay.set_shown(True)
            self._overlay.raise_()  # a page that is turned to comes to the front
        if mesh is None or not self._is_of_this_scale(mesh):
            renderer.update()
            return
        renderer.show_pscs(mesh, hidden_labels(scene))
        colors, label = scene_colors(scene), selected_label(scene)
        renderer.color_pscs(colors)
        renderer.outline(label)
        ghost = scene.ghost and label is not None
        color = colors[label, :3] / 255 if label is not None else np.zeros(3)
        renderer.show_region(scene.selected_surface if ghost else None, tuple(color))
        renderer.show_ghost(ghost)
        if self._framed is not scene.atlas:
            self._framed = scene.atlas
            self._reset_view()
        self._draw_crosshair()

    def _is_of_this_scale(self, mesh: SurfaceMesh) -> bool:
        """Tell whether a mesh is the whole surface of this scale, or the one wanted."""
        return mesh.surface in (self._scene.surface, self._scene.shown_surface)

    def _say_what_to_do(self) -> None:
        self._overlay.set_shown(False)
        self._message.set_text(
            "No atlas yet", "Fit sopNMF to your maps, or import an atlas, to see its PSCs here."
        )
        self._message.set_action(self._import if self._session.study is not None else None)
        self._pages.setCurrentWidget(self._message)

    def _on_glass(self, surface: LabelSurface) -> None:
        if self._renderer is not None:
            self._renderer.set_glass(surface)
            self._refresh()

    def _on_no_glass(self, error: MusicError) -> None:
        """Do without: the selected PSC is drawn alone."""
        self._overlay.say(error.what)

    def _on_crosshair(self) -> None:
        if not self._crosshair_timer.isActive() and not self._closed:
            self._crosshair_timer.start()

    def _draw_crosshair(self) -> None:
        if self._renderer is not None:
            self._renderer.place_crosshair(self._scene.crosshair)
            self._renderer.update()

    def _on_theme(self, theme: palette.Theme) -> None:
        if self._renderer is not None:
            self._renderer.use_theme(theme)
            self._refresh()

    # -- camera ----------------------------------------------------------------------------

    def look_from(self, side: str) -> None:
        """Look from a side: one of ``L R A P S I``."""
        if self._renderer is not None:
            from music_gui.views.brain.brain_renderer import DIRECTIONS

            self._renderer.look_from(*DIRECTIONS[side])
            self._renderer.update()

    def _reset_view(self) -> None:
        if self._renderer is not None:
            from music_gui.views.brain.brain_renderer import START_DIRECTION

            self._renderer.look_from(*START_DIRECTION)
            self._renderer.update()

    def _turn(self, azimuth: float, elevation: float) -> None:
        if self._renderer is not None:
            self._renderer.turn(azimuth, elevation)
            self._renderer.update()

    def _zoom(self, factor: float) -> None:
        if self._renderer is not None:
            self._renderer.zoom(factor)
            self._renderer.update()

    # -- picking ---------------------------------------------------------------------------

    def _listen_to(self, gestures: BrainGestures) -> None:
        gestures.clicked.connect(self._click)
        gestures.double_clicked.connect(self._centre)
        gestures.hovered.connect(self._hover)
        gestures.side_wanted.connect(self.look_from)
        gestures.turned.connect(self._turn)
        gestures.zoomed.connect(self._zoom)
        gestures.reset_wanted.connect(self._reset_view)
        gestures.nothing_wanted.connect(lambda: self._scene.select(None))

    def _click(self, place: QPointF) -> None:
        if (hit := self.pick(place.x(), place.y())) is not None:
            self._scene.select(self._name(hit))

    def _centre(self, place: QPointF) -> None:
        hit = self.pick(place.x(), place.y())
        if hit is None or self._renderer is None:
            return
        x, y, z = (float(value) for value in hit.point)
        self._scene.look_at_psc(self._name(hit), (x, y, z))
        self._renderer.look_at(hit.point)
        self._renderer.update()

    def _hover(self, place: QPointF | None) -> None:
        hit = None if place is None else self.pick(place.x(), place.y())
        self._overlay.hover(None if hit is None else self._name(hit))

    def picture(self) -> QPixmap:
        """Return the view as it is seen, without the buttons."""
        self._overlay.set_sides_shown(False)
        picture = self.grab()
        self._overlay.set_sides_shown(True)
        return picture

    def pick(self, x: float, y: float) -> SurfaceHit | None:
        """Return the front-most visible PSC at a pixel of the view, and the point on it."""
        renderer, scene = self._renderer, self._scene
        if renderer is None or renderer.mesh is None or not self._is_of_this_scale(renderer.mesh):
            return None
        if scene.ghost and scene.selected:
            return None
        origin, direction = renderer.ray(x, y)
        return renderer.mesh.picker.first_hit(origin, direction, hidden_labels(scene))

    def _name(self, hit: SurfaceHit) -> str:
        return psc_name(self._scene.scale or 0, hit.label)

    # -- layout ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the overlay over all of the view."""
        super().resizeEvent(event)
        self._overlay.set_area(self.rect())

    def _timer(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=milliseconds)
        timer.timeout.connect(call)
        return timer
