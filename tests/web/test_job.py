"""Computations in the background."""

import threading
import time

import pytest

from handgrad.errors import DataError, HandgradError
from handgrad.web.job import Jobs


def wait(job):
    for _ in range(100):
        if job.poll()["is_over"]:
            return job
    raise AssertionError("the job does not end")


def test_a_result_is_computed_once_for_each_key():
    calls = []
    jobs = Jobs[int](kept=2)
    for _ in range(3):
        job = wait(jobs.start("a", lambda _: calls.append(1) or 7))
        assert (job.result, job.poll()["error"]) == (7, "")
    assert len(calls) == 1
    wait(jobs.start("b", lambda _: 1))
    wait(jobs.start("c", lambda _: 2))
    assert jobs.get("a") is None


def test_progress_is_reported_and_a_stopped_job_ends():
    began = threading.Event()

    def endless(job):
        for done in range(10**9):
            job.report(done, 10**9)
            began.set()
            time.sleep(0.001)

    jobs = Jobs(kept=1)
    job = jobs.start("a", endless)
    assert began.wait(5)
    state = job.poll()
    assert not state["is_over"]
    assert state["total"] == 10**9
    assert 0 < state["done"] < 10**9
    with pytest.raises(HandgradError, match="still being computed"):
        _ = job.result
    start = time.monotonic()
    jobs.stop()
    assert time.monotonic() - start < 1
    assert job.error == "the computation was stopped"


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

    jobs = Jobs(kept=1)
    job = wait(jobs.start("a", fails))
    assert job.poll()["error"].startswith(sentence)
    with pytest.raises(HandgradError):
        _ = job.result
    assert wait(jobs.start("a", lambda _: 3)).result == 3
