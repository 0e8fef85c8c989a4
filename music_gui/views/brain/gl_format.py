"""The kind of OpenGL that VTK needs: set before the first window is made."""

from __future__ import annotations

from PySide6.QtGui import QSurfaceFormat

#: What VTK 9 needs.
NEEDED_VERSION = (3, 2)


def vtk_surface_format() -> QSurfaceFormat:
    """Return desktop OpenGL 3.2, core profile, without multisampling.

    Multisampling costs two thirds of the frames where OpenGL runs in software. Windows share
    textures with the widgets in them, so the application's default format should be this one.
    """
    wanted = QSurfaceFormat()
    # Named, since Wayland would else give OpenGL ES, which has another shading language.
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setVersion(*NEEDED_VERSION)
    wanted.setDepthBufferSize(24)
    wanted.setAlphaBufferSize(8)
    wanted.setSamples(0)
    return wanted
