"""Train with the public package ``sopnmf`` 0.0.4, timed and recorded; run by its own Python.

    REFERENCE_PYTHON reference_sopnmf.py COHORT C BATCH EPOCHS OUT SEED

The package is not changed, only wrapped: each epoch's training and validation are timed, reading
apart from arithmetic, and the start and the batches are written down so that others can repeat
the same iterates.
"""

import contextlib
import io
import json
import shutil
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import sopnmf.utils
import sopnmf.workflow
from sopnmf.opnmf_core import sopnmf as train_sopnmf

warnings.simplefilter("ignore")
COHORT, OUT = Path(sys.argv[1]), Path(sys.argv[5])
C, BATCH, EPOCHS, SEED = (int(sys.argv[i]) for i in (2, 3, 4, 6))
ROW_OF = {str(path): i for i, path in enumerate(sorted((COHORT / "images").iterdir()))}

log = {"epochs": [], "batches": []}
reading = [0.0]
read, train, validate, initialize = (
    sopnmf.utils.load_data_apply_mask,
    sopnmf.workflow.train,
    sopnmf.workflow.validate,
    sopnmf.workflow.initialization_W,
)


def timed_read(paths, mask):
    started = time.perf_counter()
    result = read(paths, mask)
    reading[0] += time.perf_counter() - started
    log["batches"][-1].append([ROW_OF[path] for path in paths])
    return result


def timed_train(*args, **kwargs):
    log["batches"].append([])
    reading[0] = 0.0
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        result = train(*args, **kwargs)
    log["epochs"].append({"train_s": time.perf_counter() - started, "train_read_s": reading[0]})
    return result


def timed_validate(W, *args, **kwargs):
    kept = log["batches"].pop()
    log["batches"].append([])
    reading[0] = 0.0
    started = time.perf_counter()
    loss = validate(W, *args, **kwargs)
    log["epochs"][-1].update(
        validate_s=time.perf_counter() - started, validate_read_s=reading[0], loss=float(loss)
    )
    log["batches"][-1] = kept
    (OUT / "log.json").write_text(json.dumps(log))
    np.save(OUT / "W.npy", W)
    return loss


def recorded_start(*args):
    started = time.perf_counter()
    W = initialize(*args)
    log["start_s"] = time.perf_counter() - started
    np.save(OUT / "W0.npy", W.astype(np.float32))
    return W


sopnmf.utils.load_data_apply_mask = timed_read
sopnmf.workflow.train, sopnmf.workflow.validate = timed_train, timed_validate
sopnmf.workflow.initialization_W = recorded_start
shutil.rmtree(OUT, ignore_errors=True)
OUT.mkdir(parents=True)
np.random.seed(SEED)
table, mask = str(COHORT / "participants.tsv"), str(COHORT / "mask.nii.gz")
with contextlib.suppress(FileNotFoundError):  # it removes a file that need not be there
    train_sopnmf(table, table, str(OUT), mask, C, C, 1, batch_size=BATCH, max_epoch=EPOCHS)
