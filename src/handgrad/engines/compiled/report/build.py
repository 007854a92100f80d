"""Builds a PlanReport from a plan, adding costs and formulas from the kernels' docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handgrad.engines.compiled.jit.compiler import Kernel
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout
from handgrad.engines.compiled.lower.plan import (
    Argument,
    Buffer,
    ChunkStride,
    Phase,
    Plan,
    RunArgument,
    View,
)
from handgrad.engines.compiled.report.plan_report import (
    BufferLine,
    KernelLine,
    LayerLine,
    PhaseLine,
    PlanReport,
)
from handgrad.network import Network

_KERNELS = Path(__file__).parents[1] / "kernels"

# Kernels that multiply by a layer's weights have names that begin with one of these words.
_FORWARD, _BACKWARD = ("forward", "infer"), ("backward", "gradient", "update")


def build_report(
    plan: Plan, net: Network, layout: ParameterLayout, images: int, workers: int, learning: bool
) -> PlanReport:
    """Return the report of a plan.

    Args:
        plan: the plan.
        net: the network for which the plan was made.
        layout: the layout of the network's parameters.
        images: the number of images in a batch.
        workers: the number of threads.
        learning: True for a training step, False for inference.
    """
    facts = _NetworkFacts.of(net, layout)
    phases = tuple(_phase(plan, phase, facts) for phase in plan.phases)
    buffers = tuple(
        BufferLine(buffer.name, _bytes(buffer), plan.copies(buffer, used, workers))
        for buffer, used in plan.buffers().items()
    )
    return PlanReport(
        task="training step" if learning else "inference",
        images=images,
        workers=workers,
        notes=tuple(plan.notes),
        layers=tuple(_layer(name, plan, phases) for name in facts.multiply_adds),
        phases=phases,
        buffers=buffers,
        multiply_adds=sum(phase.multiply_adds for phase in phases),
        bytes=sum(buffer.bytes * buffer.times for buffer in buffers),
    )


class _NetworkFacts(NamedTuple):
    """Information about the network that the report needs and the plan does not contain.

    Attributes:
        multiply_adds: the number of multiply-adds with each layer's weights per image in the
            forward pass.
        parameter_sizes: the size of each parameter, keyed by its offset in the layout.
        image_bytes: the size of one image in bytes.
    """

    multiply_adds: Mapping[str, int]
    parameter_sizes: Mapping[int, int]
    image_bytes: int

    @classmethod
    def of(cls, net: Network, layout: ParameterLayout) -> _NetworkFacts:
        X = np.zeros((1, *net.shape), net.dtype)
        return cls(
            {
                f"{step.path} {type(step.layer).__name__}": step.multiply_adds
                for step in net.walk(X, inner=True)
            },
            {slot.offset: slot.size for slot in layout.slots.values()},
            X.size,
        )


def _layer(name: str, plan: Plan, phases: Sequence[PhaseLine]) -> LayerLine:
    """Return the line of the report about a layer, with the layer's kernels and multiply-adds."""
    kernels = [line for phase in phases for line in phase.kernels if line.layer == name]
    facts = [note.partition(": ")[2] for note in plan.notes if note.startswith(f"{name}: ")]
    numbers = [
        str(number)
        for number, phase in enumerate(plan.phases, 1)
        if phase.layer == name or any(stage.layer == name for stage in phase.calls)
    ]
    if numbers:
        facts.append(f"in phase{'s' * (len(numbers) > 1)} {', '.join(numbers)}")
    forward, backward = (
        sum(line.multiply_adds for line in kernels if _multiplies(line.kernel, words))
        for words in (_FORWARD, _BACKWARD)
    )
    return LayerLine(name, "; ".join(facts) or "nothing to compute", forward, backward)


def _phase(plan: Plan, phase: Phase, facts: _NetworkFacts) -> PhaseLine:
    """Return the line of the report about a phase, with the phase's kernels and bytes."""
    kernels = tuple(
        KernelLine(
            layer=stage.layer,
            kernel=stage.kernel.name,
            tile={name.lower(): size for name, size in stage.kernel.tile},
            formula=formula(stage.kernel),
            multiply_adds=facts.multiply_adds.get(stage.layer, 0)
            if _multiplies(stage.kernel.name, _FORWARD + _BACKWARD)
            else 0,
        )
        for stage in phase.calls
    )
    return PhaseLine(
        _items(phase),
        kernels,
        sum(kernel.multiply_adds for kernel in kernels),
        _touched_bytes(plan, phase, facts),
    )


def _items(phase: Phase) -> str:
    """Return a description of the work items of a phase."""
    pieces = f"{phase.tiles} pieces"
    match phase.kind:
        case Kind.TILES:
            return f"in {pieces}" if phase.tiles > 1 else "once"
        case Kind.CHUNKS:
            return f"each {LANES} images" + (f" in {pieces}" if phase.tiles > 1 else "")
        case Kind.TILES_BY_HALF:
            return f"in {pieces}, half of the batch each"
        case Kind.CHUNKS_BY_SHARE:
            return f"each {LANES} images, pixels split in {phase.tiles}"
        case Kind.EACH_WORKER:
            return "once per worker"
        case Kind.PYTHON:
            return f"the whole batch, in Python: {phase.layer}"


def _multiplies(kernel: str, words: Sequence[str]) -> bool:
    """Return whether the name of a kernel's function begins with one of the given words."""
    return kernel.partition(".")[2].split("_")[0] in words


def _touched_bytes(plan: Plan, phase: Phase, facts: _NetworkFacts) -> int:
    """Return the number of bytes that a phase reads or writes in a step with full chunks."""
    arguments = [a for stage in phase.calls for a in stage.arguments]
    sizes: dict[Any, int] = {}
    for argument in [*arguments, *phase.uses]:
        sizes |= _location(argument, plan.chunks, phase.tiles, facts)
    return sum(sizes.values())


def _location(argument: Argument, chunks: int, tiles: int, facts: _NetworkFacts) -> dict[Any, int]:
    """Return {location: bytes per step} for the memory of an argument, or {} if it has none."""
    if isinstance(argument, RunArgument) and argument.name == "images":
        return {argument: facts.image_bytes * chunks * LANES}
    view = argument if isinstance(argument, View | ChunkStride) else (argument,)
    base = view[0]
    if isinstance(base, Buffer):
        return {base: _bytes(base) * (1 if base.shared else chunks)}
    if not isinstance(base, np.ndarray):
        return {}
    if isinstance(argument, View):  # a part of the row that holds all parameters
        numbers = tiles * argument.per_tile or facts.parameter_sizes[argument.offset]
        return {(id(base), argument.offset): numbers * base.itemsize}
    return {id(base): base.nbytes}


def _bytes(buffer: Buffer) -> int:
    """Return the size of one copy of a buffer in bytes."""
    return buffer.size * np.dtype(buffer.dtype).itemsize


def formula(kernel: Kernel) -> str:
    """Return a kernel's formula, the beginning of its docstring up to the first sentence."""
    family, _, name = kernel.name.partition(".")
    text = _docstrings(family)[name]
    first, *others = (_on_one_line(part) for part in text.split("\n\n"))
    parts = [first]
    for part in others:
        if first.endswith(".") or part.endswith("."):
            break
        parts.append(part)
    return "   ".join(parts)


def _on_one_line(text: str) -> str:
    """Return a paragraph as one line, with three spaces between formulas."""
    return re.sub(r" {2,}", "   ", text.strip().replace("\n", " "))


@cache
def _docstrings(family: str) -> dict[str, str]:
    """Return the docstring of each function in a kernel module, without importing the module."""
    tree = ast.parse((_KERNELS / f"{family}.py").read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_docstring(node) or "" for node in functions}
