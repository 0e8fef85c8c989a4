"""Time one mini-batch of the public package ``sopnmf`` 0.0.4; run by its own Python.

    REFERENCE_PYTHON reference_batch.py X.npy C

X.npy has shape (n_voxels, batch), float32. The start is random, since the package's own would
take longer than the batch; what a batch takes does not depend on the start.
"""

import json
import sys
import tempfile
import time
import warnings

import numpy as np
from sopnmf.utils import opnmf_solver_mini_batch

warnings.simplefilter("ignore")
X, C = np.load(sys.argv[1]), int(sys.argv[2])
W = np.random.RandomState(0).rand(X.shape[0], C)


class Writer:
    """Takes the place of TensorBoard's writer."""

    def add_scalar(self, *args):
        """Write nothing."""


with tempfile.TemporaryDirectory() as folder:
    started = time.perf_counter()
    opnmf_solver_mini_batch(X, W, folder, C, 0, Writer())
    print(json.dumps({"seconds": time.perf_counter() - started}))
