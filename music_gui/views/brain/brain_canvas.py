"""Draws the scene's state with VTK and picks PSCs; lives in one window only.

Importing this module takes a while (VTK): `drawing_preparation` does it in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from music_gui.core.atlas import psc_name
from music_gui.core.errors import MusicError
from music_gui.state.session import Session
from music_gui.state.surface_picker import SurfaceHit
from music_gui.state.view_3d import Camera, Vector
from music_gui.views.brain.brain_camera import DIRECTIONS, START_DIRECTION, box_of
from music_gui.views.brain.brain_gestures import BrainGestures
from music_gui.views.brain.brain_renderer import BrainRenderer
from music_gui.views.brain.camera_mover import CameraMover
from music_gui.views.brain.drawing_preparation import make_mesh, make_thin_mesh, read_glass_brain
from music_gui.views.brain.psc_colors import hidden_labels, scene_colors, selected_labels
from music_gui.views.brain.scene_actions import SceneActions
from music_gui.views.brain.scene_overlay import SceneOverlay
from music_gui.views.brain.scene_picking import ScenePicking
from music_gui.views.widgets import palette
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface
    from music_gui.views.brain.surface_mesh import SurfaceMesh

#: While the crosshair is dragged through the slices, drawing 3D each time would slow them down.
_CROSSHAIR_DELAY_MS = 120

#: How long the picture of the last scale may stay while the next one is read.
_WAIT_FOR_SURFACE_MS = 2000


class BrainCanvas(QWidget):
    """The brain and the small widgets in its corners.

    Parameters
    ----------
    session : Session
        Its scene is followed and changed.
    parent : QWidget
        Where it lives, for good: what OpenGL holds does not follow to another window.
    before : BrainCanvas, optional
        The one that it takes the place of, in another window: its mesh is kept.

    Attributes
    ----------
    renderer : BrainRenderer
        What draws.
    made_for : QWidget
        The window in which it lives.
    """

    def __init__(
        self, session: Session, parent: QWidget, before: BrainCanvas | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._scene, self._view = session, session.scene, session.view_3d
        self._mesh: SurfaceMesh | None = None
        self._closed = False
        self.made_for = parent.window()
        # A window of its own inside the window: otherwise Qt composes all of the main window with
        # OpenGL, and in software each repaint of a slice then costs three times as much.
        self.setAttribute(Qt.WidgetAttribute.WA_DontCreateNativeAncestors)
        self.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
        self.renderer = BrainRenderer(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.renderer.widget)
        self._overlay = SceneOverlay(session, self)
        self._overlay.direction_chosen.connect(self.look_from)
        self._overlay.raise_()
        self._picking = ScenePicking(self._scene, self._view, self.renderer)
        self._mover = CameraMover(self, self._move_to)
        self._actions = SceneActions(self._scene, self.renderer.widget, self.centre_psc)
        self._listen_to(BrainGestures(self.renderer.widget))
        self._crosshair_timer = self._timer(_CROSSHAIR_DELAY_MS, self._draw_crosshair)
        self._refresh_timer = self._timer(0, self._refresh)
        self._wait_timer = self._timer(_WAIT_FOR_SURFACE_MS, self._stop_waiting)
        if before is not None:
            self._mesh = before._mesh
        self._follow_state()
        session.background.run(
            read_glass_brain, self._on_glass, self._on_no_glass, topic=f"glass {id(self)}"
        )
        self._on_surface()
        self._refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free what the graphics driver holds, before Qt takes the window away."""
        self._closed = True
        for timer in (self._crosshair_timer, self._refresh_timer, self._wait_timer):
            timer.stop()
        self._mover.stop()
        self.renderer.close()
        super().closeEvent(event)

    # -- following the state ---------------------------------------------------------------

    def _follow_state(self) -> None:
        events = self._scene.events
        for changed in (events.atlas, events.scale, events.surface, events.shown_surface):
            follow(self, changed, self._on_surface)
        for changed in (events.atlas, events.scale):
            follow(self, changed, self._refresh_soon)
        # At once, so that all views are painted in one go.
        for changed in (
            events.selected, events.also_selected, events.painted, events.hidden, events.ghost,
        ):  # fmt: skip
            follow(self, changed, self._refresh)
        view = self._view.events
        for changed in (view.cuts, view.cuts_follow_crosshair, view.glass, view.glass_opacity):
            follow(self, changed, self._refresh_soon)
        follow(self, view.camera, self._on_camera)
        follow(self, events.selected_surface, self._on_region)
        follow(self, events.crosshair, self._on_crosshair)
        follow(self, self._scene.view_reset, self.reset_view)
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
        if self._closed:
            return
        if wanted is None:
            self._wait_timer.start()
            return
        self._wait_timer.stop()
        if self._scene.surface is not None:
            self.renderer.camera.set_bounds(box_of(self._scene.surface))
        if self._mesh is not None and self._mesh.surface is wanted:
            self._refresh_soon()
            return

        def show(mesh: SurfaceMesh) -> bool:
            is_wanted = mesh.surface is self._wanted_surface() and not self._closed
            if is_wanted:
                self._mesh = mesh
                self._refresh()
            return is_wanted

        # As it is first, since that is ready sooner; with fewer triangles as soon as it can be.
        def show_and_thin(mesh: SurfaceMesh) -> None:
            if show(mesh):
                self._prepare(make_thin_mesh, wanted, show)

        self._prepare(make_mesh, wanted, show_and_thin)

    def _prepare(
        self,
        make: Callable[[LabelSurface], SurfaceMesh],
        surface: LabelSurface,
        show: Callable[[SurfaceMesh], object],
    ) -> None:
        self._session.background.run(
            lambda: make(surface), show, self._say, topic=f"mesh {id(self)}"
        )

    def _stop_waiting(self) -> None:
        """Show no PSCs rather than those of another scale."""
        self._mesh = None
        self.renderer.show_pscs(None, hidden_labels(self._scene))
        self.renderer.update()

    def _refresh(self) -> None:
        scene, mesh = self._scene, self._mesh
        if self._closed or mesh is None or not self._is_of_this_scale(mesh):
            return
        hidden, labels = hidden_labels(scene), selected_labels(scene)
        is_faded = self._picking.is_faded
        self.renderer.show_pscs(mesh, hidden)
        self.renderer.color_pscs(scene_colors(scene))
        self.renderer.outline(labels)
        self.renderer.show_region(scene.selected_surface if is_faded else None)
        self.renderer.fade_pscs(is_faded)
        is_glass = self._view.glass and (is_faded or hidden.any())
        self.renderer.show_glass(self._view.glass_opacity if is_glass else 0.0)
        self._on_camera(self._view.camera)
        self._draw_crosshair()

    def _is_of_this_scale(self, mesh: SurfaceMesh) -> bool:
        return mesh.surface in (self._scene.surface, self._scene.shown_surface)

    def _on_glass(self, surface: LabelSurface) -> None:
        if not self._closed:
            self.renderer.set_glass(surface)
            self._refresh()

    def _on_no_glass(self, error: MusicError) -> None:
        """Do without the glass brain: the selected PSC is drawn alone."""
        self._say(error)

    def _say(self, error: MusicError) -> None:
        if not self._closed:
            self._overlay.say(str(error))

    def _on_region(self) -> None:
        if self._scene.ghost:
            self._refresh()

    def _on_crosshair(self) -> None:
        if not self._crosshair_timer.isActive() and not self._closed:
            self._crosshair_timer.start()

    def _draw_crosshair(self) -> None:
        self._crosshair_timer.stop()
        self.renderer.place_crosshair(self._scene.crosshair)
        self.renderer.show_cuts(self._picking.faces())
        self.renderer.update()

    def _on_theme(self, theme: palette.Theme) -> None:
        if not self._closed:
            self.renderer.use_theme(theme)
            self._refresh()

    # -- camera ----------------------------------------------------------------------------

    def look_from(self, side: str) -> None:
        """Look from a side: one of `DIRECTIONS`."""
        self._mover.stop()
        self.renderer.camera.look_from(*DIRECTIONS[side])
        self._moved()

    def reset_view(self) -> None:
        """Look as at first."""
        if not self._closed:
            self._mover.stop()
            self.renderer.camera.look_from(*START_DIRECTION)
            self._moved()

    def turn(self, azimuth: float, elevation: float) -> None:
        """Go around the brain by degrees."""
        self._mover.stop()
        self.renderer.camera.turn(azimuth, elevation)
        self._moved()

    def pan(self, right: float, down: float) -> None:
        """Move the brain across the view by pixels."""
        self._mover.stop()
        self.renderer.camera.pan(right, down)
        self._moved()

    def zoom(self, factor: float) -> None:
        """Come nearer (> 1) or go away."""
        self._mover.stop()
        self.renderer.camera.zoom(factor)
        self._moved()

    def centre(self, point: Vector) -> None:
        """Bring a point in world mm to the middle of the view."""
        camera = self.renderer.camera
        self._mover.go(camera.place, camera.looking_at(np.array(point)))

    def centre_psc(self, name: str) -> None:
        """Send the crosshair into a PSC and bring it to the middle of the view."""
        self._scene.select(name)
        self.centre(self._scene.crosshair)

    def _move_to(self, camera: Camera) -> None:
        self.renderer.camera.place = camera
        self._moved()

    def _moved(self) -> None:
        """Draw from where the camera is now, and let the state know."""
        self._view.camera = self.renderer.camera.place
        self._overlay.show_letters(*self.renderer.camera.edge_letters())
        self.renderer.update()

    def _on_camera(self, camera: Camera | None) -> None:
        """Go where the state says; without a place, look at all of the brain."""
        if self._closed:
            return
        if camera is None:
            if self._mesh is not None:
                self.reset_view()
        elif camera != self.renderer.camera.place:
            self._move_to(camera)

    # -- picking ---------------------------------------------------------------------------

    def _listen_to(self, gestures: BrainGestures) -> None:
        gestures.clicked.connect(self._click)
        gestures.double_clicked.connect(self._centre_place)
        gestures.hovered.connect(self._hover)
        gestures.menu_wanted.connect(self._show_menu)
        gestures.side_wanted.connect(self.look_from)
        gestures.turned.connect(self.turn)
        gestures.panned.connect(self.pan)
        gestures.zoomed.connect(self.zoom)
        gestures.reset_wanted.connect(self._scene.view_reset.emit)
        gestures.nothing_wanted.connect(lambda: self._scene.select(None))

    def pick(self, x: float, y: float) -> SurfaceHit | None:
        """Return the front-most visible PSC at a pixel of the view, and the point on it."""
        mesh = self.renderer.mesh
        if self._closed or mesh is None or not self._is_of_this_scale(mesh):
            return None
        return self._picking.pick(x, y)

    def _click(self, place: QPointF, adds: bool) -> None:
        if (hit := self.pick(place.x(), place.y())) is None:
            return
        if adds:
            self._scene.toggle_selected(self._name(hit))
        else:
            self._scene.select(self._name(hit))

    def _centre_place(self, place: QPointF) -> None:
        if (hit := self.pick(place.x(), place.y())) is None:
            return
        x, y, z = (float(value) for value in hit.point)
        self._scene.look_at_psc(self._name(hit), (x, y, z))
        self.centre((x, y, z))

    def _hover(self, place: QPointF | None) -> None:
        hit = None if place is None else self.pick(place.x(), place.y())
        self._overlay.hover(None if hit is None else self._name(hit))

    def _show_menu(self, place: QPointF | None) -> None:
        widget = self.renderer.widget
        hit = None if place is None else self.pick(place.x(), place.y())
        at = widget.rect().center() if place is None else place.toPoint()
        name = None if hit is None else self._name(hit)
        self._actions.menu(name).popup(widget.mapToGlobal(at))

    def _name(self, hit: SurfaceHit) -> str:
        return psc_name(self._scene.scale or 0, hit.label)

    # -- layout ----------------------------------------------------------------------------

    def picture(self) -> QPixmap:
        """Return the view as it is seen, without the buttons."""
        self._overlay.set_sides_shown(False)
        picture = self.grab()
        self._overlay.set_sides_shown(True)
        return picture

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the small widgets in the corners."""
        super().resizeEvent(event)
        self._overlay.set_area(self.rect())

    def _timer(self, milliseconds: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=milliseconds)
        timer.timeout.connect(call)
        return timer
