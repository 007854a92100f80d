"""The driver, which is the loop that every worker thread runs, and the barrier between workers."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from handgrad.engines.compiled.kernels.decorators import helper, intrinsic, kernel
from handgrad.engines.compiled.kernels.lanes import ARGUMENT_WORDS
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.kernels.pointers import Ints, at
from handgrad.engines.compiled.kernels.step_state import CHUNKS, STOP, WORDS

CHUNKED, BY_SHARE = int(Kind.CHUNKS), int(Kind.CHUNKS_BY_SHARE)
EACH_WORKER = int(Kind.EACH_WORKER)


@kernel(reads="phases, calls, arguments", writes="blocks, step_states, barrier")
def run(
    steps: int,
    phases: Ints,
    phase_count: int,
    calls: Ints,
    arguments: Ints,
    blocks: Ints,
    step_states: Ints,
    worker: int,
    workers: int,
    barrier: Ints,
    yield_thread: int,
) -> None:
    """Run the given number of steps, or fewer if STOP is set in the step state.

    A step is a list of phases. A phase is a list of kernel calls, which are made one after another
    for each work item. The result does not depend on the number of workers, because the work items
    are the same for any number of workers, and no two items write to the same memory.

    Args:
        steps: the number of steps.
        phases: five words per phase: the index of the first call, the index after the last call,
            the kind of the items, the number of tiles, and the largest number of workers for
            which no barrier is needed after the phase.
        phase_count: the number of phases.
        calls: three words per call: the kernel's address, the index of its first argument, and
            the number of arguments.
        arguments: four words per argument: its value, and the increments per chunk, per tile and
            per worker.
        blocks: memory for the arguments of one call, ARGUMENT_WORDS words per worker.
        step_states: the step state of each worker.
        worker: the index of the worker that makes the call.
        workers: the number of workers.
        barrier: two counters, 16 words apart: the number of arrived workers, and the generation,
            which is the number of barriers passed.
        yield_thread: the address of the system function that yields to another thread.
    """
    step_state = at(step_states, worker * WORDS)
    block = at(blocks, worker * ARGUMENT_WORDS)
    for _ in range(steps):
        for p in range(phase_count):
            first, last, kind, tiles = (
                phases[5 * p],
                phases[5 * p + 1],
                phases[5 * p + 2],
                phases[5 * p + 3],
            )
            items = tiles
            if kind in (CHUNKED, BY_SHARE):
                items = tiles * step_state[CHUNKS]
            begin, end = items * worker // workers, items * (worker + 1) // workers
            if kind == EACH_WORKER:
                begin, end = 0, 1
            for item in range(begin, end):
                chunk, tile = item // tiles, item % tiles
                if kind == BY_SHARE:
                    chunk, tile = item % step_state[CHUNKS], item // step_state[CHUNKS]
                for c in range(first, last):
                    a = calls[3 * c + 1]
                    for i in range(calls[3 * c + 2]):
                        block[i] = (
                            arguments[4 * a]
                            + chunk * arguments[4 * a + 1]
                            + tile * arguments[4 * a + 2]
                            + worker * arguments[4 * a + 3]
                        )
                        a += 1
                    call(calls[3 * c], block)
            if workers > phases[5 * p + 4]:
                wait(barrier, workers, yield_thread)
            if step_state[STOP] != 0:
                return


@helper
def wait(barrier: Ints, workers: int, yield_thread: int) -> None:
    """Wait until all workers have arrived at the barrier.

    The last worker to arrive increments the generation. The other workers poll the generation for
    a few microseconds, and after that they yield their thread between polls.
    """
    arrived, generation = barrier, at(barrier, 16)
    now = atomic_load(generation)
    if atomic_increment(arrived) + 1 == workers:
        arrived[0] = 0
        atomic_increment(generation)
    else:
        polls = 0
        while atomic_load(generation) == now:
            polls += 1
            if polls > 4000:
                call(yield_thread, arrived)


@intrinsic
def call(typingctx: Any, address: Any, block: Any) -> Any:
    """Call the function at an address with a pointer as its argument."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [args[1].type])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, block), generate


@intrinsic
def atomic_increment(typingctx: Any, pointer: Any) -> Any:
    """Atomically add 1 to a counter that all workers use, and return the counter's old value."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(pointer), generate


@intrinsic
def atomic_load(typingctx: Any, pointer: Any) -> Any:
    """Load a counter atomically, because another worker may change it at any time."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(args[0], "seq_cst", 8)

    return types.int64(pointer), generate
