"""An outline as lines of text, as wide as there is room."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handgrad.engines.compiled.report.report import KernelLine, Outline, PhaseLine

_NUMBER = 13  # the width of a column of numbers
_BESIDE = 44  # a formula that has less room than this beside its kernel goes under it


def printed(outline: Outline, width: int) -> list[str]:
    """Return the lines of an outline; headings begin at the margin, all else is indented.

    Args:
        outline: what to print.
        width: how many characters a line may have.
    """
    width = max(width, 60)
    parts = _head, _layers, _phases, _buffers
    return [line for part in parts for line in (*part(outline, width), "")][:-1]


def _head(outline: Outline, width: int) -> Iterator[str]:
    """Yield what the plan is for, and what concerns no layer alone."""
    workers = f"{outline.workers} worker{'s' * (outline.workers > 1)}"
    images = f"{outline.images} image{'s' * (outline.images > 1)}"
    yield f"{outline.task} of {images} by {workers}"
    kernels = sum(len(phase.kernels) for phase in outline.phases)
    yield from _wrapped(
        f"{len(outline.phases)} phases with {kernels} kernels; {outline.multiply_adds:,} "
        f"multiply-adds an image; {_size(outline.bytes)} of buffers",
        2,
        width,
    )
    names = {layer.name for layer in outline.layers}
    for note in outline.notes:
        if note.partition(": ")[0] not in names:
            yield from _wrapped(note, 2, width)


def _layers(outline: Outline, width: int) -> Iterator[str]:
    """Yield what became of each layer."""
    yield _row("layers", ["forward", "backward"], width)
    name = _widest(layer.name for layer in outline.layers)
    for layer in outline.layers:
        indent = 2 + name + 2
        first, *others = _wrapped(layer.becomes, indent, width - 2 * _NUMBER - 2)
        left = f"  {layer.name:<{name}}  {first[indent:]}"
        yield _row(left, [_count(layer.forward), _count(layer.backward)], width)
        yield from others
    yield from _wrapped("multiply-adds for one image, with the layer's weights", 2, width)


def _phases(outline: Outline, width: int) -> Iterator[str]:
    """Yield each phase with its kernels."""
    yield _row("phases", ["multiply-adds", "bytes"], width)
    kernels = [kernel for phase in outline.phases for kernel in phase.kernels]
    layer = _widest(kernel.layer for kernel in kernels)
    name = _widest(_kernel(kernel) for kernel in kernels)
    for number, phase in enumerate(outline.phases, 1):
        numbers = [_count(phase.multiply_adds), _size(phase.bytes)]
        yield _row(f"  {number:>2}  {phase.items}", numbers, width)
        yield from _kernels(phase, layer, name, width)
    yield from _wrapped(
        "The kernels of a phase run one after another for each item, so that what one leaves is "
        "still in the cache for the next; between phases the workers wait for each other. Bytes "
        "are those read or written in a step, each place counted once a phase. 6x4: the tile of "
        "sums that a kernel keeps in registers.",
        2,
        width,
    )


def _kernels(phase: PhaseLine, layer: int, name: int, width: int) -> Iterator[str]:
    """Yield the kernels of a phase: each with its formula beside it, or under it."""
    for kernel in phase.kernels:
        left = f"      {kernel.layer:<{layer}}  {_kernel(kernel):<{name}}"
        if width - len(left) - 2 >= _BESIDE:
            indent = len(left) + 2
            first, *others = _wrapped(kernel.formula, indent, width)
            yield f"{left}  {first[indent:]}"
            yield from others
        else:
            yield left.rstrip()
            yield from _wrapped(kernel.formula, 10, width)


def _buffers(outline: Outline, width: int) -> Iterator[str]:
    """Yield the buffers, and what they take together."""
    yield _row("buffers", ["each", "times", "bytes"], width)
    for buffer in outline.buffers:
        sizes = [_size(buffer.bytes), f"{buffer.times:,}", _size(buffer.bytes * buffer.times)]
        yield _row(f"  {buffer.name}", sizes, width)
    yield _row("  all together", ["", "", _size(outline.bytes)], width)


def _row(left: str, numbers: Iterable[str], width: int) -> str:
    """Return a line with numbers in columns at its right end."""
    right = "".join(f"{number:>{_NUMBER}}" for number in numbers)
    return f"{left:<{width - len(right)}}{right}".rstrip()


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    """Return a text in lines, each indented; at least one, if it is empty."""
    space = " " * indent
    return textwrap.wrap(text, width, initial_indent=space, subsequent_indent=space) or [space]


def _kernel(kernel: KernelLine) -> str:
    """Return a kernel's name and the size of its tile."""
    return f"{kernel.kernel} {'x'.join(map(str, kernel.tile.values()))}".rstrip()


def _widest(words: Iterable[str]) -> int:
    return max(map(len, words), default=0)


def _count(number: int) -> str:
    """Return a count; of none, nothing."""
    return f"{number:,}" if number else ""


def _size(number: float) -> str:
    """Return bytes as a person says them."""
    units = ["B", "KiB", "MiB", "GiB"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop(0)
    return (
        f"{number:.0f} {units[0]}"
        if number >= 100 or units[0] == "B"
        else f"{number:.1f} {units[0]}"
    )
