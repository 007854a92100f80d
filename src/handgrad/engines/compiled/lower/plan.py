"""A plan: the kernels that make up a training step, in order, and the buffers between them.

A step is a list of phases. The stages of a phase are run one after another for each of its items,
so that what one leaves behind is still in the core's cache for the next; between phases the workers
wait for each other. A buffer that only one phase uses exists once for each worker; one that lies
between phases exists for each chunk of 16 images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.compiler import Kernel
from handgrad.engines.compiled.kernels.phases import Kind

_ANY = 1 << 30  # however many workers there are


class Place(IntEnum):
    """An argument that is known only while running."""

    CHUNK = 0
    TILE = 1
    WORKER = 2
    CLOCK = 3


@dataclass(eq=False)
class Buffer:
    """Room for what stages hand on.

    Attributes:
        name: what it holds.
        size: how many numbers, for one chunk.
        dtype: their kind.
        single: whether there is one for all chunks.
        each: whether every worker has one of its own.
        shares: how many times it exists for each share of the pixels: first all chunks of one
            share, and then of the next, for machines fetch what lies just ahead, unasked, and
            would take it from the other worker.
    """

    name: str
    size: int
    dtype: Any = np.float32
    single: bool = False
    each: bool = False
    shares: int = 1

    @property
    def step(self) -> int:
        """How many numbers there are from one to the next: whole cache lines."""
        line = 64 // np.dtype(self.dtype).itemsize
        return -(-self.size // line) * line


class Part(NamedTuple):
    """A buffer or an array from `offset` on, moved by `per_tile` from tile to tile."""

    whole: Buffer | NDArray[Any]
    offset: int = 0
    per_tile: int = 0


class Stride(NamedTuple):
    """How many numbers lie between a buffer's chunks."""

    buffer: Buffer


class Inlet(NamedTuple):
    """An argument that each run brings along."""

    name: str


Argument: TypeAlias = "int | float | Buffer | Part | Stride | Inlet | Place | NDArray[Any]"


class Stage(NamedTuple):
    """A kernel and what it works on.

    Attributes:
        kernel: which one.
        arguments: in the kernel's order.
        layer: the name of the layer that it belongs to.
    """

    kernel: Kernel
    arguments: tuple[Argument, ...]
    layer: str


@dataclass
class Phase:
    """Stages between two points where workers meet.

    Attributes:
        kind: what its items are.
        tiles: how many tiles there are, or into how many each item is split.
        apart: up to how many workers need not meet after it.
    """

    kind: Kind
    tiles: int = 1
    apart: int = 1
    stages: list[Stage] = field(default_factory=list)
    call: Callable[..., None] | None = None
    uses: tuple[Buffer, ...] = ()
    layer: str = ""

    @property
    def by_chunk(self) -> bool:
        """Whether each of its items is a whole chunk."""
        return self.kind is Kind.CHUNKS and self.tiles == 1


@dataclass
class Plan:
    """A network's training step, or its inference, as phases.

    Attributes:
        chunks: for how many chunks of 16 images there is room.
        phases: the work, in order.
        notes: what was fused and chosen, in words.
        multiply_adds: of one image, all products together.
    """

    chunks: int
    phases: list[Phase] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    multiply_adds: int = 0
    layer: str = ""
    _met: bool = False
    _beside: bool = False
    _prepared: bool = False

    def meet(self) -> None:
        """Let all workers meet before the next stage, whatever its kind."""
        self._met = True

    def beside(self) -> None:
        """Say that the next phase needs nothing of the last: between them nobody waits."""
        self._beside = True

    def emit(
        self, kind: Kind, name: str, *arguments: Argument, tiles: int = 1, **sizes: int
    ) -> None:
        """Add a stage, to the phase that is being filled where it is of this kind.

        Two workers each have half of the chunks, and need not wait for each other before a phase
        in which each goes on with its own half.
        """
        last = self.phases[-1] if self.phases else None
        if self._met or last is None or (last.kind, last.tiles) != (kind, tiles):
            own = last is not None and (last.kind is Kind.HALVES or last.by_chunk)
            if last is not None and own and kind is Kind.HALVES and not self._met:
                last.apart = 2
            if last is not None and self._beside:
                last.apart = _ANY
            self.phases.append(Phase(kind, tiles))
            self._met = False
        self._beside = False
        stage = Stage(Kernel(name, tuple(sizes.items())), arguments, self.layer)
        self.phases[-1].stages.append(stage)

    def share(self, buffer: Buffer) -> Part:
        """Return a share's part of a buffer, where tiles are shares."""
        return Part(buffer, 0, self.chunks * buffer.step)

    def prepare(self, name: str, *arguments: Argument, tiles: int = 1) -> None:
        """Add a phase that is run before the images come in; none needs what another makes."""
        stage = Stage(Kernel(name), (*arguments, Place.TILE), self.layer)
        apart = _ANY if self._prepared else 1
        self.phases.insert(1, Phase(Kind.TILES, tiles, apart, stages=[stage]))
        self._prepared = True

    def python(self, call: Callable[..., None], *uses: Buffer) -> None:
        """Add a function that Python calls for the whole batch, and the buffers that it uses."""
        self.phases.append(Phase(Kind.PYTHON, call=call, uses=uses, layer=self.layer))

    @property
    def stages(self) -> list[Stage]:
        """All stages in order."""
        return [stage for phase in self.phases for stage in phase.stages]

    def buffers(self) -> dict[Buffer, list[int]]:
        """Return every buffer, and the phases that use it; -1 is one that walks over its chunks."""
        used: dict[Buffer, list[int]] = {}
        for number, phase in enumerate(self.phases):
            arguments = [a for stage in phase.stages for a in stage.arguments]
            for argument in [*arguments, *phase.uses]:
                whole = argument[0] if isinstance(argument, Part | Stride) else argument
                place = -1 if isinstance(argument, Stride) else number
                if isinstance(whole, Buffer) and place not in used.setdefault(whole, []):
                    used[whole].append(place)
        return used

    def slots(self, buffer: Buffer, phases: list[int], workers: int) -> int:
        """Return how many times a buffer exists."""
        if buffer.shares > 1:
            return buffer.shares * self.chunks
        if buffer.single:
            return 1
        if buffer.each:
            return workers
        return workers if len(phases) == 1 else self.chunks
