"""Jobs in every state, for panels that are opened alone."""

from music_gui.jobs.events import Event
from music_gui.jobs.job import JobSnapshot, JobSpec, JobState

ENDED = {"started": "2026-01-01T12:00:00+00:00", "ended": "2026-01-01T12:02:05+00:00"}


def make_job(number, state, title="Fit sopNMF", *, step="fit", parameters=None, **facts):
    spec = JobSpec(
        job_id=f"20260101T12{number:04d}.000_{step}_aaaaaa", step=step, title=title,
        parameters=parameters or {}, threads=2, created="2026-01-01T00:00:00+00:00",
        created_with="0.1.0",
    )  # fmt: skip
    return JobSnapshot(spec=spec, state=state, **facts)


def epoch(scale, number):
    """What a fit publishes after an epoch."""
    values = {
        "scale": scale,
        "epoch": number,
        "loss": 0.2 + 0.5 * 0.9**number + scale / 2000,
        "sparsity": 0.9 - 0.5 * 0.92**number,
        "n_vanished": number // 10,
    }
    return Event(kind="metric", data={"name": "fit", "values": values})


def one_of_each():
    """Seven jobs, oldest first."""
    return [
        make_job(
            1, JobState.DONE, "Import maps", step="import-maps",
            message="237 of 240 maps imported", fraction=1.0,
            warnings=("3 maps were left out: see the import report",), **ENDED,
        ),
        make_job(
            2, JobState.FAILED, "Harmonise sites", step="harmonize",
            error={
                "what": "the column 'site' is missing", "where": "participants.tsv",
                "why": "its columns are participant_id, session_id, age, sex",
                "remedy": "Name the column of the sites with the parameter site",
            }, **ENDED,
        ),
        make_job(
            3, JobState.LOST, "GWAS", step="gwas",
            error={
                "what": "the worker was killed by signal 9 (SIGKILL) before it finished",
                "where": "", "why": "", "remedy": "Retry continues from the last checkpoint",
            }, **ENDED,
        ),
        make_job(4, JobState.CANCELLED, "Extract PSCs", step="extract", **ENDED),
        make_job(
            5, JobState.CANCELLING, "Fit sopNMF", fraction=0.2, message="epoch 20 of 100",
            started=ENDED["started"],
        ),
        make_job(
            6, JobState.RUNNING, "Fit sopNMF", fraction=0.34, seconds_left=125.0,
            message="C = 64, epoch 34 of 100: loss 0.21904", started=ENDED["started"],
            parameters={"scales": [32, 64]},
        ),
        make_job(7, JobState.QUEUED, "Train SPARE", step="spare-train"),
    ]  # fmt: skip
