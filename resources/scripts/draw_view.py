"""Draw PSCs of a label image in 3D; needs nibabel, numpy and vtk, and nothing of MuSIC GUI."""

import argparse
import sys
from pathlib import Path

import nibabel
import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

VIEW_ANGLE = 25.0
STEP_MM = 1.0  # of the samples on the face of a cut
GLASS_SHADER = """//VTK::Light::Impl
  float facing = abs(normalVCVSOutput.z);
  fragOutput0.a = min(1.0, opacityUniform * (0.2 + 2.0 * pow(1.0 - facing, 2.0)));
"""


def read_labels(path):
    """Return the labels and the affine from voxels to world mm."""
    image = nibabel.load(path)
    return np.rint(np.asanyarray(image.dataobj)).astype(np.int32).squeeze(), image.affine


def boundary(labels, affine):
    """Return the outer surface of all labels: points in mm, triangles, the label of each."""
    padded = np.pad(labels, 1)
    image = vtk.vtkImageData()
    image.SetDimensions(*padded.shape)
    image.SetOrigin(-1, -1, -1)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.ravel(order="F"), deep=True))
    nets = vtk.vtkSurfaceNets3D()
    nets.SetInputData(image)
    for place, label in enumerate(np.unique(labels[labels > 0])):
        nets.SetValue(place, int(label))
    nets.SetNumberOfIterations(6)  # more make small PSCs smaller
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    found = nets.GetOutput()
    voxels = vtk_to_numpy(found.GetPoints().GetData()).astype(float)
    points = voxels @ affine[:3, :3].T + affine[:3, 3]
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    sides = vtk_to_numpy(found.GetCellData().GetArray("BoundaryLabels"))
    is_outer = sides.min(axis=1) == nets.GetBackgroundLabel()
    return points, triangles[is_outer], sides[is_outer].max(axis=1).astype(int)


def mesh(points, cells, colors=None):
    """Return cells of equally many corners between points, with a colour for each cell."""
    data = vtk.vtkPolyData()
    places = vtk.vtkPoints()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    data.SetPoints(places)
    array = vtk.vtkCellArray()
    corners = np.ascontiguousarray(cells, dtype=np.int64)
    array.SetData(
        corners.shape[1], numpy_to_vtk(corners.ravel(), deep=True, array_type=vtk.VTK_ID_TYPE)
    )
    data.SetLines(array) if corners.shape[1] == 2 else data.SetPolys(array)
    if colors is not None:
        data.GetCellData().SetScalars(numpy_to_vtk(np.ascontiguousarray(colors), deep=True))
    return data


def smooth_shading(data):
    """Give points normals."""
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(data)
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def actor(data, planes, color=None):
    """Return an actor for a mesh without what the planes cut away."""
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputData(data)
    for plane in planes:
        mapper.AddClippingPlane(plane)
    drawn = vtk.vtkActor()
    drawn.SetMapper(mapper)
    look = drawn.GetProperty()
    look.SetAmbient(0.22)
    look.SetDiffuse(0.80)
    look.SetSpecular(0.10)
    look.SetSpecularPower(18)
    if color is not None:
        look.SetColor(*rgb(color))
    return drawn


def lines(points, edges, planes, color, width):
    """Return an actor for lines a little in front of a surface."""
    drawn = actor(mesh(points, edges), planes, color)
    drawn.GetProperty().SetLineWidth(width)
    drawn.GetProperty().LightingOff()
    drawn.GetMapper().SetResolveCoincidentTopologyToPolygonOffset()
    drawn.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(0, -4)
    return drawn


def borders(triangles, labels):
    """Return edges between triangles of two labels, and these labels."""
    ends = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    owner = np.repeat(labels, 3)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    ends, owner = ends[order], owner[order]
    at = np.flatnonzero((ends[1:] == ends[:-1]).all(axis=1) & (owner[1:] != owner[:-1]))
    return ends[at], np.stack([owner[at], owner[at + 1]], axis=1)


def plane_of(cut):
    """Return the plane of a cut; its normal points to what is kept."""
    plane = vtk.vtkPlane()
    unit = np.eye(3)[cut["axis"]]
    plane.SetOrigin(*(unit * cut["position"]))
    plane.SetNormal(*(unit if cut["keeps_high"] else -unit))
    return plane


def face(labels, affine, cut, cuts, colors):
    """Return the picture of a cut: a square for each sample that has a label."""
    axis, (one, other) = cut["axis"], [a for a in range(3) if a != cut["axis"]]
    ends = np.array(np.meshgrid(*[(-1, n) for n in labels.shape])).reshape(3, -1).T
    world = ends @ affine[:3, :3].T + affine[:3, 3]
    steps = [np.arange(world[:, a].min(), world[:, a].max(), STEP_MM) for a in (one, other)]
    centres = np.zeros((len(steps[0]) * len(steps[1]), 3))
    centres[:, axis] = cut["position"]
    centres[:, [one, other]] = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 2)
    inverse = np.linalg.inv(affine)
    voxels = np.rint(centres @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = ((voxels >= 0) & (voxels < labels.shape)).all(axis=1)
    found = np.zeros(len(centres), dtype=int)
    found[inside] = labels[tuple(voxels[inside].T)]
    for each in cuts:
        if each is not cut:
            off = centres[:, each["axis"]] - each["position"]
            found[(off < 0) if each["keeps_high"] else (off > 0)] = 0
    centres, found = centres[found > 0], found[found > 0]
    corners = np.repeat(centres[:, None], 4, axis=1)
    corners[:, :, one] += np.array([-0.5, 0.5, 0.5, -0.5]) * STEP_MM
    corners[:, :, other] += np.array([-0.5, -0.5, 0.5, 0.5]) * STEP_MM
    cells = np.arange(4 * len(centres)).reshape(-1, 4)
    drawn = actor(mesh(corners.reshape(-1, 3), cells, colors[found]), ())
    drawn.GetProperty().LightingOff()
    return drawn


def rgb(color):
    """Split ``#rrggbb`` into parts from 0 to 1."""
    return [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]


def window_of(view):
    """Return a window with everything in it, and its renderer."""
    labels, affine = read_labels(view["labels"])
    colors = np.array([rgb(color) for color in ["#000000", *view["colors"].split()]])
    colors = np.rint(255 * colors).astype(np.uint8)
    wanted = np.ones(len(colors), dtype=bool)
    wanted[[0, *view["hidden"]]] = False
    if view["alone"]:
        wanted &= np.isin(np.arange(len(colors)), view["alone"])
    shown = np.where(wanted[labels], labels, 0)
    planes = [plane_of(cut) for cut in view["cuts"]]
    renderer = vtk.vtkRenderer()
    if shown.any():
        points, triangles, owner = boundary(shown, affine)
        surface = mesh(points, triangles, colors[owner])
        renderer.AddActor(actor(smooth_shading(surface), planes))
        edges, between = borders(triangles, owner)
        if len(edges) and not view["alone"]:
            renderer.AddActor(lines(points, edges, planes, view["edge_color"], 1))
        around = np.isin(between, view["selected"]).any(axis=1)
        if around.any() and not view["alone"]:
            renderer.AddActor(lines(points, edges[around], planes, view["selected_color"], 3))
        for cut in view["cuts"]:
            renderer.AddActor(face(shown, affine, cut, view["cuts"], colors))
    if view["glass"]:
        points, triangles, _ = boundary((labels > 0).astype(np.int32), affine)
        glass = actor(smooth_shading(mesh(points, triangles)), planes, view["glass_color"])
        glass.GetProperty().SetOpacity(view["glass"])
        glass.GetShaderProperty().AddFragmentShaderReplacement(
            "//VTK::Light::Impl", True, GLASS_SHADER, False
        )
        renderer.AddActor(glass)
    renderer.GradientBackgroundOn()
    renderer.SetBackground(*rgb(view["background"][0]))
    renderer.SetBackground2(*rgb(view["background"][1]))
    camera = renderer.GetActiveCamera()
    camera.SetViewAngle(VIEW_ANGLE)
    camera.SetPosition(*view["camera"]["position"])
    camera.SetFocalPoint(*view["camera"]["focal_point"])
    camera.SetViewUp(*view["camera"]["up"])
    renderer.ResetCameraClippingRange()
    window = vtk.vtkRenderWindow()
    window.SetSize(*view["size"])
    window.SetMultiSamples(8)
    window.AddRenderer(renderer)
    return window


def save(window, path):
    """Write the picture as PNG."""
    picture = vtk.vtkWindowToImageFilter()
    picture.SetInput(window)
    picture.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(picture.GetOutputPort())
    writer.Write()


def main(view):
    """Save the view as a picture, or show it."""
    parser = argparse.ArgumentParser(description=view["title"])
    parser.add_argument("--show", action="store_true", help="open a window to turn the brain in")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".png"))
    chosen = parser.parse_args()
    window = window_of(view)
    if chosen.show:
        interactor = vtk.vtkRenderWindowInteractor()
        interactor.SetInteractorStyle(vtk.vtkInteractorStyleTrackballCamera())
        interactor.SetRenderWindow(window)
        window.Render()
        interactor.Start()
    else:
        window.SetOffScreenRendering(True)
        window.Render()
        save(window, chosen.out)
        sys.stdout.write(f"{chosen.out}\n")
