"""Logs of fits: our tables, tables of others, and the reference package's."""

import base64
from contextlib import suppress

import numpy as np
import pytest

from music_gui.core.errors import InputError
from music_gui.io.convergence_log import (
    ConvergenceLog,
    is_convergence_log,
    read_convergence_log,
)

#: Written by tensorboardX 2.6 with the calls of the reference package (sopnmf 0.0.4, utils.py):
#: three epochs with batch_loss 5, 4, 3.5 and sparsity 0.3, 0.4, 0.45, 2.5 s apart, and two
#: batches an epoch with diff_W and mini_batch_loss.
EVENTS = base64.b64decode(
    "GAAAAAAAAACjf0siCS172RWbwdpBGg1icmFpbi5FdmVudDoyJTp7SRoAAAAAAAAAEpvYLQnghtkVm8HaQSoPCg0K"
    "BmRpZmZfVxXNzMw9dAQbAiMAAAAAAAAAsJ93QwkajdkVm8HaQSoYChYKD21pbmlfYmF0Y2hfbG9zcxUAACBAR3Ch"
    "7BwAAAAAAAAAyMGVHQlyktkVm8HaQRABKg8KDQoGZGlmZl9XFc3MzD2VKLJmJQAAAAAAAADqvDbzCUCT2RWbwdpB"
    "EAEqGAoWCg9taW5pX2JhdGNoX2xvc3MVAAAgQDFhUfAeAAAAAAAAANncEjIJAAAAAABAj0AqEwoRCgpiYXRjaF9s"
    "b3NzFQAAoEARW6GRHAAAAAAAAADIwZUdCQAAAAAAQI9AKhEKDwoIc3BhcnNpdHkVmpmZPjmJBIccAAAAAAAAAMjB"
    "lR0JeJTZFZvB2kEQAioPCg0KBmRpZmZfVxXNzMw9fzRX5iUAAAAAAAAA6rw28wkGldkVm8HaQRACKhgKFgoPbWlu"
    "aV9iYXRjaF9sb3NzFQAAAEAh7ZjaHAAAAAAAAADIwZUdCdOV2RWbwdpBEAMqDwoNCgZkaWZmX1cVzczMPZfE03Ql"
    "AAAAAAAAAOq8NvMJS5bZFZvB2kEQAyoYChYKD21pbmlfYmF0Y2hfbG9zcxUAAABAjQ5CNiAAAAAAAAAAKe2pUAkA"
    "AAAAAFSPQBABKhMKEQoKYmF0Y2hfbG9zcxUAAIBAqSdtFB4AAAAAAAAA2dwSMgkAAAAAAFSPQBABKhEKDwoIc3Bh"
    "cnNpdHkVzczMPmyvwhccAAAAAAAAAMjBlR0JOpvZFZvB2kEQBCoPCg0KBmRpZmZfVxXNzMw9t6LqLCUAAAAAAAAA"
    "6rw28wm1ntkVm8HaQRAEKhgKFgoPbWluaV9iYXRjaF9sb3NzFQAA4D9rw/PHHAAAAAAAAADIwZUdCQSr2RWbwdpB"
    "EAUqDwoNCgZkaWZmX1cVzczMPXMHyFMlAAAAAAAAAOq8NvMJd6vZFZvB2kEQBSoYChYKD21pbmlfYmF0Y2hfbG9z"
    "cxUAAOA/6w68VyAAAAAAAAAAKe2pUAkAAAAAAGiPQBACKhMKEQoKYmF0Y2hfbG9zcxUAAGBABT7LyR4AAAAAAAAA"
    "2dwSMgkAAAAAAGiPQBACKhEKDwoIc3BhcnNpdHkVZmbmPlehuiQ="
)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_our_own_table_is_read(tmp_path):
    text = "epoch\tloss\tsparsity\tn_vanished\n1\t0.5\t0.2\t0\n2\t0.25\t0.3\t1\n"
    log = read_convergence_log(write(tmp_path / "convergence.tsv", text))
    assert log.n_epochs == 2
    assert log.is_relative
    assert log.best == 1
    np.testing.assert_array_equal(log.epoch, [1, 2])
    np.testing.assert_array_equal(log.loss, [0.5, 0.25])
    np.testing.assert_array_equal(log.sparsity, [0.2, 0.3])
    np.testing.assert_array_equal(log.n_vanished, [0, 1])
    assert np.isnan(log.seconds).all()
    assert log.seconds_per_epoch is None


@pytest.mark.parametrize(
    "text",
    [
        "epoch,loss\n1,0.5\n2,0.25\n",
        "\ufeffEpoch;Loss\r\n1;0,5\r\n2;0,25\r\n",
        "step  loss\n1  0.5\n2  0.25\n",
        "loss\n0.5\n0.25\n",
        '"Iteration","Reconstruction_error","note"\n1,0.5,a\n\n2,0.25,b\n',
        "epoch\thoyer\tloss\n1\tNA\t0.5\n2\t\t0.25\n",
    ],
)
def test_tables_of_other_programs_are_read(tmp_path, text):
    log = read_convergence_log(write(tmp_path / "log.txt", text))
    np.testing.assert_array_equal(log.epoch, [1, 2])
    np.testing.assert_array_equal(log.loss, [0.5, 0.25])
    assert np.isnan(log.n_vanished).all()
    assert np.isnan(log.sparsity).all()


def test_a_loss_above_one_is_not_relative(tmp_path):
    log = read_convergence_log(write(tmp_path / "log.tsv", "epoch\tloss\n1\t520\n2\t480\n"))
    assert not log.is_relative


@pytest.mark.parametrize("name", ["file", "folder"])
def test_the_log_of_the_reference_package_is_read(tmp_path, name):
    folder = tmp_path / "log_dir" / "component_32"
    folder.mkdir(parents=True)
    path = folder / "events.out.tfevents.1795583063.host"
    path.write_bytes(EVENTS)
    log = read_convergence_log(path if name == "file" else folder)
    np.testing.assert_array_equal(log.epoch, [1, 2, 3])  # it counts from 0
    np.testing.assert_array_equal(log.loss, [25, 16, 12.25])  # it writes the root
    np.testing.assert_allclose(log.sparsity, [0.3, 0.4, 0.45], rtol=1e-6)
    assert log.seconds_per_epoch == 2.5
    assert not log.is_relative


def test_a_log_of_the_reference_that_is_still_written_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(EVENTS[:-20])
    log = read_convergence_log(path)
    np.testing.assert_array_equal(log.epoch, [1, 2, 3])
    assert np.isnan(log.sparsity[2])
    path.write_bytes(EVENTS[:520])
    assert read_convergence_log(path).n_epochs < 3


def test_a_fit_that_was_continued_has_two_logs(tmp_path):
    for number in (1, 2):
        (tmp_path / f"events.out.tfevents.{number}.host").write_bytes(EVENTS)
    assert read_convergence_log(tmp_path).n_epochs == 3


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("table.tsv", b"participant_id\tage\nsub-1\t40\n", "no column loss"),
        ("table.tsv", b"", "no column loss"),
        ("table.tsv", b"epoch\tloss\n", "no epochs"),
        ("table.tsv", b"epoch\tloss\n1\tlow\n", "'low' is no number"),
        ("table.tsv", b"epoch\tloss\n\t0.5\n", "an epoch has no number"),
        ("table.tsv", b"\x93NUMPY\x00\xff\xfe", "can't be read"),
        ("events.out.tfevents.1", b"", "no losses"),
        ("events.out.tfevents.1", b"not a log at all, but long enough to look", "no losses"),
        ("events.out.tfevents.1", EVENTS[:24], "no losses"),
    ],
)
def test_what_is_no_log_is_refused_in_words(tmp_path, name, content, what):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=what) as caught:
        read_convergence_log(path)
    assert str(path) in caught.value.where


def test_a_wrong_number_is_found_by_its_line(tmp_path):
    path = write(tmp_path / "log.tsv", "epoch\tloss\n1\t0.5\n2\t0.4\n3\t?\n")
    with pytest.raises(InputError) as caught:
        read_convergence_log(path)
    assert caught.value.where == f"{path}, line 4, column loss"


def test_a_folder_without_a_log_is_refused(tmp_path):
    with pytest.raises(InputError, match="this folder has no log"):
        read_convergence_log(tmp_path)


def test_garbage_between_the_frames_of_an_event_file_does_not_stop_the_program(tmp_path):
    rng = np.random.default_rng(5)
    path = tmp_path / "events.out.tfevents.1"
    for _ in range(200):
        data = bytearray(EVENTS)
        for place in rng.integers(0, len(data), 12):
            data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        with suppress(InputError):
            read_convergence_log(path)


def test_the_clock_of_an_interrupted_fit_is_understood():
    rows = [{"epoch": number, "loss": 0.5, "seconds": 2.0 * number} for number in range(1, 6)]
    rows += [{"epoch": number, "loss": 0.5, "seconds": 2.0 * (number - 5)} for number in (6, 7, 8)]
    assert ConvergenceLog.of(rows).seconds_per_epoch == 2.0


def test_logs_are_known_by_their_names(tmp_path):
    assert is_convergence_log(tmp_path / "convergence.TSV")
    assert is_convergence_log(tmp_path / "events.out.tfevents.1.host")
    assert not is_convergence_log(tmp_path / "map.nii.gz")
