"""Figures of compared scales as a study of about 240 people shows them."""

from music_gui.io.scale_choice import SplitComparison, write_scale_choice

SCALES = (2, 4, 8, 16, 32, 64)
TITLES = {"exact-onmf": "exact ONMF (fast)", "sopnmf": "sopNMF (as published)"}
MAX_EPOCHS = 1000

_INDEX = {
    ("exact-onmf", "halves"): (0.69, 0.74, 0.52, 0.69, 0.954, 0.73),
    ("exact-onmf", "sex"): (0.61, 0.50, 0.59, 0.62, 0.948, 0.72),
    ("sopnmf", "halves"): (0.49, 0.70, 0.60, 0.65, 0.82, 0.60),
    ("sopnmf", "sex"): (0.84, 0.59, 0.53, 0.66, 0.79, 0.58),
}
_LOSS = {
    "exact-onmf": (0.0343, 0.0324, 0.0300, 0.0261, 0.0214, 0.0196),
    "sopnmf": (0.0349, 0.0336, 0.0329, 0.0295, 0.0251, 0.0240),
}
_SPARSITY = {
    "exact-onmf": (0.368, 0.551, 0.698, 0.778, 0.836, 0.884),
    "sopnmf": (0.339, 0.475, 0.559, 0.659, 0.721, 0.760),
}


def make_rows(algorithms=("exact-onmf",), splits=("halves",), n_repeats=3, scales=SCALES):
    """Rows in the order in which a job computes them."""
    rows = []
    for algorithm in algorithms:
        for split in splits:
            for repeat in range(1, n_repeats + 1):
                rows += [_row(algorithm, split, repeat, C) for C in scales]
    return rows


def _row(algorithm, split, repeat, C):
    at = SCALES.index(C)
    loss, wobble = _LOSS[algorithm][at], (repeat - 2) * (0.005 if C == 32 else 0.03)
    index = _INDEX[algorithm, split][at] + wobble
    return SplitComparison(
        algorithm=algorithm, scale=C, split=split, repeat=repeat, n_first=120, n_second=120,
        seed_first=1000 * C + repeat, seed_second=1000 * C + repeat + 500, loss=loss,
        sparsity=_SPARSITY[algorithm][at], n_vanished=29 if (algorithm, C) == ("sopnmf", 64) else 0,
        n_epochs=400 if algorithm == "sopnmf" else 20, loss_first=loss - 2e-4,
        loss_second=loss - 3e-4, loss_first_on_second=loss + 6e-4 + repeat * 1e-4,
        loss_second_on_first=loss + 7e-4, n_vanished_first=0, n_vanished_second=0,
        n_epochs_first=MAX_EPOCHS if (algorithm, C) == ("sopnmf", 64) else 30, n_epochs_second=30,
        ri_mean=index, ri_median=min(index + 0.04, 1.0), ri_sd=0.1, ari=index - 0.2,
    )  # fmt: skip


def store(study, name="study", **given):
    """Write figures into a study as a finished job leaves them."""
    rows = make_rows(**given)
    algorithms = {row.algorithm: TITLES[row.algorithm] for row in rows}
    record = {"algorithms": algorithms, "parameters": {"max_epochs": MAX_EPOCHS}}
    write_scale_choice(study.scale_choice(name), rows, {"participant_id": ["sub-1"]}, record)
    return rows
