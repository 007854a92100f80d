"""Defines `Program`: a plan with its memory and its machine code. Several workers run it."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.compiler import Kernel, addresses, function, yield_thread
from handgrad.engines.compiled.jit.signatures import machine_word, signature
from handgrad.engines.compiled.kernels.lanes import ARGUMENT_WORDS, WORKER_PADDING
from handgrad.engines.compiled.kernels.step_state import COUNT, START, STEP, STOP, TOTAL, WORDS
from handgrad.engines.compiled.lower.calls import (
    Argument,
    Buffer,
    ChunkStride,
    RunArgument,
    RuntimeIndex,
    View,
)
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.plan import Phase, Plan
from handgrad.engines.compiled.runtime.thread_pool import (
    acquired_lock,
    reserve_threads,
    run_uninterruptible,
    start,
)

_DRIVER = Kernel("driver.run")
_STEPS, _PHASES, _PHASE_COUNT, _WORKERS = map(
    list(signature(_DRIVER.name).types).index, ("steps", "phases", "phase_count", "workers")
)


class Program:
    """A plan with its memory and its machine code, ready to run.

    Args:
        plan: the plan.
        workers: the maximum number of workers.

    Attributes:
        plan: the plan.
        workers: the maximum number of workers.
        step_states: the step state of each worker, one after another.
    """

    def __init__(self, plan: Plan, workers: int) -> None:
        self.plan, self.workers = plan, workers
        self.step_states = aligned(workers * WORDS, np.int64)
        self._run_arguments: dict[str, Any] = {}
        self._rows_of: dict[str, list[tuple[int, str]]] = {}  # of each run argument, with its type
        self._alive: list[Any] = []  # the arrays that the machine code points to
        self._memory: dict[Buffer, NDArray[Any]] = {}
        self._strides: dict[Buffer, tuple[int, int]] = {}
        for buffer, phases in plan.buffers().items():
            self._allocate(buffer, phases)
        self._write_tables(plan.phases)
        self._blocks = aligned(workers * ARGUMENT_WORDS, np.int64)
        self._barrier = aligned(32, np.int64)
        self._prepare_calls()

    def array(self, buffer: Buffer) -> NDArray[Any]:
        """Return a buffer's memory as an array with one row per copy of the buffer."""
        return self._memory[buffer]

    def set_run_arguments(self, **values: int | float | NDArray[Any]) -> None:
        """Set the arguments that differ from run to run, such as the images and the labels."""
        self._run_arguments = values
        for name, rows in self._rows_of.items():
            for row, parameter_type in rows:
                self._arguments[row, 0] = machine_word(values[name], parameter_type)

    def targets(self) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
        """Return the labels and the weights of the current batch."""
        begin, count = self.step_states[START], self.step_states[COUNT]
        batch = self._run_arguments["order"][begin : begin + count]
        weighted = self._run_arguments["weighted"]
        return (
            self._run_arguments["labels"][batch],
            self._run_arguments["weights"][batch] if weighted else None,
        )

    def start(self, made: int) -> None:
        """Initialize the step states for a run that begins after `made` updates."""
        step_states = self.step_states.reshape(self.workers, WORDS)
        step_states[...] = 0
        step_states[:, STEP] = -1
        step_states[:, TOTAL] = made - 1

    def run(self, steps: int, workers: int, first: int = 0, last: int | None = None) -> bool:
        """Run several whole steps, or only the phases from `first` up to `last` of one step.

        Args:
            steps: the number of steps.
            workers: the number of threads to use. Fewer threads are used while other training runs
                need some.
            first: the index of the first phase.
            last: the index after the last phase, or None to run through the last phase of the step.

        Returns:
            True if all values were finite, False if a step produced inf or NaN.
        """
        with reserve_threads(min(workers, self.workers), self.workers) as count:
            return self._run(steps, count, first, last)

    def step(self, seed: int) -> bool:
        """Run one step phase by phase, including the Python functions of the plan.

        The Python functions can raise exceptions only before the update begins. A step that raises
        an exception is not counted as an update.

        Args:
            seed: the seed of the run.

        Returns:
            True if all values were finite, False if a step produced inf or NaN.
        """
        for number, phase in enumerate(self.plan.phases):
            if phase.python is None:
                if not self.run(1, 1, number, number + 1):
                    return False
                continue
            try:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    phase.python(self, seed)
            except BaseException:
                self.step_states[STOP] = 1
                raise
        return True

    def _run(self, steps: int, workers: int, first: int, last: int | None) -> bool:
        step_states = self.step_states.reshape(self.workers, WORDS)
        step_states[1:] = step_states[0]  # the last run may have had fewer workers
        count = (len(self.plan.phases) if last is None else last) - first
        self._calls[:, _STEPS] = steps
        self._calls[:, _PHASES] = self._first_phase + first * self._phases.strides[0]
        self._calls[:, _PHASE_COUNT] = count
        if workers == 1:
            self._calls[:, _WORKERS] = 1
            function(_DRIVER)(self._call_at[0])
        else:
            run_uninterruptible(partial(self._run_together, workers))
        return bool(self.step_states[STOP] == 0)

    def _run_together(self, workers: int) -> bool:
        """Run the driver in the given number of threads, or in fewer if no more can be started.

        All threads must exist before any of them runs the driver, because each thread waits for all
        other threads at barriers. Return False, which tells `run_uninterruptible` that no work is
        left.
        """
        driver, gate = function(_DRIVER), threading.Lock()
        ends: list[threading.Lock] = []

        def run_worker(call: int, end: threading.Lock) -> None:
            with gate:
                pass
            driver(call)
            end.release()

        with gate:
            for call in self._call_at[1:workers]:
                end = acquired_lock()
                try:
                    start(run_worker, call, end)
                except RuntimeError:
                    break
                ends.append(end)
            self._calls[:, _WORKERS] = 1 + len(ends)
        driver(self._call_at[0])
        for end in ends:
            end.acquire()
        return False

    def _prepare_calls(self) -> None:
        """Write the arguments of each worker's call of the driver, except those set by `_run`."""
        tables = (self._kernel_calls, self._arguments, self._blocks, self.step_states)
        addresses = [int(table.ctypes.data) for table in tables]
        barrier, phases = int(self._barrier.ctypes.data), int(self._phases.ctypes.data)
        rows = [
            (0, phases, 0, *addresses, worker, 0, barrier, yield_thread())
            for worker in range(self.workers)
        ]
        self._calls, self._first_phase = np.array(rows, np.int64), phases
        begin, step = int(self._calls.ctypes.data), self._calls.strides[0]
        self._call_at = [begin + worker * step for worker in range(self.workers)]

    def _allocate(self, buffer: Buffer, phases: list[int]) -> None:
        """Allocate a buffer's memory."""
        copies = self.plan.copies(buffer, phases, self.workers)
        by_worker = buffer.per_worker or (not buffer.shared and len(phases) == 1)
        padding = by_worker * WORKER_PADDING // np.dtype(buffer.dtype).itemsize
        size = buffer.step + padding
        self._memory[buffer] = aligned(copies * size, buffer.dtype).reshape(copies, size)
        by_chunk = not buffer.shared and not by_worker
        self._strides[buffer] = (size * by_chunk, size * by_worker)

    def _write_tables(self, phases: list[Phase]) -> None:
        """Write the tables that the driver reads."""
        code = addresses([_DRIVER, *(call.kernel for call in self.plan.calls)])
        phase_rows: list[tuple[int, ...]] = []
        call_rows: list[tuple[int, ...]] = []
        rows: list[tuple[int, ...]] = []
        for phase in phases:
            first = len(call_rows)
            for call in phase.calls:
                call_rows.append((code[call.kernel], len(rows), len(call.arguments)))
                types = signature(call.kernel.name).types.values()
                for argument, parameter_type in zip(call.arguments, types, strict=True):
                    if isinstance(argument, RunArgument):
                        self._rows_of.setdefault(argument.name, []).append(
                            (len(rows), parameter_type)
                        )
                    rows.append(self._argument_row(argument, parameter_type))
            row = (first, len(call_rows), int(phase.kind), phase.tiles, phase.barrier_above)
            phase_rows.append(row)
        self._phases = np.array(phase_rows, np.int64)
        self._kernel_calls = np.array(call_rows, np.int64)
        self._arguments = np.array(rows, np.int64)

    def _argument_row(self, argument: Argument, parameter_type: str) -> tuple[int, int, int, int]:
        """Return an argument's value and its increase per chunk, per tile and per worker."""
        match argument:
            case RuntimeIndex():
                return self._runtime_index_row(argument)
            case RunArgument():
                return (0, 0, 0, 0)
            case ChunkStride(buffer):
                return (self._strides[buffer][0], 0, 0, 0)
            case View():
                return self._view_row(argument)
            case Buffer() | np.ndarray():
                return self._view_row(View(argument))
            case _:
                return (machine_word(argument, parameter_type), 0, 0, 0)

    def _runtime_index_row(self, index: RuntimeIndex) -> tuple[int, int, int, int]:
        step_states = int(self.step_states.ctypes.data)
        return {
            RuntimeIndex.CHUNK: (0, 1, 0, 0),
            RuntimeIndex.TILE: (0, 0, 1, 0),
            RuntimeIndex.WORKER: (0, 0, 0, 1),
            RuntimeIndex.STEP_STATE: (step_states, 0, 0, WORDS * 8),
        }[index]

    def _view_row(self, view: View) -> tuple[int, int, int, int]:
        chunk, worker = 0, 0
        if isinstance(view.base, Buffer):
            chunk, worker = self._strides[view.base]
            array = self._memory[view.base]
        else:
            array = view.base
        self._alive.append(array)
        width = array.itemsize
        begin = int(array.ctypes.data) + view.offset * width
        return (begin, chunk * width, view.per_tile * width, worker * width)
