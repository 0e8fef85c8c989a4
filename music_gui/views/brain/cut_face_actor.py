"""Draws the face of a cut: a rectangle with the labels of that plane as its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersSources import vtkPlaneSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from music_gui.state.cut_face import CutFace

#: Where two labels meet, the colour is darkened by this.
_BORDER_SHADE = 0.72

#: Leaves out what is not seen; blending would need sorting instead.
_DISCARD_SHADER = """//VTK::TCoord::Impl
  if (gl_FragData[0].a < 0.5) discard;
"""


class CutFaceActor:
    """The face of one cut.

    Attributes
    ----------
    vtk : vtkActor
        To be added to a renderer.
    """

    def __init__(self) -> None:
        self._face: CutFace | None = None
        self._source = vtkPlaneSource()
        mapper = vtkPolyDataMapper()
        mapper.SetInputConnection(self._source.GetOutputPort())
        self._image = vtkImageData()
        texture = vtkTexture()
        texture.SetInputData(self._image)
        texture.InterpolateOn()
        texture.RepeatOff()
        self.vtk = vtkActor()
        self.vtk.SetMapper(mapper)
        self.vtk.SetTexture(texture)
        self.vtk.ForceOpaqueOn()
        self.vtk.GetProperty().LightingOff()
        self.vtk.GetShaderProperty().AddFragmentShaderReplacement(
            "//VTK::TCoord::Impl", False, _DISCARD_SHADER, False
        )
        self.vtk.SetVisibility(False)

    def show(self, face: CutFace | None, colors: NDArray[np.uint8]) -> None:
        """Draw a face in the colours of the labels, shape (C + 1, 4); None draws none."""
        self.vtk.SetVisibility(face is not None)
        if face is None:
            return
        if face is not self._face:
            self._face = face
            corners = face.corners()
            self._source.SetOrigin(*corners[0, 0])
            self._source.SetPoint1(*corners[1, 0])
            self._source.SetPoint2(*corners[0, 1])
            self._image.SetDimensions(*face.labels.shape, 1)
        pixels = face_pixels(face, colors)
        self._image.GetPointData().SetScalars(
            numpy_to_vtk(pixels.transpose(1, 0, 2).reshape(-1, 4), deep=True)
        )
        self._image.Modified()


def face_pixels(face: CutFace, colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture of a face, shape (n_first, n_second, 4); alpha 0 where nothing is seen."""
    labels = face.labels
    pixels = np.where((labels > 0)[..., None], colors[labels, :], colors[face.nearest, :]).astype(
        np.uint8
    )
    is_border = np.zeros(labels.shape, dtype=bool)
    is_border[:-1] |= labels[:-1] != labels[1:]
    is_border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    shade = np.where(is_border & (labels > 0), _BORDER_SHADE, 1.0)
    pixels[..., :3] = pixels[..., :3] * shade[..., None]
    pixels[..., 3] = np.where(labels > 0, 255, 0)
    return pixels
