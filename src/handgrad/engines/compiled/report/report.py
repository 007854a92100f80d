"""A plan as a person reads it: what became of each layer, the phases, the kernels, the buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.calls import Argument, Buffer, ChunkStride, RunArgument, View
from handgrad.engines.compiled.lower.plan import Phase, Plan
from handgrad.engines.compiled.report.formulas import formula
from handgrad.engines.compiled.report.network_info import Subject
from handgrad.engines.compiled.report.text import printed

# What the name of a kernel begins with that makes the products of a layer's weights.
_FORWARD, _BACKWARD = ("forward", "infer"), ("backward", "gradient", "update")


@dataclass(frozen=True)
class LayerLine:
    """A layer in the plan.

    Attributes:
        name: its number and kind, such as "2 Dense".
        becomes: what was made of it, or where its kernels are.
        forward: the products with its weights for one image.
        backward: likewise, on the way back.
    """

    name: str
    becomes: str
    forward: int
    backward: int


@dataclass(frozen=True)
class KernelLine:
    """A kernel in its place.

    Attributes:
        layer: the layer, or the part of the step, that it belongs to.
        kernel: its file and function, such as "dense.forward".
        tile: the sizes that it is compiled for.
        formula: what it computes.
        multiply_adds: the products with a layer's weights that it makes for one image.
    """

    layer: str
    kernel: str
    tile: dict[str, int]
    formula: str
    multiply_adds: int


@dataclass(frozen=True)
class PhaseLine:
    """A phase: its kernels run one after another for each item; then all workers meet.

    Attributes:
        items: what it is run for.
        kernels: what is run.
        multiply_adds: their products for one image.
        bytes: what they read or write in a step, each place counted once.
    """

    items: str
    kernels: tuple[KernelLine, ...]
    multiply_adds: int
    bytes: int


@dataclass(frozen=True)
class BufferLine:
    """A buffer: what it holds, its bytes, and how many times it exists."""

    name: str
    bytes: int
    times: int


@dataclass(frozen=True)
class Outline:
    """A plan in words and numbers: print it, or read it.

    Attributes:
        task: what the plan is for.
        images: for how many images at a time.
        workers: how many work on it.
        notes: what was fused and chosen.
        layers: what became of each layer.
        phases: the work, in order.
        buffers: the room that it takes.
        multiply_adds: products with weights for one image, all together.
        bytes: of all buffers.
    """

    task: str
    images: int
    workers: int
    notes: tuple[str, ...]
    layers: tuple[LayerLine, ...]
    phases: tuple[PhaseLine, ...]
    buffers: tuple[BufferLine, ...]
    multiply_adds: int
    bytes: int

    def __str__(self) -> str:
        return self.text()

    def text(self, width: int = 100) -> str:
        """Return it as text whose lines have at most so many characters."""
        return "\n".join(printed(self, width))

    def plain(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


def outline(plan: Plan, subject: Subject, images: int, workers: int, learning: bool) -> Outline:
    """Return a plan in words and numbers.

    Args:
        plan: the plan.
        subject: what it is made of.
        images: for how many at a time.
        workers: how many are to work on it.
        learning: whether it is of a training step.
    """
    phases = tuple(_phase(plan, phase, subject) for phase in plan.phases)
    buffers = tuple(
        BufferLine(buffer.name, _bytes(buffer), plan.copies(buffer, used, workers))
        for buffer, used in plan.buffers().items()
    )
    return Outline(
        task="training step" if learning else "inference",
        images=images,
        workers=workers,
        notes=tuple(plan.notes),
        layers=tuple(_layer(name, plan, phases) for name in subject.work),
        phases=phases,
        buffers=buffers,
        multiply_adds=sum(phase.multiply_adds for phase in phases),
        bytes=sum(buffer.bytes * buffer.times for buffer in buffers),
    )


def _layer(name: str, plan: Plan, phases: Sequence[PhaseLine]) -> LayerLine:
    """Return what became of a layer."""
    kernels = [line for phase in phases for line in phase.kernels if line.layer == name]
    said = [note.partition(": ")[2] for note in plan.notes if note.startswith(f"{name}: ")]
    places = [
        str(number)
        for number, phase in enumerate(plan.phases, 1)
        if phase.layer == name or any(stage.layer == name for stage in phase.calls)
    ]
    if places:
        said.append(f"in phase{'s' * (len(places) > 1)} {', '.join(places)}")
    forward, backward = (
        sum(line.multiply_adds for line in kernels if _makes(line.kernel, ways))
        for ways in (_FORWARD, _BACKWARD)
    )
    return LayerLine(name, "; ".join(said) or "nothing to compute", forward, backward)


def _phase(plan: Plan, phase: Phase, subject: Subject) -> PhaseLine:
    """Return what a phase does."""
    kernels = tuple(
        KernelLine(
            layer=stage.layer,
            kernel=stage.kernel.name,
            tile={name.lower(): size for name, size in stage.kernel.tile},
            formula=formula(stage.kernel),
            multiply_adds=subject.work.get(stage.layer, 0)
            if _makes(stage.kernel.name, _FORWARD + _BACKWARD)
            else 0,
        )
        for stage in phase.calls
    )
    return PhaseLine(
        _items(phase),
        kernels,
        sum(kernel.multiply_adds for kernel in kernels),
        _touched(plan, phase, subject),
    )


def _items(phase: Phase) -> str:
    """Return what a phase is run for."""
    pieces = f"{phase.tiles} pieces"
    match phase.kind:
        case Kind.TILES:
            return f"in {pieces}" if phase.tiles > 1 else "once"
        case Kind.CHUNKS:
            return f"each {LANES} images" + (f" in {pieces}" if phase.tiles > 1 else "")
        case Kind.TILES_BY_HALF:
            return f"in {pieces}, by halves of the batch"
        case Kind.CHUNKS_BY_SHARE:
            return f"each {LANES} images, by {phase.tiles} shares of the pixels"
        case Kind.EACH_WORKER:
            return "each worker for itself"
        case Kind.PYTHON:
            return f"the whole batch, in Python: {phase.layer}"


def _makes(kernel: str, ways: Sequence[str]) -> bool:
    """Say whether a kernel makes a layer's products on its way."""
    return kernel.partition(".")[2].split("_")[0] in ways


def _touched(plan: Plan, phase: Phase, subject: Subject) -> int:
    """Return how many bytes a phase reads or writes in a step of whole chunks."""
    arguments = [a for stage in phase.calls for a in stage.arguments]
    sizes: dict[Any, int] = {}
    for argument in [*arguments, *phase.uses]:
        sizes |= _place(argument, plan.chunks, phase.tiles, subject)
    return sum(sizes.values())


def _place(argument: Argument, chunks: int, tiles: int, subject: Subject) -> dict[Any, int]:
    """Return the place in memory that an argument stands for, if any, and its bytes in a step."""
    if isinstance(argument, RunArgument) and argument.name == "images":
        return {argument: subject.image * chunks * LANES}
    part = argument if isinstance(argument, View | ChunkStride) else (argument,)
    whole = part[0]
    if isinstance(whole, Buffer):
        return {whole: _bytes(whole) * (1 if whole.shared else chunks)}
    if not isinstance(whole, np.ndarray):
        return {}
    if isinstance(argument, View):  # of all learned arrays in a row
        numbers = tiles * argument.per_tile or subject.slots[argument.offset]
        return {(id(whole), argument.offset): numbers * whole.itemsize}
    return {id(whole): whole.nbytes}


def _bytes(buffer: Buffer) -> int:
    """Return the bytes of a buffer."""
    return buffer.size * np.dtype(buffer.dtype).itemsize
