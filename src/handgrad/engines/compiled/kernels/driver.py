"""The one loop that every worker runs: steps, phases, items, stages."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from handgrad.engines.compiled.kernels.lanes import ROOM
from handgrad.engines.compiled.kernels.numba_forms import emitted, helper
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.kernels.pointers import Ints, at
from handgrad.engines.compiled.runtime.step_state import CHUNKS, STOP, WORDS

CHUNKED, EVERY, SHARED = int(Kind.CHUNKS), int(Kind.EVERY), int(Kind.SHARES)


def run(
    steps: int,
    phases: Ints,
    phase_count: int,
    stages: Ints,
    arguments: Ints,
    blocks: Ints,
    clocks: Ints,
    worker: int,
    workers: int,
    barrier: Ints,
    yield_thread: int,
) -> None:
    """Run `steps` training steps, or stop where the clock says so.

    A step is a list of phases; between two, all workers wait for each other. A phase is a list
    of stages that are run for one item after another. Which items there are does not depend on
    the number of workers, and no two write to the same place: so neither does the result.

    Args:
        steps: how many.
        phases: five words each: the first stage, the stage after the last, what its items
            are (a `Kind`), into how many tiles each item is split, and up to how many workers
            need not meet after it.
        phase_count: how many phases.
        stages: three words each: the kernel, its first argument, how many it has.
        arguments: four words each: a number, and how much is added to it for each chunk, each
            tile and each worker.
        blocks: room for the arguments of one stage, ROOM words a worker.
        clocks: each worker's clock.
        worker: which worker this is.
        workers: how many there are.
        barrier: where they meet.
        yield_thread: the address of the function that lets another thread of this machine run.
    """
    clock = at(clocks, worker * WORDS)
    block = at(blocks, worker * ROOM)
    for _ in range(steps):
        for p in range(phase_count):
            first, last, kind, tiles = (
                phases[5 * p],
                phases[5 * p + 1],
                phases[5 * p + 2],
                phases[5 * p + 3],
            )
            items = tiles
            if kind in (CHUNKED, SHARED):
                items = tiles * clock[CHUNKS]
            begin, end = items * worker // workers, items * (worker + 1) // workers
            if kind == EVERY:
                begin, end = 0, 1
            for item in range(begin, end):
                chunk, tile = item // tiles, item % tiles
                if kind == SHARED:
                    chunk, tile = item % clock[CHUNKS], item // clock[CHUNKS]
                for stage in range(first, last):
                    a = stages[3 * stage + 1]
                    for i in range(stages[3 * stage + 2]):
                        block[i] = (
                            arguments[4 * a]
                            + chunk * arguments[4 * a + 1]
                            + tile * arguments[4 * a + 2]
                            + worker * arguments[4 * a + 3]
                        )
                        a += 1
                    call(stages[3 * stage], block)
            if workers > phases[5 * p + 4] and kind != EVERY:
                meet(barrier, workers, yield_thread)
            if clock[STOP] != 0:
                return


@helper
def meet(barrier: Ints, workers: int, yield_thread: int) -> None:
    """Wait until every worker is here.

    The last to come opens the door for all: it counts the generation on. Waiting is looking, for
    a few microseconds, and then giving way between looks, for the cores may be needed elsewhere.
    """
    arrived, generation = barrier, at(barrier, 16)
    now = look(generation)
    if arrive(arrived) + 1 == workers:
        arrived[0] = 0
        arrive(generation)
    else:
        looks = 0
        while look(generation) == now:
            looks += 1
            if looks > 4000:
                call(yield_thread, arrived)


@emitted
def call(typingctx: Any, address: Any, block: Any) -> Any:
    """Call the function at an address with a pointer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [args[1].type])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, block), generate


@emitted
def arrive(typingctx: Any, pointer: Any) -> Any:
    """Add 1 to a counter that all workers share, and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(pointer), generate


@emitted
def look(typingctx: Any, pointer: Any) -> Any:
    """Return a counter that another worker may change."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(args[0], "seq_cst", 8)

    return types.int64(pointer), generate
