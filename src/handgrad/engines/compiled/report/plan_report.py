"""Defines `PlanReport`, which holds the contents of a plan report and formats them as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

_NUMBER = 13  # the width of a column of numbers
_MIN_FORMULA = 44  # a formula with less space beside its kernel moves to the next line


@dataclass(frozen=True)
class LayerLine:
    """A line of the plan report about one layer.

    Attributes:
        name: the index and type of the layer, for example "2 Dense".
        lowered_to: the phases that contain the layer's kernels, or the operation with which the
            layer is fused.
        forward: the number of multiply-adds with the layer's weights per image in the forward pass.
        backward: the number of multiply-adds with the layer's weights per image in the backward
            pass.
    """

    name: str
    lowered_to: str
    forward: int
    backward: int


@dataclass(frozen=True)
class KernelLine:
    """A line of the plan report about one kernel call.

    Attributes:
        layer: the layer, or the part of the step, to which the call belongs.
        kernel: the kernel's file and function, for example "dense.forward".
        tile: the tile sizes for which the kernel is compiled.
        formula: the formula that the kernel computes.
        multiply_adds: the number of multiply-adds with a layer's weights that the call makes per
            image.
    """

    layer: str
    kernel: str
    tile: dict[str, int]
    formula: str
    multiply_adds: int


@dataclass(frozen=True)
class PhaseLine:
    """The plan report's description of one phase, a sequence of kernels run for each work item.

    Attributes:
        items: a description of the work items, for example "each 16 images".
        kernels: the kernel calls, in order.
        multiply_adds: the number of multiply-adds of the kernels per image.
        bytes: the number of bytes that the phase reads or writes in a step; each location counts
            once.
    """

    items: str
    kernels: tuple[KernelLine, ...]
    multiply_adds: int
    bytes: int


@dataclass(frozen=True)
class BufferLine:
    """A line of the plan report about one buffer: contents, size in bytes, number of copies."""

    name: str
    bytes: int
    times: int


@dataclass(frozen=True)
class PlanReport:
    """The compiled engine's plan in readable form. Print the report, or read its attributes.

    Attributes:
        task: "training step" or "inference".
        images: the number of images in a batch.
        workers: the number of threads.
        notes: descriptions of fused operations and chosen kernel variants.
        layers: one line per layer, with the phases that contain the layer's kernels.
        phases: the phases, in order.
        buffers: the buffers.
        multiply_adds: the total number of multiply-adds with the layers' weights per image.
        bytes: the total size of all buffers.
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
        """Return the report as text in which all lines except headings are indented.

        Args:
            width: the maximum length of a line, at least 60.
        """
        width = max(width, 60)
        sections = _head, _layers, _phases, _buffers
        lines = [line for section in sections for line in (*section(self, width), "")]
        return "\n".join(lines[:-1])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary that `json.dumps` accepts."""
        return asdict(self)


def _head(report: PlanReport, width: int) -> Iterator[str]:
    """Yield the lines with the task, the totals, and the notes about the whole network."""
    workers = f"{report.workers} worker{'s' * (report.workers > 1)}"
    images = f"{report.images} image{'s' * (report.images > 1)}"
    yield f"{report.task} of {images} by {workers}"
    kernels = sum(len(phase.kernels) for phase in report.phases)
    yield from _wrapped(
        f"{len(report.phases)} phases with {kernels} kernel calls; {report.multiply_adds:,} "
        f"multiply-adds per image; {_size(report.bytes)} of buffers",
        2,
        width,
    )
    names = {layer.name for layer in report.layers}
    for note in report.notes:
        if note.partition(": ")[0] not in names:
            yield from _wrapped(note, 2, width)


def _layers(report: PlanReport, width: int) -> Iterator[str]:
    """Yield the table of layers, line by line."""
    yield _row("layers", ["forward", "backward"], width)
    name = _widest(layer.name for layer in report.layers)
    for layer in report.layers:
        indent = 2 + name + 2
        first, *others = _wrapped(layer.lowered_to, indent, width - 2 * _NUMBER - 2)
        left = f"  {layer.name:<{name}}  {first[indent:]}"
        yield _row(left, [_count(layer.forward), _count(layer.backward)], width)
        yield from others
    yield from _wrapped(
        "forward and backward: multiply-adds per image with the layer's weights", 2, width
    )


def _phases(report: PlanReport, width: int) -> Iterator[str]:
    """Yield each phase with its kernels."""
    yield _row("phases", ["multiply-adds", "bytes"], width)
    kernels = [kernel for phase in report.phases for kernel in phase.kernels]
    layer = _widest(kernel.layer for kernel in kernels)
    name = _widest(_kernel(kernel) for kernel in kernels)
    for number, phase in enumerate(report.phases, 1):
        numbers = [_count(phase.multiply_adds), _size(phase.bytes)]
        yield _row(f"  {number:>2}  {phase.items}", numbers, width)
        yield from _kernels(phase, layer, name, width)
    yield from _wrapped(
        "The kernels of a phase run one after another for each work item, so the input of the next "
        "kernel is still in the cache. Workers wait for each other between phases. bytes: memory "
        "read or written in a step; each location counts once per phase. 6x4: the size of the tile "
        "of sums that a kernel keeps in registers.",
        2,
        width,
    )


def _kernels(phase: PhaseLine, layer: int, name: int, width: int) -> Iterator[str]:
    """Yield the kernels of a phase, each with its formula beside it or below it."""
    for kernel in phase.kernels:
        left = f"      {kernel.layer:<{layer}}  {_kernel(kernel):<{name}}"
        if width - len(left) - 2 >= _MIN_FORMULA:
            indent = len(left) + 2
            first, *others = _wrapped_formulas(kernel.formula, indent, width)
            yield f"{left}  {first[indent:]}"
            yield from others
        else:
            yield left.rstrip()
            yield from _wrapped_formulas(kernel.formula, 10, width)


def _buffers(report: PlanReport, width: int) -> Iterator[str]:
    """Yield the buffers and their total size."""
    yield _row("buffers", ["each", "copies", "bytes"], width)
    for buffer in report.buffers:
        sizes = [_size(buffer.bytes), f"{buffer.times:,}", _size(buffer.bytes * buffer.times)]
        yield _row(f"  {buffer.name}", sizes, width)
    yield _row("  total", ["", "", _size(report.bytes)], width)


def _row(left: str, numbers: Iterable[str], width: int) -> str:
    """Return a line of text with right-aligned columns of numbers at its end."""
    right = "".join(f"{number:>{_NUMBER}}" for number in numbers)
    return f"{left:<{width - len(right)}}{right}".rstrip()


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    """Wrap a text into indented lines; an empty text gives one line."""
    space = " " * indent
    return textwrap.wrap(text, width, initial_indent=space, subsequent_indent=space) or [space]


def _wrapped_formulas(text: str, indent: int, width: int) -> list[str]:
    """Wrap formulas, separated by three spaces, into indented lines that break between formulas."""
    lines = [""]
    for formula in text.split("   "):
        extended = f"{lines[-1]}   {formula}" if lines[-1] else formula
        if lines[-1] and indent + len(extended) > width:
            lines.append(formula)
        else:
            lines[-1] = extended
    return [part for line in lines for part in _wrapped(line, indent, width)]


def _kernel(kernel: KernelLine) -> str:
    """Return a kernel's name and its tile size."""
    return f"{kernel.kernel} {'x'.join(map(str, kernel.tile.values()))}".rstrip()


def _widest(words: Iterable[str]) -> int:
    return max(map(len, words), default=0)


def _count(number: int) -> str:
    """Return a number with thousands separators, or an empty string for 0."""
    return f"{number:,}" if number else ""


def _size(number: float) -> str:
    """Format a number of bytes with a unit."""
    units = ["B", "KiB", "MiB", "GiB"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop(0)
    decimals = 0 if number >= 100 or units[0] == "B" else 1
    return f"{number:.{decimals}f} {units[0]}"
