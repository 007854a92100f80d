"""Defines `Plan`, which contains the ordered kernel calls of a step and their buffers.

A step is a list of phases. A worker makes all calls of a phase for one item before it starts the
next item, so that the results of one call are still in the core's cache for the next call. Between
two phases, the workers wait for each other if `barriers` determines that this is necessary. A
buffer that is used by only one phase has one copy per worker. Other buffers have one copy per chunk
of 16 images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.barriers import (
    NEVER,
    Items,
    Region,
    can_share_phase,
    place_barriers,
    regions,
)
from handgrad.engines.compiled.lower.calls import (
    Argument,
    Buffer,
    ChunkStride,
    KernelCall,
    RunArgument,
    View,
)

__all__ = [
    "Argument",
    "Buffer",
    "ChunkStride",
    "KernelCall",
    "Phase",
    "Plan",
    "PythonCall",
    "RunArgument",
    "RunningProgram",
    "View",
]


class RunningProgram(Protocol):
    """The memory of a running program, as seen by the Python functions in its phases.

    Attributes:
        step_states: the step state of each worker, one after another.
    """

    step_states: NDArray[np.int64]

    def array(self, buffer: Buffer) -> NDArray[Any]:
        """Return a buffer's memory as an array with one row per copy of the buffer."""

    def targets(self) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
        """Return the labels and the weights of the current batch."""


PythonCall = Callable[[RunningProgram, int], None]  # takes the program and the run's seed


@dataclass
class Phase:
    """A list of kernel calls that a worker makes one after another for each work item.

    Attributes:
        items: the work items over which the phase iterates.
        calls: the kernel calls, in order.
        barrier_above: after the phase, more workers than this number need a barrier.
        python: a Python function that is called for the whole batch, or None if the phase calls
            kernels.
        uses: the buffers that the Python function uses.
        layer: the layer that the Python function belongs to.
    """

    items: Items
    calls: list[KernelCall] = field(default_factory=list)
    barrier_above: int = NEVER
    python: PythonCall | None = None
    uses: tuple[Buffer, ...] = ()
    layer: str = ""
    regions: list[Region] = field(default_factory=list, repr=False)

    @property
    def kind(self) -> Kind:
        """The kind of the phase's work items."""
        return self.items.kind

    @property
    def tiles(self) -> int:
        """The number of tiles in the phase or, if the work items are chunks, in each chunk."""
        return self.items.tiles

    def append(self, call: KernelCall, touched: list[Region]) -> None:
        """Add a kernel call and the memory that the call accesses."""
        self.calls.append(call)
        self.regions += touched


@dataclass
class Plan:
    """A network's training step or inference pass, divided into phases.

    Attributes:
        chunks: the maximum batch size, in chunks of 16 images.
        phases: the phases, in order.
        notes: for the plan report, one sentence about each optimization that was applied.
        multiply_adds: the number of multiply-adds per image in a step.
        layer: the name of the layer, or of the part of the step, to which new calls belong.
    """

    chunks: int
    phases: list[Phase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    multiply_adds: int = 0
    layer: str = ""

    def emit(
        self,
        items: Items,
        kernel: str,
        constants: Mapping[str, int] | None = None,
        /,
        **arguments: Argument,
    ) -> None:
        """Add a kernel call to the last phase, or to a new phase if necessary.

        Args:
            items: the work items for which the call is made.
            kernel: the name of the kernel, for example "dense.forward".
            constants: the constants for which the kernel is compiled, for example {"ROWS": 8}.
            **arguments: the kernel's arguments by name, except `chunk`, `worker` and `step_state`,
                which are added automatically.

        Raises:
            TypeError: if the arguments do not match the parameters of the kernel.
        """
        call = KernelCall.of(kernel, constants or {}, arguments, self.layer)
        touched = regions(call, items, self.chunks)
        last = self.phases[-1] if self.phases else None
        if last is None or last.items != items or not can_share_phase(last.regions, touched):
            self.phases.append(Phase(items))
        self.phases[-1].append(call, touched)

    def emit_before_images(self, items: Items, kernel: str, /, **arguments: Argument) -> None:
        """Add a kernel call at the beginning of the step, before the images are read."""
        call = KernelCall.of(kernel, {}, arguments, self.layer)
        phase = Phase(items)
        phase.append(call, regions(call, items, self.chunks))
        self.phases.insert(1, phase)

    def python(self, call: PythonCall, *uses: Buffer) -> None:
        """Add a Python function that is called for the whole batch, and the buffers it uses."""
        phase = Phase(Items(Kind.PYTHON), python=call, uses=uses, layer=self.layer)
        self.phases.append(phase)

    def place_barriers(self) -> None:
        """Place the barriers between phases. Call this method after adding all kernel calls."""
        touched = [None if phase.python else phase.regions for phase in self.phases]
        for_two = place_barriers(touched, workers=2)
        for_more = place_barriers(touched, workers=3, given=for_two)
        for number, phase in enumerate(self.phases):
            if number in for_two:
                phase.barrier_above = 1
            elif number in for_more:
                phase.barrier_above = 2
            else:
                phase.barrier_above = NEVER

    def by_share(self, buffer: Buffer) -> View:
        """Return a view of a buffer in which tile number i selects share number i of the pixels."""
        return View(buffer, 0, self.chunks * buffer.step)

    @property
    def calls(self) -> list[KernelCall]:
        """All kernel calls in order."""
        return [call for phase in self.phases for call in phase.calls]

    def buffers(self) -> dict[Buffer, list[int]]:
        """Return every buffer with the numbers of the phases that use the buffer.

        The phase number -1 means that a kernel iterates over the buffer's chunks.
        """
        used: dict[Buffer, list[int]] = {}
        for number, phase in enumerate(self.phases):
            arguments = [argument for call in phase.calls for argument in call.arguments]
            for argument in [*arguments, *phase.uses]:
                base = argument[0] if isinstance(argument, View | ChunkStride) else argument
                user = -1 if isinstance(argument, ChunkStride) else number
                if isinstance(base, Buffer) and user not in used.setdefault(base, []):
                    used[base].append(user)
        return used

    def copies(self, buffer: Buffer, phases: list[int], workers: int) -> int:
        """Return the number of copies of a buffer.

        Args:
            buffer: the buffer.
            phases: the numbers of the phases that use the buffer, as returned by `buffers`.
            workers: the number of workers.
        """
        if buffer.shares > 1:
            return buffer.shares * self.chunks
        if buffer.shared:
            return 1
        if buffer.per_worker or len(phases) == 1:
            return workers
        return self.chunks
