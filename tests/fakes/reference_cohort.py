"""Twenty small made-up maps on which the public package ``sopnmf`` was run; also on Python 3.9.

The last four were not trained on. Values are those of RAVENS maps: 1000 is a whole voxel.
"""

import numpy as np

SHAPE = (11, 9, 8)
#: Axes that run left, anterior, superior; voxels of 14 mm, so that a map holds a brain's volume.
AFFINE = np.array([[-14.0, 0, 0, 70], [0, 14, 0, -56], [0, 0, 14, -42], [0, 0, 0, 1]])
RAVENS_SCALE = 1000
N_TRAINED, N_NEW = 16, 4
C = 4


def mask() -> np.ndarray:
    """An ellipsoid with a corner cut off, so that no mirror image of it is itself."""
    place = np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2
    inside = sum((place[a] / (SHAPE[a] / 2 - 0.4)) ** 2 for a in range(3)) < 1
    return inside & ~((place[0] > 1) & (place[1] > 1) & (place[2] > 0))


def maps() -> np.ndarray:
    """Return all maps, shape (20, *SHAPE), float32: four regions that vary on their own."""
    rng = np.random.default_rng(11)
    x, y, z = np.indices(SHAPE)
    region = (x > 4).astype(int) + 2 * (y > 3)
    amount = 1 + 0.25 * rng.standard_normal((N_TRAINED + N_NEW, 4))
    base = 500 + 20 * z
    noise = 1 + 0.05 * rng.standard_normal((N_TRAINED + N_NEW, *SHAPE))
    return np.round(np.clip(base * amount[:, region] * noise * mask(), 0, None)).astype(np.float32)


def ids() -> list:
    """Return the participants' ids, trained ones first."""
    return [f"sub-{k + 1:02d}" for k in range(N_TRAINED + N_NEW)]
