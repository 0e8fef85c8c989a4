"""VTK's actors as the brain needs them: surfaces, lines, glass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkCamera, vtkPolyDataMapper

from music_gui.views.brain.label_texture import texture_places

if TYPE_CHECKING:
    from music_gui.core.surface import LabelSurface
    from music_gui.views.brain.label_texture import LabelTexture

#: Makes a surface clear where one looks straight at it and denser towards its rim, like glass.
_GLASS_SHADER = """//VTK::Light::Impl
  float facing = abs(normalVCVSOutput.z);
  fragOutput0.a = min(1.0, opacityUniform * (0.2 + 2.0 * pow(1.0 - facing, 2.0)));
"""

#: Colour and shade once a vertex instead of once a pixel, which is what takes the time without a
#: graphics card. All corners of a triangle have one label, so the colour is exact; the light comes
#: from the eye, as VTK's headlight does.
_LABEL_VERTEX_DECLARATION = """//VTK::TCoord::Dec
uniform sampler2D actortexture;
out vec3 shadedVSOutput;
"""
_LABEL_VERTEX_SHADER = """//VTK::TCoord::Impl
  float facing = abs((normalMatrix * normalMC).z);
  float gloss = 0.10 * pow(max(0.0, 2.0 * facing * facing - 1.0), 18.0);
  shadedVSOutput = (0.22 + 0.80 * facing + gloss) * texture(actortexture, tcoord).rgb;
"""
_LABEL_PIXEL_DECLARATION = """//VTK::Light::Dec
in vec3 shadedVSOutput;
"""
_LABEL_PIXEL_SHADER = """
  gl_FragData[0] = vec4(min(shadedVSOutput, vec3(1.0)), 1.0);
"""

#: Lines lie in the surface: they are drawn a little in front of it. VTK's own way of doing this
#: sets the depth of each pixel, which takes longer.
_LINE_SHADER = """//VTK::PositionVC::Impl
  gl_Position.z += towardsEye;
"""
_LIFT_MM = 0.5


def label_actor(texture: LabelTexture) -> tuple[vtkActor, vtkPolyDataMapper]:
    """Return an actor for a closed surface that a texture colours, hidden, and its mapper."""
    actor, mapper = _actor()
    actor.SetTexture(texture.vtk)
    # The surfaces are closed: without their back faces they draw in half the time.
    actor.GetProperty().BackfaceCullingOn()
    shader = actor.GetShaderProperty()
    for tag, text in (
        ("//VTK::TCoord::Dec", _LABEL_VERTEX_DECLARATION),
        ("//VTK::TCoord::Impl", _LABEL_VERTEX_SHADER),
    ):
        shader.AddVertexShaderReplacement(tag, True, text, False)
    for tag, text in (
        ("//VTK::Light::Dec", _LABEL_PIXEL_DECLARATION),
        ("//VTK::Light::Impl", ""),
        ("//VTK::TCoord::Impl", _LABEL_PIXEL_SHADER),
    ):
        shader.AddFragmentShaderReplacement(tag, True, text, False)
    return actor, mapper


def surface_actor() -> tuple[vtkActor, vtkPolyDataMapper]:
    """Return an actor for a closed surface, hidden, and its mapper."""
    actor, mapper = _actor()
    look = actor.GetProperty()
    # The surfaces are closed: without their back faces they draw in half the time.
    look.BackfaceCullingOn()
    look.SetInterpolationToPhong()
    look.SetAmbient(0.22)
    look.SetDiffuse(0.80)
    look.SetSpecular(0.10)
    look.SetSpecularPower(18)
    return actor, mapper


def line_actor(width: float) -> tuple[vtkActor, vtkPolyDataMapper]:
    """Return an actor for lines on a surface, so many pixels wide, hidden, and its mapper."""
    actor, mapper = _actor()
    actor.GetProperty().SetLineWidth(width)
    actor.GetProperty().LightingOff()
    shader = actor.GetShaderProperty()
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, _LINE_SHADER, False)
    shader.GetVertexCustomUniforms().SetUniformf("towardsEye", 0.0)
    return actor, mapper


def lift_lines(actor: vtkActor, camera: vtkCamera) -> None:
    """Draw lines half a millimetre nearer to the eye than they are; again after it has moved."""
    near, far = camera.GetClippingRange()
    # A point of depth d has z = (f + n - 2 f n / d) / (f - n) after the division by w = d. Moved
    # towards the eye by a share s of d, its z before the division changes by -2 f n s / (f - n).
    share = _LIFT_MM / camera.GetDistance()
    towards_eye = -2 * far * near / max(far - near, 1e-6) * share
    actor.GetShaderProperty().GetVertexCustomUniforms().SetUniformf("towardsEye", towards_eye)


def glass_actor() -> tuple[vtkActor, vtkPolyDataMapper]:
    """Return an actor for a surface of glass, hidden, and its mapper."""
    actor, mapper = _actor()
    look = actor.GetProperty()
    # Front faces only: then no triangle of the glass lies behind another but in folds, and they
    # need no sorting.
    look.BackfaceCullingOn()
    look.SetInterpolationToPhong()
    look.SetAmbient(0.5)
    look.SetDiffuse(0.5)
    actor.GetShaderProperty().AddFragmentShaderReplacement(
        "//VTK::Light::Impl", True, _GLASS_SHADER, False
    )
    return actor, mapper


def _actor() -> tuple[vtkActor, vtkPolyDataMapper]:
    actor, mapper = vtkActor(), vtkPolyDataMapper()
    actor.SetMapper(mapper)
    actor.SetVisibility(False)
    return actor, mapper


def surface_data(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    normals: NDArray[np.float32],
    labels: NDArray[np.int32] | None = None,
) -> vtkPolyData:
    """Return triangles, shape (T, 3), between points, shape (P, 3).

    With a label for each point, shape (P,), a `LabelTexture` colours them.
    """
    data = vtkPolyData()
    data.SetPoints(_points(points))
    data.SetPolys(_cells(triangles))
    data.GetPointData().SetNormals(numpy_to_vtk(normals, deep=True))
    if labels is not None:
        data.GetPointData().SetTCoords(numpy_to_vtk(texture_places(labels), deep=True))
    return data


def separate_surface_data(surface: LabelSurface) -> vtkPolyData:
    """Return a surface whose labels share no vertices, ready for a `LabelTexture`."""
    labels = np.zeros(len(surface.vertices), dtype=np.int32)
    labels[surface.triangles.ravel()] = np.repeat(surface.labels, 3)
    return surface_data(surface.vertices, surface.triangles, surface.normals, labels)


def line_data(vertices: NDArray[np.float32], edges: NDArray[np.int32]) -> vtkPolyData:
    """Return lines, shape (E, 2), between vertices, shape (V, 3)."""
    used, compact = np.unique(edges, return_inverse=True)
    data = vtkPolyData()
    data.SetPoints(_points(vertices[used]))
    data.SetLines(_cells(compact.reshape(-1, 2)))
    return data


def _points(points: NDArray[np.float32]) -> vtkPoints:
    vtk_points = vtkPoints()
    vtk_points.SetData(numpy_to_vtk(points, deep=True))
    return vtk_points


def _cells(corners: NDArray[np.integer]) -> vtkCellArray:
    """Return cells of equally many corners, shape (n, k)."""
    cells = vtkCellArray()
    ids = np.ascontiguousarray(corners, dtype=np.int64).ravel()
    cells.SetData(corners.shape[1], numpy_to_vtkIdTypeArray(ids, deep=True))
    return cells
