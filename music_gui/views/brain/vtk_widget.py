"""A Qt widget that VTK draws in.

VTK's own widget for Python draws in a window of the window system, which can't be grabbed and
does not exist on Wayland; PyVistaQt's is right but brings PyVista and Matplotlib, four seconds of
import. This one is VTK's ``QVTKOpenGLNativeWidget`` in its simplest form: VTK draws into its own
framebuffer, in the context of a QOpenGLWidget, and the widget copies it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from PySide6.QtGui import QCloseEvent, QOpenGLContext, QSurface
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkRenderingOpenGL2 import vtkGenericOpenGLRenderWindow

from music_gui.views.brain.gl_format import vtk_surface_format

_GL_SCISSOR_TEST = 0x0C11
_GL_DEPTH_TEST = 0x0B71
_GL_LEQUAL = 0x0203
_GL_COLOR_BUFFER_BIT = 0x4000
_GL_NEAREST = 0x2600

_FindFunction = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)


class VtkWidget(QOpenGLWidget):
    """Shows what a VTK render window draws; `update` asks for a new picture.

    It lives in one window: what VTK holds in the context is freed with it.

    Parameters
    ----------
    parent : QWidget
        Where it lives.

    Attributes
    ----------
    render_window : vtkGenericOpenGLRenderWindow
        Takes the renderers. Its ``Render`` is called from `paintGL` only.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFormat(vtk_surface_format())
        self.setUpdateBehavior(QOpenGLWidget.UpdateBehavior.NoPartialUpdate)
        self.render_window = vtkGenericOpenGLRenderWindow()
        self.render_window.SetMultiSamples(0)
        self.render_window.SetReadyForRendering(False)
        self.render_window.SetFrameBlitModeToNoBlit()
        self._context: QOpenGLContext | None = None
        self._surface: QSurface | None = None
        self._find_function = _FindFunction(self._address_of)
        self._observers = [
            self.render_window.AddObserver("WindowMakeCurrentEvent", self._make_current),
            self.render_window.AddObserver("WindowIsCurrentEvent", self._tell_if_current),
        ]

    # -- what VTK asks ---------------------------------------------------------------------

    def _make_current(self, *_: Any) -> None:
        # Not QOpenGLWidget's makeCurrent, which binds the widget's framebuffer behind VTK's back.
        if self._context is not None and self._surface is not None:
            self._context.makeCurrent(self._surface)

    def _tell_if_current(self, *_: Any) -> None:
        is_current = self._context is not None and QOpenGLContext.currentContext() is self._context
        self.render_window.SetIsCurrent(is_current)

    def _address_of(self, name: bytes) -> int:
        context = QOpenGLContext.currentContext()
        return int(context.getProcAddress(name) or 0) if context is not None else 0

    # -- what Qt asks ----------------------------------------------------------------------

    def initializeGL(self) -> None:
        """Hand the context over to VTK."""
        self._context = self.context()
        self._surface = self._context.surface()
        self._context.aboutToBeDestroyed.connect(self.release)
        window = self.render_window
        address = ctypes.cast(self._find_function, ctypes.c_void_p).value
        window.SetOpenGLSymbolLoader2(address or 0, 0)
        window.SetOwnContext(0)
        window.OpenGLInitContext()
        window.OpenGLInit()
        window.SetReadyForRendering(True)

    def resizeGL(self, width: int, height: int) -> None:
        """Let VTK draw in device pixels."""
        ratio = self.devicePixelRatioF()
        self.render_window.SetSize(max(1, round(width * ratio)), max(1, round(height * ratio)))
        self.render_window.SetDPI(round(72 * ratio))

    def paintGL(self) -> None:
        """Let VTK draw, and copy its picture into the widget's framebuffer."""
        window = self.render_window
        if not window.GetReadyForRendering():
            return
        state = window.GetState()
        state.Reset()  # Qt has changed what VTK believes to be set
        state.Push()
        state.vtkglEnable(_GL_DEPTH_TEST)
        state.vtkglDepthFunc(_GL_LEQUAL)
        window.Render()
        self.makeCurrent()  # binds the widget's framebuffer
        state.vtkglDisable(_GL_SCISSOR_TEST)  # which would cut the copy
        width, height = window.GetSize()
        window.BlitDisplayFramebuffer(
            0, 0, 0, width, height, 0, 0, width, height, _GL_COLOR_BUFFER_BIT, _GL_NEAREST
        )
        self._make_opaque()
        state.Pop()

    def _make_opaque(self) -> None:
        """Set alpha to 1 all over, or the window behind shines through what VTK drew."""
        gl = self.context().functions()
        gl.glColorMask(False, False, False, True)
        gl.glClearColor(0.0, 0.0, 0.0, 1.0)
        gl.glClear(_GL_COLOR_BUFFER_BIT)
        gl.glColorMask(True, True, True, True)

    # -- ending ----------------------------------------------------------------------------

    def release(self) -> None:
        """Free what VTK holds in the context, while there still is one."""
        if self._context is None:
            return
        self._make_current()
        self.render_window.Finalize()
        self.render_window.SetReadyForRendering(False)
        self._context.aboutToBeDestroyed.disconnect(self.release)
        self._context = self._surface = None

    def closeEvent(self, event: QCloseEvent) -> None:
        """Free everything, and let VTK forget the widget."""
        self.release()
        for observer in self._observers:
            self.render_window.RemoveObserver(observer)
        self._observers.clear()
        super().closeEvent(event)
