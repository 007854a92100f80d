"""The driver computes every item exactly once, for any number of workers."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from handgrad.engines.compiled.jit.compiler import Kernel, addresses
from handgrad.engines.compiled.jit.direct_call import call_kernel
from handgrad.engines.compiled.kernels.lanes import ARGUMENT_WORDS
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.kernels.step_state import STOP, WORDS
from tests.engines.compiled.kernels.arrays import random, step_state, unset

NEVER = 1 << 30


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "tiles", "chunks", "items"),
    [
        (Kind.TILES, 5, 2, [(0, tile) for tile in range(5)]),
        (Kind.CHUNKS, 1, 4, [(chunk, 0) for chunk in range(4)]),
        (Kind.TILES_BY_HALF, 4, 2, [(0, tile) for tile in range(4)]),
        (Kind.CHUNKS_BY_SHARE, 2, 3, [(chunk, tile) for tile in range(2) for chunk in range(3)]),
        (Kind.EACH_WORKER, 1, 3, [(0, 0)]),
    ],
)
def test_run(
    kind: Kind, tiles: int, chunks: int, items: list[tuple[int, int]], workers: int
) -> None:
    """Copy a number per item; chunks are 100 numbers apart, and tiles are 10 numbers apart."""
    X, found, states = random(0, 1000), [], np.tile(step_state(16 * chunks), (workers, 1))
    code = addresses([Kernel("chain.copy")])[Kernel("chain.copy")]
    for worker in range(workers):
        Y = unset(1000)
        arguments = [[X.ctypes.data, 400, 40, 0], [Y.ctypes.data, 400, 40, 0], [1, 0, 0, 0]]
        call_kernel(
            "driver.run",
            steps=1,
            phases=np.array([0, 1, kind, tiles, NEVER]),
            phase_count=1,
            calls=np.array([code, 0, 3]),
            arguments=np.array(arguments),
            blocks=np.zeros(workers * ARGUMENT_WORDS, np.int64),
            step_states=states,
            worker=worker,
            workers=workers,
            barrier=np.zeros(32, np.int64),
            yield_thread=0,
        )
        written = np.flatnonzero(~np.isnan(Y))
        np.testing.assert_array_equal(Y[written], X[written])
        found.append([(int(place) // 100, int(place) % 100 // 10) for place in written])
    if kind is Kind.EACH_WORKER:
        assert found == [items] * workers
    else:
        assert sorted(chain.from_iterable(found)) == sorted(items)
        assert max(map(len, found)) - min(map(len, found)) <= 1
        for worker, own in enumerate(found):
            begin, end = (len(items) * w // workers for w in (worker, worker + 1))
            assert own == sorted(items[begin:end])


def test_a_run_ends_at_the_step_with_the_stop_flag() -> None:
    X, Y, states = random(0, 2), unset(2), step_state(1)
    states[STOP] = 1
    code = addresses([Kernel("chain.copy")])[Kernel("chain.copy")]
    arguments = [[X.ctypes.data, 0, 0, 0], [Y.ctypes.data, 0, 0, 0], [1, 0, 0, 0]]
    arguments += [[X.ctypes.data + 4, 0, 0, 0], [Y.ctypes.data + 4, 0, 0, 0], [1, 0, 0, 0]]
    call_kernel(
        "driver.run",
        steps=9,
        phases=np.array([[0, 1, Kind.TILES, 1, NEVER], [1, 2, Kind.TILES, 1, NEVER]]),
        phase_count=2,
        calls=np.array([[code, 0, 3], [code, 3, 3]]),
        arguments=np.array(arguments),
        blocks=np.zeros(ARGUMENT_WORDS, np.int64),
        step_states=states.reshape(1, WORDS),
        worker=0,
        workers=1,
        barrier=np.zeros(32, np.int64),
        yield_thread=0,
    )
    assert Y[0] == X[0]
    assert np.isnan(Y[1])


def test_arguments_may_differ_between_workers() -> None:
    X, Y, states = random(0, 30), unset(30), np.tile(step_state(1), (3, 1))
    code = addresses([Kernel("chain.copy")])[Kernel("chain.copy")]
    for worker in range(3):
        call_kernel(
            "driver.run",
            steps=1,
            phases=np.array([0, 1, Kind.EACH_WORKER, 1, NEVER]),
            phase_count=1,
            calls=np.array([code, 0, 3]),
            arguments=np.array(
                [[X.ctypes.data, 0, 0, 40], [Y.ctypes.data, 0, 0, 40], [1, 0, 0, 0]]
            ),
            blocks=np.zeros(3 * ARGUMENT_WORDS, np.int64),
            step_states=states,
            worker=worker,
            workers=3,
            barrier=np.zeros(32, np.int64),
            yield_thread=0,
        )
    assert np.flatnonzero(~np.isnan(Y)).tolist() == [0, 10, 20]
    np.testing.assert_array_equal(Y[::10], X[::10])


def test_a_barrier_follows_each_phase_that_needs_one() -> None:
    X, Y, barrier = random(0, 1), unset(1), np.zeros(32, np.int64)
    code = addresses([Kernel("chain.copy")])[Kernel("chain.copy")]
    call_kernel(
        "driver.run",
        steps=4,
        phases=np.array([[0, 1, Kind.TILES, 1, above] for above in (0, 1, 0, NEVER)]),
        phase_count=4,
        calls=np.array([code, 0, 3]),
        arguments=np.array([[X.ctypes.data, 0, 0, 0], [Y.ctypes.data, 0, 0, 0], [1, 0, 0, 0]]),
        blocks=np.zeros(ARGUMENT_WORDS, np.int64),
        step_states=step_state(1).reshape(1, WORDS),
        worker=0,
        workers=1,
        barrier=barrier,
        yield_thread=0,
    )
    assert barrier[0] == 0  # no worker is waiting
    assert barrier[16] == 4 * 2  # passed barriers
    assert Y[0] == X[0]
