"""A plan, linked to memory and machine code, and run by several workers."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.compiler import Kernel, addresses, function, yield_thread
from handgrad.engines.compiled.jit.signatures import handed, takes, word
from handgrad.engines.compiled.kernels.lanes import APART, ROOM
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.plan import (
    Argument,
    Buffer,
    Inlet,
    Part,
    Phase,
    Place,
    Plan,
    Stride,
)
from handgrad.engines.compiled.runtime import step_state as clock
from handgrad.engines.compiled.runtime.thread_pool import (
    acquired_lock,
    reserve_threads,
    run_uninterruptible,
    start,
)

_DRIVER = Kernel("driver.run")
_STEPS, _PHASES, _PHASE_COUNT, _WORKERS = map(
    list(takes(_DRIVER)).index, ("steps", "phases", "phase_count", "workers")
)


class Program:
    """A plan that can be run.

    Args:
        plan: the plan.
        workers: for how many workers.
    """

    def __init__(self, plan: Plan, workers: int) -> None:
        self.plan, self.workers = plan, workers
        self.clocks = aligned(workers * clock.WORDS, np.int64)
        self._brought: dict[str, Any] = {}
        self._inlets: dict[str, list[tuple[int, str]]] = {}
        self._alive: list[Any] = []  # the arrays that the code points to
        self._slots: dict[Buffer, NDArray[Any]] = {}
        self._strides: dict[Buffer, tuple[int, int]] = {}
        for buffer, phases in plan.buffers().items():
            self._place(buffer, phases)
        self._write(plan.phases)
        self._blocks = aligned(workers * ROOM, np.int64)
        self._barrier = aligned(32, np.int64)
        self._prepare_calls()

    def array(self, buffer: Buffer) -> NDArray[Any]:
        """Return a buffer's numbers, one row for each time it exists."""
        return self._slots[buffer]

    def set(self, **values: int | float | NDArray[Any]) -> None:
        """Set the arguments that a run brings along."""
        self._brought = values
        for name, rows in self._inlets.items():
            for row, kind in rows:
                self._arguments[row, 0] = word(values[name], kind)

    def targets(self) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
        """Return the labels and the weights of the batch that is being worked on."""
        begin, count = self.clocks[clock.START], self.clocks[clock.COUNT]
        chosen = self._brought["order"][begin : begin + count]
        weighted = self._brought["weighted"]
        return (
            self._brought["labels"][chosen],
            self._brought["weights"][chosen] if weighted else None,
        )

    def start(self, made: int) -> None:
        """Set the clocks to before the first step of a run; `made` steps were made before."""
        clocks = self.clocks.reshape(self.workers, clock.WORDS)
        clocks[...] = 0
        clocks[:, clock.STEP] = -1
        clocks[:, clock.TOTAL] = made - 1

    def run(self, steps: int, workers: int, first: int = 0, last: int | None = None) -> bool:
        """Run steps, or the phases from `first` up to `last` of one; say whether all went well.

        It is run by `workers` threads, or fewer where others are at work.
        """
        with reserve_threads(min(workers, self.workers), self.workers) as count:
            return self._run(steps, count, first, last)

    def step(self, seed: int) -> bool:
        """Make a step phase by phase, where Python has a part in it; say whether all went well.

        Whatever Python may raise comes before the update begins: such a step does not count.

        Args:
            seed: the run's seed.
        """
        for number, phase in enumerate(self.plan.phases):
            if phase.call is None:
                if not self.run(1, 1, number, number + 1):
                    return False
                continue
            try:
                with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                    phase.call(self, seed)
            except BaseException:
                self.clocks[clock.STOP] = 1
                raise
        return True

    def _run(self, steps: int, workers: int, first: int, last: int | None) -> bool:
        clocks = self.clocks.reshape(self.workers, clock.WORDS)
        clocks[1:] = clocks[0]  # not all of them may have been at work before
        count = (len(self.plan.phases) if last is None else last) - first
        self._calls[:, _STEPS] = steps
        self._calls[:, _PHASES] = self._first_phase + first * self._phases.strides[0]
        self._calls[:, _PHASE_COUNT] = count
        if workers == 1:
            self._calls[:, _WORKERS] = 1
            function(_DRIVER)(self._call_at[0])
        else:
            run_uninterruptible(partial(self._together, workers))
        return bool(self.clocks[clock.STOP] == 0)

    def _together(self, workers: int) -> bool:
        """Let several workers run what the calls say: fewer where the system has no more threads.

        None may begin before all are there, for each waits for all the others. There is no more
        to do then.
        """
        driver, gate = function(_DRIVER), threading.Lock()
        ends: list[threading.Lock] = []

        def help_with(call: int, end: threading.Lock) -> None:
            with gate:
                pass
            driver(call)
            end.release()

        with gate:
            for call in self._call_at[1:workers]:
                end = acquired_lock()
                try:
                    start(help_with, call, end)
                except RuntimeError:
                    break
                ends.append(end)
            self._calls[:, _WORKERS] = 1 + len(ends)
        driver(self._call_at[0])
        for end in ends:
            end.acquire()
        return False

    def _prepare_calls(self) -> None:
        """Write down what each worker's call of the driver takes; `run` adds what differs."""
        tables = (self._stages, self._arguments, self._blocks, self.clocks)
        addresses = [int(table.ctypes.data) for table in tables]
        barrier, phases = int(self._barrier.ctypes.data), int(self._phases.ctypes.data)
        rows = [
            (0, phases, 0, *addresses, worker, 0, barrier, yield_thread())
            for worker in range(self.workers)
        ]
        self._calls, self._first_phase = np.array(rows, np.int64), phases
        begin, step = int(self._calls.ctypes.data), self._calls.strides[0]
        self._call_at = [begin + worker * step for worker in range(self.workers)]

    def _place(self, buffer: Buffer, phases: list[int]) -> None:
        """Give a buffer its memory."""
        slots = self.plan.slots(buffer, phases, self.workers)
        by_worker = buffer.each or (not buffer.single and len(phases) == 1)
        size = buffer.step + by_worker * APART // np.dtype(buffer.dtype).itemsize
        self._slots[buffer] = aligned(slots * size, buffer.dtype).reshape(slots, size)
        by_chunk = not buffer.single and not by_worker
        self._strides[buffer] = (size * by_chunk, size * by_worker)

    def _write(self, phases: list[Phase]) -> None:
        """Write the tables that the driver reads."""
        code = addresses([_DRIVER, *(stage.kernel for stage in self.plan.stages)])
        phase_rows: list[tuple[int, ...]] = []
        stage_rows: list[tuple[int, ...]] = []
        rows: list[tuple[int, ...]] = []
        for phase in phases:
            first = len(stage_rows)
            for stage in phase.stages:
                stage_rows.append((code[stage.kernel], len(rows), len(stage.arguments)))
                for argument, kind in handed(stage):
                    if isinstance(argument, Inlet):
                        self._inlets.setdefault(argument.name, []).append((len(rows), kind))
                    rows.append(self._row(argument, kind))
            row = (first, len(stage_rows), int(phase.kind), phase.tiles, phase.apart)
            phase_rows.append(row)
        self._phases = np.array(phase_rows, np.int64)
        self._stages = np.array(stage_rows, np.int64)
        self._arguments = np.array(rows, np.int64)

    def _row(self, argument: Argument, kind: str) -> tuple[int, int, int, int]:
        """Return an argument as a number, and what to add to it per chunk, tile and worker."""
        match argument:
            case Place():
                return self._row_of_place(argument)
            case Inlet():
                return (0, 0, 0, 0)
            case Stride(buffer):
                return (self._strides[buffer][0], 0, 0, 0)
            case Part():
                return self._row_of_part(argument)
            case Buffer() | np.ndarray():
                return self._row_of_part(Part(argument))
            case _:
                return (word(argument, kind), 0, 0, 0)

    def _row_of_place(self, place: Place) -> tuple[int, int, int, int]:
        clocks = int(self.clocks.ctypes.data)
        return {
            Place.CHUNK: (0, 1, 0, 0),
            Place.TILE: (0, 0, 1, 0),
            Place.WORKER: (0, 0, 0, 1),
            Place.CLOCK: (clocks, 0, 0, clock.WORDS * 8),
        }[place]

    def _row_of_part(self, part: Part) -> tuple[int, int, int, int]:
        whole, offset, per_tile = part
        chunk, worker = 0, 0
        if isinstance(whole, Buffer):
            chunk, worker = self._strides[whole]
            whole = self._slots[whole]
        self._alive.append(whole)
        width = whole.itemsize
        begin = int(whole.ctypes.data) + offset * width
        return (begin, chunk * width, per_tile * width, worker * width)
