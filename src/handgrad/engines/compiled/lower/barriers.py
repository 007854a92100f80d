"""Places barriers, at which workers wait for each other, based on kernels' memory use.

Each kernel declares which memory it reads and writes (`kernels.decorators.kernel`). Two accesses
conflict if they use the same memory, at least one of them is a write, and different workers may
make them. Between two phases with conflicting accesses there must be a barrier.

Within a phase, a worker makes all calls for one item before it starts the next item. Therefore, two
calls may be in the same phase only if no item of one call conflicts with another item of the other
call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from handgrad.engines.compiled.jit.signatures import Access, signature
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower.calls import (
    Argument,
    Buffer,
    KernelCall,
    RunArgument,
    RuntimeIndex,
    View,
)

NEVER = 1 << 30  # more workers than there are

_END = 1 << 60  # beyond the end of every array


class Items(NamedTuple):
    """The work items over which a phase iterates.

    Attributes:
        kind: the kind of the items, such as tiles.
        tiles: the number of tiles or, if the items are chunks, the number of tiles per chunk.
    """

    kind: Kind
    tiles: int = 1


PER_CHUNK = Items(Kind.CHUNKS)
EACH_WORKER = Items(Kind.EACH_WORKER)


def tiles(count: int) -> Items:
    """Return the work items of a phase that has a fixed number of tiles."""
    return Items(Kind.TILES, count)


class _Scope(NamedTuple):
    """The rule by which workers or items access the parts of a memory area.

    Attributes:
        kind: "worker" if each worker has its own memory, "item" if each item has its own part,
            "half" if an item uses the chunks of its half of the batch, or "all" if any item may
            access any part.
        partition: the way in which the memory is divided between the items if `kind` is "item".
    """

    kind: str
    partition: tuple[Any, ...] = ()


_WORKER, _HALF, _ALL = _Scope("worker"), _Scope("half"), _Scope("all")


class Region(NamedTuple):
    """The memory access that all work items of one call make through one pointer.

    Attributes:
        base: the identity of the buffer or array.
        begin: the index of the first element that is accessed.
        end: the index after the last element that is accessed.
        mode: "reads", "writes" or "flags".
        scope: the rule that says which worker or item accesses which part.
        items: the work items of the call's phase.
        name: the kernel and the parameter, for use in messages.
    """

    base: Any
    begin: int
    end: int
    mode: str
    scope: _Scope
    items: Items
    name: str


def regions(call: KernelCall, items: Items, chunks: int) -> list[Region]:
    """Return the memory that a call accesses, except the workers' scratch memory.

    Args:
        call: the call.
        items: the work items of the call's phase.
        chunks: the maximum number of chunks in a batch.

    Raises:
        AssertionError: if two items of the call may write to the same memory.
    """
    accesses, arguments = signature(call.kernel.name).accesses, call.by_name
    found = []
    for name, access in accesses.items():
        argument = arguments[name]
        if isinstance(argument, int | float):  # 0: the array is not used
            continue
        base, begin, end = _interval(argument, items)
        scope = _scope(argument, access, arguments, items, chunks)
        if access.mode == "scratch" and scope == _WORKER:
            continue
        mode = "writes" if access.mode == "scratch" else access.mode
        label = f"{call.kernel.name}: {name}"
        found.append(Region(base, begin, end, mode, scope, items, label))
    for region in found:
        shared = region.scope != _WORKER
        if items.kind is Kind.EACH_WORKER and region.mode == "writes" and shared:
            raise AssertionError(f"{region.name} is written by several workers at once")
        for other in found:
            if region.mode == "writes" and _conflict_between_items(region, other):
                raise AssertionError(f"{region.name} is written by several items at once")
    return found


def can_share_phase(first: Iterable[Region], second: Iterable[Region]) -> bool:
    """Return True if two calls may be in one phase: no item uses another item's results."""
    by_base = _by_base(first)
    return not any(
        _conflict_between_items(region, other)
        for region in second
        for other in by_base.get(region.base, ())
    )


def place_barriers(
    phases: Sequence[Sequence[Region] | None], workers: int, given: Iterable[int] = ()
) -> set[int]:
    """Return the phases of a step after which the workers must wait for each other.

    Each barrier is placed as late as possible. The last phases of a step are also compared with the
    first phases of the next step, which follows directly.

    Args:
        phases: the accesses of each phase, or None for a Python function, which may access
            any memory.
        workers: the number of workers. The value 3 also represents any larger number.
        given: the phases after which a barrier is already placed.
    """
    after = set(given)
    pending: dict[Any, list[tuple[int, Region]]] = {}  # since the last barrier, with their step
    for step in (0, 1):
        for number, accesses in enumerate(phases):
            before = (number - 1) % len(phases)
            python = accesses is None or phases[before] is None
            if before in after or python or _conflicts(pending, accesses or (), step, workers):
                if (step, number) != (0, 0):
                    after.add(before)
                pending.clear()
            for region in accesses or ():
                pending.setdefault(region.base, []).append((step, region))
    return after


def conflict(first: Region, second: Region, same_step: bool, workers: int) -> bool:
    """Return whether two accesses need a barrier between them.

    Args:
        first: an access in one phase.
        second: an access in a later phase.
        same_step: whether both accesses belong to the same step. Different steps may have
            different numbers of chunks, and may assign a chunk to different workers.
        workers: the number of workers.
    """
    if not _may_touch_the_same(first, second):
        return False
    scopes = {first.scope, second.scope}
    if scopes == {_WORKER}:
        return False
    if first.scope.kind == "item" and _same_items(first, second):
        by_chunk = first.items.kind in (Kind.CHUNKS, Kind.CHUNKS_BY_SHARE)
        return by_chunk and not same_step
    # Of two workers, each has the same half of the chunks in both kinds of phases.
    by_half = all(region.scope == _HALF or _is_chunk(region) for region in (first, second))
    return not (by_half and same_step and workers <= 2)


def _conflicts(
    pending: Mapping[Any, Sequence[tuple[int, Region]]],
    accesses: Iterable[Region],
    step: int,
    workers: int,
) -> bool:
    """Return whether one of the given accesses conflicts with one of the pending accesses."""
    return any(
        conflict(other, region, step == of_step, workers)
        for region in accesses
        for of_step, other in pending.get(region.base, ())
    )


def _conflict_between_items(first: Region, second: Region) -> bool:
    """Return whether two accesses by different items of one phase may conflict.

    Conflicts in a worker's own memory are included, because the worker's next item would overwrite
    the results of the current item.
    """
    if not _may_touch_the_same(first, second) or first.items.kind is Kind.EACH_WORKER:
        return False
    return not (first.scope.kind == "item" and _same_items(first, second))


def _may_touch_the_same(first: Region, second: Region) -> bool:
    """Return whether two accesses may overlap, and are not both reads or both writes of a flag."""
    modes = {first.mode, second.mode}
    overlap = first.begin < second.end and second.begin < first.end
    return first.base == second.base and overlap and modes not in ({"reads"}, {"flags"})


def _same_items(first: Region, second: Region) -> bool:
    """Return whether both accesses assign each part of the memory to the same item."""
    return first.scope == second.scope and first.items == second.items


def _is_chunk(region: Region) -> bool:
    """Return whether the items of an access are chunks, each of which has its own memory."""
    return region.scope.kind == "item" and region.items == PER_CHUNK


def _interval(argument: Argument, items: Items) -> tuple[Any, int, int]:
    """Return the identity of an argument's memory, and the range of elements that are accessed."""
    if isinstance(argument, RunArgument):
        return argument, 0, _END
    view = argument if isinstance(argument, View) else View(argument)  # type: ignore[arg-type]
    base = id(view.base) if isinstance(view.base, np.ndarray) else view.base
    size = view.size
    if size is None:
        size = items.tiles * view.per_tile or _END
    return base, view.offset, view.offset + size


def _scope(
    argument: Argument,
    access: Access,
    arguments: Mapping[str, Argument],
    items: Items,
    chunks: int,
) -> _Scope:
    """Return the rule by which the items of a call access the memory of an argument."""
    chosen = [arguments[name] for name in access.part if name != "chunks"]
    view = argument if isinstance(argument, View) else View(argument)  # type: ignore[arg-type]
    buffer = view.base if isinstance(view.base, Buffer) else None
    if (buffer is not None and buffer.per_worker) or RuntimeIndex.WORKER in chosen:
        return _WORKER
    if items.kind is Kind.EACH_WORKER:
        return _ALL
    if access.part == ("chunks",):
        return _HALF if items.kind is Kind.TILES_BY_HALF else _ALL
    per_chunk = items.kind in (Kind.CHUNKS, Kind.CHUNKS_BY_SHARE) and chunks > 1
    augment = buffer is not None and not buffer.shared
    if per_chunk and not (augment or RuntimeIndex.CHUNK in chosen):
        return _ALL
    return _tile_scope(view, access, chosen, items)


def _tile_scope(view: View, access: Access, chosen: Sequence[Any], items: Items) -> _Scope:
    """Return the rule by which an item accesses the memory of its chunk."""
    if items.tiles == 1:
        return _Scope("item")
    if RuntimeIndex.TILE in chosen:
        return _Scope("item", (access.part, *map(str, chosen)))
    return _Scope("item", (view.offset, view.per_tile)) if view.per_tile else _ALL


def _by_base(accesses: Iterable[Region]) -> Mapping[Any, Sequence[Region]]:
    """Group accesses by the memory that they use."""
    found: dict[Any, list[Region]] = {}
    for region in accesses:
        found.setdefault(region.base, []).append(region)
    return found
