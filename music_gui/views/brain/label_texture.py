"""The colours of labels as a small picture that surfaces are dressed with.

A surface whose points know their place in the picture never has to be sent to the graphics driver
again: a change of colours changes 16,384 pixels at most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkTexture

#: Pixels a side: every driver can draw pictures of this size, and no atlas has as many labels.
_SIDE = 128


class LabelTexture:
    """A picture with a pixel for each label.

    Attributes
    ----------
    vtk : vtkTexture
        To be set on actors.
    """

    def __init__(self) -> None:
        self._image = vtkImageData()
        self._image.SetDimensions(_SIDE, _SIDE, 1)
        self.vtk = vtkTexture()
        self.vtk.SetInputData(self._image)
        self.vtk.InterpolateOff()
        self.vtk.MipmapOff()
        self.vtk.RepeatOff()
        self.set_colors(np.zeros((1, 4), dtype=np.uint8))

    def set_colors(self, colors: NDArray[np.uint8]) -> None:
        """Take the colours of the labels, shape (C + 1, 4) or (C + 1, 3); alpha is left out."""
        pixels = np.zeros((_SIDE * _SIDE, 3), dtype=np.uint8)
        pixels[: len(colors)] = colors[:, :3]
        self._image.GetPointData().SetScalars(numpy_to_vtk(pixels, deep=True))
        self._image.Modified()


def texture_places(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return where in a `LabelTexture` the colour of each label is, shape (n, 2)."""
    places = np.stack([labels % _SIDE, labels // _SIDE], axis=-1)
    return ((places + 0.5) / _SIDE).astype(np.float32)
