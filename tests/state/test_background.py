"""Reading and asking off the UI thread."""

import queue
import threading
from collections.abc import Iterator

import pytest

from music_gui.core.errors import InputError, MusicError
from music_gui.state.background import Background


class Loop:
    """Stands for the UI thread: what is posted runs when the test says so."""

    def __init__(self) -> None:
        self.posted: queue.Queue = queue.Queue()

    def run(self, n: int) -> None:
        for _ in range(n):
            self.posted.get(timeout=5)()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def background(loop: Loop) -> Iterator[Background]:
    background = Background(loop.posted.put)
    yield background
    background.stop()


def fail(error: MusicError) -> None:
    raise error


def test_work_runs_in_a_thread_and_its_answer_comes_to_the_ui_thread(
    background: Background, loop: Loop
):
    answers = []
    background.run(threading.get_ident, answers.append, fail, topic="t")
    loop.run(1)
    assert answers[0] != threading.get_ident()


def test_of_two_works_on_one_topic_only_the_newest_answers(background: Background, loop: Loop):
    answers = []
    for number in (1, 2):
        background.run(lambda n=number: n, answers.append, fail, topic="atlas")
    background.run(lambda: 3, answers.append, fail, topic="table")
    loop.run(3)
    assert sorted(answers) == [2, 3]


def test_requests_run_in_order_and_all_answer(background: Background, loop: Loop):
    answers = []
    for number in range(20):
        background.request(lambda n=number: n, answers.append, fail)
    loop.run(20)
    assert answers == list(range(20))


def test_an_error_with_words_arrives_as_it_is(background: Background, loop: Loop):
    errors = []

    def work() -> None:
        raise InputError("the map is empty", where="a.nii")

    background.run(work, fail, errors.append, topic="t")
    loop.run(1)
    assert isinstance(errors[0], InputError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "/x"), "/x: No such file or directory."),
        (ZeroDivisionError("1/0"), "an unexpected error: ZeroDivisionError. 1/0."),
    ],
)
def test_other_errors_get_words(error: Exception, text: str):
    errors = []

    def work() -> None:
        raise error

    Background(lambda call: call(), inline=True).run(work, fail, errors.append, topic="t")
    assert str(errors[0]) == text


def test_nothing_is_delivered_after_the_stop(loop: Loop):
    background = Background(loop.posted.put)
    answers = []
    background.request(lambda: 1, answers.append, fail)
    background.stop()
    while not loop.posted.empty():
        loop.run(1)
    background.run(lambda: 2, answers.append, fail, topic="t")
    background.request(lambda: 3, answers.append, fail)
    assert answers == []
