"""Asks the graphics driver what it can; runs in a process of its own, since drivers crash."""

from __future__ import annotations

import ctypes
import json
import sys

from music_gui.views.brain.gl_format import NEEDED_VERSION, vtk_surface_format

_GL_RENDERER = 0x1F01


def main() -> int:
    """Print one line of JSON: ``renderer``, ``version`` and, if 3D can't work, the ``reason``."""
    from PySide6.QtGui import QGuiApplication

    application = QGuiApplication(sys.argv[:1])
    platform = application.platformName()
    if platform in ("offscreen", "minimal", "vnc"):
        answer = {"reason": f"the window system {platform!r} has no OpenGL"}
    else:
        answer = _ask_driver()
    print(json.dumps(answer))  # noqa: T201 - read by the application
    return 0


def _ask_driver() -> dict[str, str]:
    from PySide6.QtGui import QOffscreenSurface, QOpenGLContext

    wanted = vtk_surface_format()
    context, surface = QOpenGLContext(), QOffscreenSurface()
    context.setFormat(wanted)
    if not context.create():
        return {"reason": "no OpenGL driver was found"}
    surface.setFormat(context.format())
    surface.create()
    if not context.makeCurrent(surface):
        return {"reason": "the OpenGL driver can't draw on this screen"}
    found = context.format().version()
    answer = {"renderer": _renderer_name(context), "version": f"{found[0]}.{found[1]}"}
    if tuple(found) < NEEDED_VERSION:
        answer["reason"] = f"the driver offers OpenGL {answer['version']}, 3.2 is needed"
    context.doneCurrent()
    return answer


def _renderer_name(context: object) -> str:
    """Return the driver's own name, for example ``llvmpipe``; empty if it tells none."""
    address = int(context.getProcAddress(b"glGetString") or 0)  # type: ignore[attr-defined]
    if not address:
        return ""
    text = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_uint)(address)(_GL_RENDERER)
    return text.decode("utf-8", "replace") if text else ""
