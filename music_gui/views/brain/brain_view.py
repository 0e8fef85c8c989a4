"""The 3D view, or why there is none: no driver, no atlas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QCloseEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QWidget

from music_gui.core.errors import MusicError
from music_gui.state.session import Session
from music_gui.views.brain.drawing_preparation import prepare_drawing
from music_gui.views.widgets.empty_state import EmptyState
from music_gui.views.widgets.follow import follow

if TYPE_CHECKING:
    from music_gui.jobs.gl_probe import GLReport
    from music_gui.views.brain.brain_canvas import BrainCanvas


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

    Attributes
    ----------
    canvas : BrainCanvas or None
        What draws; another one after the view has moved to another window.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._scene = session, session.scene
        self.canvas: BrainCanvas | None = None
        self._can_draw = False
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
        self._canvas_timer = QTimer(self, singleShot=True, interval=0)
        self._canvas_timer.timeout.connect(self._make_canvas)
        follow(self, self._scene.events.atlas, self._choose_page)
        follow(self, session.study_changed, self._choose_page)
        self._prepare()

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
        self._can_draw = True
        self._canvas_timer.start()

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

    def showEvent(self, event: QShowEvent) -> None:
        """Make a canvas for this window: a dock that is floated shows up in another one."""
        super().showEvent(event)
        if self._can_draw:
            self._canvas_timer.start()

    def _make_canvas(self) -> None:
        from music_gui.views.brain.brain_canvas import BrainCanvas

        before = self.canvas
        if before is not None and before.made_for is self.window():
            return
        self.canvas = BrainCanvas(self._session, self, before)
        self._pages.addWidget(self.canvas)
        if before is not None:
            self._pages.removeWidget(before)
            before.close()
            before.deleteLater()
        self._choose_page()

    def _choose_page(self) -> None:
        """Show the brain, or what to do to have one."""
        if self.canvas is None:
            return
        if self._scene.atlas is not None:
            self._pages.setCurrentWidget(self.canvas)
            return
        self._message.set_text(
            "No atlas yet", "Fit an atlas to your maps, or import one, to see its PSCs here."
        )
        self._message.set_action(self._import if self._session.study is not None else None)
        self._pages.setCurrentWidget(self._message)

    def picture(self) -> QPixmap:
        """Return the view as it is seen, without the buttons."""
        return self.grab() if self.canvas is None else self.canvas.picture()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free what the graphics driver holds, before Qt takes the window away."""
        self._closed = True
        self._canvas_timer.stop()
        if self.canvas is not None:
            self.canvas.close()
            self.canvas = None
        super().closeEvent(event)
