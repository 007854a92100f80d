"""After Ctrl-C at any moment, no thread hangs, and no network is between two steps.

The slow tests (`python -m pytest -m slow tests/engines`) interrupt at every moment.
"""

from __future__ import annotations

import _thread
import random
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines import BatchStream, TrainConfig
from handgrad.engines.compiled import CompiledEngine
from handgrad.engines.compiled.runtime.thread_pool import run_uninterruptible
from handgrad.layers import Layer

COUNT, SIZE = 6, 20  # batches, and images in each
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (COUNT * SIZE, 1, 6, 6), np.uint8)
LABELS = np.arange(len(IMAGES)) % 3


class Interruptions:
    """Raises KeyboardInterrupt at chosen moments at which Python checks for signals.

    Python checks when a function is called, and when a function written in C returns.

    Args:
        moments: the chosen moments, counted from 0.

    Attributes:
        seen: the number of moments so far.
    """

    def __init__(self, *moments: int) -> None:
        self.moments, self.seen = moments, 0

    def __enter__(self) -> Interruptions:
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, what: Any) -> None:
        if event not in ("call", "c_return") or frame.f_code is self.__exit__.__func__.__code__:
            return
        self.seen += 1
        if self.seen - 1 in self.moments:
            raise KeyboardInterrupt


class UserReLU(hg.ReLU):
    """A layer without a kernel, so that a part of each step runs in Python."""


def engine(activation: Layer = hg.ReLU()) -> CompiledEngine:
    layers = [
        hg.Conv2d(3, 3),
        hg.BatchNorm(),
        activation,
        hg.Flatten(),
        hg.Dropout(0.2),
        hg.Dense(),
    ]
    net = hg.Network(layers, IMAGES.shape[1:], 3, seed=1)
    made = CompiledEngine(net, TrainConfig(hg.SoftmaxCrossEntropy(), hg.Adam(0.01)), workers=2)
    made.parallel_step_threshold = made.parallel_run_threshold = 0
    return made


def batches(first: int, last: int) -> BatchStream:
    order = np.arange(first * SIZE, last * SIZE)
    return BatchStream(IMAGES, LABELS, None, order, SIZE, [0.01] * (last - first))


def snapshot(engine: CompiledEngine) -> dict[str, Any]:
    """Return copies of all arrays that the next step depends on."""
    state = {f"{n} {k}": a.copy() for n, s in engine.optimizer_state.items() for k, a in s.items()}
    return engine.net.snapshot() | state


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    """Return snapshots of an uninterrupted run before the first step and after each step."""
    made = engine()
    found = [snapshot(made)]
    for step in range(COUNT):
        made.run(batches(step, step + 1))
        found.append(snapshot(made))
    return found


def is_interrupted_at(
    expected: list[dict[str, Any]], *moments: int, activation: Layer = hg.ReLU()
) -> bool:
    """Interrupt a run, and compare its state with the uninterrupted run, then and at the end.

    Returns:
        Whether a KeyboardInterrupt was raised.
    """
    made = engine(activation)
    made.run(batches(0, 1))
    made._tuners.clear()  # so that the next run starts with all workers again
    raised, before = False, made.steps
    with Interruptions(*moments) as interruptions:
        try:
            made.run(batches(1, 4))
        except KeyboardInterrupt:
            raised = True
    assert raised == (min(moments) < interruptions.seen)
    assert made.steps in range(before, 5)
    np.testing.assert_equal(snapshot(made), expected[made.steps])
    if made.steps < COUNT:
        made.run(batches(made.steps, COUNT))
    np.testing.assert_equal(snapshot(made), expected[COUNT])
    return raised


BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def remember_threads() -> None:
    """Record the threads before a test, because libraries used by other tests may have some."""
    BEFORE.clear()
    BEFORE.update(sys._current_frames())


def assert_no_new_threads() -> None:
    """Check that the threads started by the test end within seconds."""
    end = time.monotonic() + 10
    while set(sys._current_frames()) - BEFORE:
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.001)


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_at_every_moment_of_a_run(stride: int, expected: list[dict[str, Any]]) -> None:
    moment = 0
    while is_interrupted_at(expected, moment):
        moment += stride
        assert_no_new_threads()
    assert moment > 300  # some moments were tested


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_at_every_moment_of_a_run_with_python_phases(
    stride: int, expected: list[dict[str, Any]]
) -> None:
    moment = 0
    while is_interrupted_at(expected, moment, activation=UserReLU()):
        moment += stride
        assert_no_new_threads()
    assert moment > 200  # some moments were tested


def test_twice_in_a_run(expected: list[dict[str, Any]]) -> None:
    rng = random.Random(0)
    for _ in range(100):
        first = rng.randrange(400)
        is_interrupted_at(expected, first, first + rng.randrange(1, 12))
        assert_no_new_threads()


def test_work_runs_completely_or_never_starts() -> None:
    moment, ended = 0, False
    while not ended:
        done: list[int] = []

        def work(done: list[int] = done) -> bool:
            time.sleep(0.001)
            done.append(1)
            return False

        with Interruptions(moment):
            try:
                run_uninterruptible(work)
                ended = True
            except KeyboardInterrupt:
                now = len(done)
        assert_no_new_threads()
        assert len(done) == (1 if ended else now)
        moment += 1
    assert moment > 8


def test_a_signal_waits_for_the_current_piece_only() -> None:
    done: list[int] = []

    def piece() -> bool:
        time.sleep(0.02)
        done.append(1)
        if len(done) == 3:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return len(done) < 100

    with pytest.raises(KeyboardInterrupt):
        run_uninterruptible(piece)
    assert 3 <= len(done) <= 5
    assert_no_new_threads()


def test_an_exception_of_the_work_is_raised() -> None:
    def fail() -> bool:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_uninterruptible(fail)


@pytest.mark.parametrize("allowed", [0, 1])
def test_fewer_threads_run_if_the_system_has_no_more(
    allowed: int, expected: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, left = _thread.start_new_thread, [allowed]

    def fail(*arguments: Any) -> int:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        return start(*arguments)

    monkeypatch.setattr(_thread, "start_new_thread", fail)
    made = engine()
    made.run(batches(0, 3))
    np.testing.assert_equal(snapshot(made), expected[3])
