"""Computations in the background."""

import threading
import time

import pytest

from handgrad.errors import DataError, HandgradError
from handgrad.web.background import Computations


def wait(computation):
    for _ in range(100):
        if computation.poll()["is_over"]:
            return computation
    raise AssertionError("the computation does not end")


def test_a_result_is_computed_once_for_each_key():
    calls = []
    computations = Computations[int](kept=2)
    for _ in range(3):
        computation = wait(computations.start("a", lambda _: calls.append(1) or 7))
        assert (computation.result, computation.poll()["error"]) == (7, "")
    assert len(calls) == 1
    wait(computations.start("b", lambda _: 1))
    wait(computations.start("c", lambda _: 2))
    assert computations.get("a") is None


def test_progress_is_reported_and_a_stopped_job_ends():
    began = threading.Event()

    def endless(computation):
        for done in range(10**9):
            computation.report(done, 10**9)
            began.set()
            time.sleep(0.001)

    computations = Computations(kept=1)
    computation = computations.start("a", endless)
    assert began.wait(5)
    state = computation.poll()
    assert not state["is_over"]
    assert state["total"] == 10**9
    assert 0 < state["done"] < 10**9
    with pytest.raises(HandgradError, match="still being computed"):
        _ = computation.result
    start = time.monotonic()
    computations.stop()
    assert time.monotonic() - start < 1
    assert computation.error == "the computation was stopped"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("/home/me/x.png cannot be read"), "x.png cannot be read"),
        (ZeroDivisionError("at /home/me"), "this failed; the terminal of `handgrad open` shows"),
    ],
)
def test_an_error_is_one_sentence_without_a_path_and_the_next_start_tries_again(error, sentence):
    def fails(_):
        raise error

    computations = Computations(kept=1)
    computation = wait(computations.start("a", fails))
    assert computation.poll()["error"].startswith(sentence)
    with pytest.raises(HandgradError):
        _ = computation.result
    assert wait(computations.start("a", lambda _: 3)).result == 3
