"""Ctrl-C at any place of the compiled engine: no thread waits for ever, no network is half new.

At every moment of a run and not every fifth: `python -m pytest -m slow tests/engines`.
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
from handgrad.engines.compiled.runtime.thread_pool import unbroken
from handgrad.layers import Layer

COUNT, SIZE = 6, 20  # batches, and images in each
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (COUNT * SIZE, 1, 6, 6), np.uint8)
LABELS = np.arange(len(IMAGES)) % 3


class Interruptions:
    """Raises KeyboardInterrupt at chosen moments of those at which Python looks for signals.

    These are the beginning of a function, and the return from one that is written in C.

    Args:
        moments: which, counted from 0.

    Attributes:
        seen: how many moments there were.
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


class OwnReLU(hg.ReLU):
    """A layer that the engine does not know, so that Python has a part in each step."""


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
    made.worth_meeting = made.worth_starting = 0
    return made


def batches(first: int, last: int) -> BatchStream:
    order = np.arange(first * SIZE, last * SIZE)
    return BatchStream(IMAGES, LABELS, None, order, SIZE, [0.01] * (last - first))


def stands(engine: CompiledEngine) -> dict[str, Any]:
    """Return copies of all arrays that the next step depends on."""
    memory = {f"{n} {k}": a.copy() for n, m in engine.optimizer_state.items() for k, a in m.items()}
    return engine.net.snapshot() | memory


@pytest.fixture(scope="module")
def whole() -> list[dict[str, Any]]:
    """Where a run stands that nobody interrupts, before the first step and after each."""
    made = engine()
    found = [stands(made)]
    for step in range(COUNT):
        made.run(batches(step, step + 1))
        found.append(stands(made))
    return found


def interrupted_at(
    whole: list[dict[str, Any]], *moments: int, activation: Layer = hg.ReLU()
) -> bool:
    """Interrupt a run; say whether it was, and hold it against the whole one, now and later."""
    made = engine(activation)
    made.run(batches(0, 1))
    made._paces.clear()  # the next run, too, begins with all workers
    raised, begun = False, made.steps
    with Interruptions(*moments) as there:
        try:
            made.run(batches(1, 4))
        except KeyboardInterrupt:
            raised = True
    assert raised == (min(moments) < there.seen)
    assert made.steps in range(begun, 5)
    np.testing.assert_equal(stands(made), whole[made.steps])
    if made.steps < COUNT:
        made.run(batches(made.steps, COUNT))
    np.testing.assert_equal(stands(made), whole[COUNT])
    return raised


BEFORE: set[int] = set()


@pytest.fixture(autouse=True)
def threads_of_before() -> None:
    """Note which threads there are: a library that another test used may keep one of its own."""
    BEFORE.clear()
    BEFORE.update(sys._current_frames())


def assert_alone() -> None:
    """Check that all threads that began meanwhile end, and soon."""
    end = time.monotonic() + 10
    while set(sys._current_frames()) - BEFORE:
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.001)


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_at_every_moment_of_a_run(stride: int, whole: list[dict[str, Any]]) -> None:
    moment = 0
    while interrupted_at(whole, moment):
        moment += stride
        assert_alone()
    assert moment > 300  # it has looked at some


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_at_every_moment_of_a_run_in_which_python_has_a_part(
    stride: int, whole: list[dict[str, Any]]
) -> None:
    moment = 0
    while interrupted_at(whole, moment, activation=OwnReLU()):
        moment += stride
        assert_alone()
    assert moment > 200  # it has looked at some


def test_twice_in_a_run(whole: list[dict[str, Any]]) -> None:
    rng = random.Random(0)
    for _ in range(100):
        first = rng.randrange(400)
        interrupted_at(whole, first, first + rng.randrange(1, 12))
        assert_alone()


def test_work_is_done_or_never_begun() -> None:
    moment, ended = 0, False
    while not ended:
        done: list[int] = []

        def work(done: list[int] = done) -> bool:
            time.sleep(0.001)
            done.append(1)
            return False

        with Interruptions(moment):
            try:
                unbroken(work)
                ended = True
            except KeyboardInterrupt:
                now = len(done)
        assert_alone()
        assert len(done) == (1 if ended else now)
        moment += 1
    assert moment > 8


def test_a_signal_waits_for_the_piece_at_hand_and_for_no_other() -> None:
    done: list[int] = []

    def piece() -> bool:
        time.sleep(0.02)
        done.append(1)
        if len(done) == 3:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return len(done) < 100

    with pytest.raises(KeyboardInterrupt):
        unbroken(piece)
    assert 3 <= len(done) <= 5
    assert_alone()


def test_what_the_work_raises_is_raised() -> None:
    def fail() -> bool:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        unbroken(fail)


@pytest.mark.parametrize("allowed", [0, 1])
def test_where_no_more_threads_can_be_had_fewer_do_the_work(
    allowed: int, whole: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
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
    np.testing.assert_equal(stands(made), whole[3])
