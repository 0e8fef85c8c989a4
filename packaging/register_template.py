"""Find the affine from another template to MNI152, for ``resources/anatomy/spaces.json``.

Run it as ``python packaging/register_template.py TEMPLATE_T1.nii.gz`` and put the matrix that it
prints into the file. The template itself is not shipped; only these twelve numbers are. The fit is
least squares between the two T1 images, one straight line between their intensities, from coarse
to fine. A straight line is enough because both are averages of T1-weighted brains.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_template
from numpy.typing import NDArray
from scipy import ndimage, optimize

#: Smoothing in mm (standard deviation) and share of the voxels of each round.
ROUNDS = ((8.0, 0.03), (4.0, 0.1), (2.0, 0.3), (1.0, 1.0))

#: World mm about which the images turn: near the middle of the brain, so that turning and moving
#: are not mixed.
CENTRE = np.array([0.0, -17.0, 5.0])


def main(path: Path) -> None:
    """Print the matrix and how well the images agree."""
    moving = nib.load(path)
    intensities = np.asarray(moving.get_fdata(), dtype=np.float32)
    intensities = np.clip(intensities / np.percentile(intensities[intensities > 0], 98), 0, 1.2)
    reference = load_mni152_template(resolution=1)
    near_brain = ndimage.binary_dilation(intensities > 0.1, iterations=4).ravel()
    ijk = np.argwhere(np.ones(intensities.shape, dtype=bool))
    world = ijk @ moving.affine[:3, :3].T + moving.affine[:3, 3]
    to_voxel = np.linalg.inv(reference.affine)
    values = np.zeros(12)
    rng = np.random.default_rng(0)
    for sigma, share in ROUNDS:
        chosen = near_brain & (rng.random(near_brain.size) < share)
        sigmas = sigma / np.linalg.norm(moving.affine[:3, :3], axis=0)
        target = ndimage.gaussian_filter(intensities, sigmas).ravel()[chosen]
        smooth = ndimage.gaussian_filter(reference.get_fdata(), sigma)
        points = world[chosen]

        def residuals(
            values: NDArray[np.float64],
            points: NDArray[np.float64] = points,
            smooth: NDArray[np.float64] = smooth,
            target: NDArray[np.float32] = target,
        ) -> NDArray[np.float64]:
            mapped = _apply(to_voxel @ matrix(values), points)
            sampled = ndimage.map_coordinates(smooth, mapped.T, order=1)
            return np.polyval(np.polyfit(sampled, target, 1), sampled) - target

        scale = np.r_[np.ones(3), np.full(9, 0.02)]
        # Steps of 0.1 mm: finer ones see the corners of the linear interpolation.
        found = optimize.least_squares(
            residuals, values, x_scale=scale, diff_step=1e-3 / np.maximum(np.abs(values), 1e-3),
            max_nfev=60,
        )  # fmt: skip
        values = found.x
        left = 1 - found.fun.var() / target.var()
        print(f"{sigma} mm: r = {np.sqrt(left):.4f} after {found.nfev} evaluations")
    print(json.dumps(np.round(matrix(values), 5).tolist()))


def matrix(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Build the affine from a shift in mm and the nine deviations from the identity."""
    affine = np.eye(4)
    affine[:3, :3] += values[3:].reshape(3, 3)
    affine[:3, 3] = values[:3] + CENTRE - affine[:3, :3] @ CENTRE
    return affine


def _apply(affine: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ affine[:3, :3].T + affine[:3, 3]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
