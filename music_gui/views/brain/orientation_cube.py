"""The cube in the corner of the 3D view, with the first letters of the directions on its faces."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer, vtkRenderWindow

from music_gui.views.widgets import palette

_SIZE_PIXELS = 84


class OrientationCube:
    """Turns with the brain.

    Parameters
    ----------
    window : vtkRenderWindow
        Where it is drawn, in a layer over the others.
    """

    def __init__(self, window: vtkRenderWindow) -> None:
        self._window = window
        self._cube = _lettered_cube()
        self._renderer = vtkRenderer()
        self._renderer.SetLayer(1)
        self._renderer.InteractiveOff()
        self._renderer.AddActor(self._cube)
        self._camera = self._renderer.GetActiveCamera()
        self._camera.ParallelProjectionOn()
        self._camera.SetParallelScale(0.95)
        window.SetNumberOfLayers(2)
        window.AddRenderer(self._renderer)

    def follow(self, camera: vtkCamera) -> None:
        """Look at the cube as a camera looks at the brain."""
        towards = np.array(camera.GetPosition()) - np.array(camera.GetFocalPoint())
        self._camera.SetPosition(*(5 * towards / np.linalg.norm(towards)))
        self._camera.SetFocalPoint(0.0, 0.0, 0.0)
        self._camera.SetViewUp(*camera.GetViewUp())
        self._renderer.ResetCameraClippingRange()
        width, height = self._window.GetSize()
        size = _SIZE_PIXELS * self._window.GetDPI() / 72
        self._renderer.SetViewport(
            0.0, 0.0, min(1.0, size / max(width, 1)), min(1.0, size / max(height, 1))
        )

    def use_theme(self, theme: palette.Theme) -> None:
        """Take the colours of a theme."""
        cube = self._cube
        cube.GetCubeProperty().SetColor(*palette.rgb(theme.raised))
        cube.GetTextEdgesProperty().SetColor(*palette.rgb(theme.border))
        for face in (
            cube.GetXPlusFaceProperty(), cube.GetXMinusFaceProperty(),
            cube.GetYPlusFaceProperty(), cube.GetYMinusFaceProperty(),
            cube.GetZPlusFaceProperty(), cube.GetZMinusFaceProperty(),
        ):  # fmt: skip
            face.SetColor(*palette.rgb(theme.text))


def _lettered_cube() -> vtkAnnotatedCubeActor:
    cube = vtkAnnotatedCubeActor()
    cube.SetXPlusFaceText("R")
    cube.SetXMinusFaceText("L")
    cube.SetYPlusFaceText("A")
    cube.SetYMinusFaceText("P")
    cube.SetZPlusFaceText("S")
    cube.SetZMinusFaceText("I")
    cube.SetFaceTextScale(0.62)
    # Letters stand upright when one looks at that face with the head up.
    cube.SetZFaceTextRotation(90)
    return cube
