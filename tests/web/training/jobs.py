"""Helpers that start a job in a folder, and wait for what it reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.web.training.job import ProcessJob

CHILD = "handgrad.web.training.child"
QUICK = {"data": "digits", "model": "softmax-regression", "epochs": "3", "figures": "false"}
STEPS = 63  # of a run with these settings
WAIT = 60.0


def until(
    job: ProcessJob, condition: Callable[[dict[str, Any]], object], seconds: float = WAIT
) -> None:
    """Wait until the state of a job, with all its events, fulfils a condition."""
    end = time.monotonic() + seconds
    while not condition(job.state()):
        job.look()
        time.sleep(0.01)
        assert time.monotonic() < end, {k: v for k, v in job.state().items() if k != "sixteen"}


def phase_is(*names: str) -> Callable[[dict[str, Any]], bool]:
    """Return a condition: the job is in one of these phases."""
    return lambda state: state["phase"]["phase"] in names


def step_is(step: int) -> Callable[[dict[str, Any]], bool]:
    """Return a condition: the last reported step is this one."""
    return lambda state: bool(state["points"]) and state["points"][-1]["step"] == step


def events_end(job: ProcessJob) -> dict[str, Any]:
    """Wait until the process ends, and return its last state."""
    assert job.wait(WAIT)
    return job.state()


def assert_same_weights(one: Path, other: Path) -> None:
    """Check that two finished runs have the same weights, bit for bit."""
    first, second = (hg.load_model(run).network.arrays for run in (one, other))
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ProcessJob]]:
    """Return a function that starts a job in an empty folder; all jobs are ended afterwards."""
    monkeypatch.chdir(tmp_path)
    jobs: list[ProcessJob] = []

    def start_job(settings: dict[str, str] = {}, **command: Any) -> ProcessJob:  # noqa: B006
        if "do" not in command:
            settings = QUICK | settings
        jobs.append(ProcessJob(CHILD, {"do": "start", "settings": settings, **command}))
        return jobs[-1]

    yield start_job
    for job in jobs:
        job.close()
