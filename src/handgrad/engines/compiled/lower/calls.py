"""Defines kernel calls, whose arguments are checked against the kernel's signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.compiler import Kernel
from handgrad.engines.compiled.jit.signatures import (
    FLOAT_TYPES,
    POINTER_DTYPES,
    STEP_STATE,
    signature,
)


class RuntimeIndex(Enum):
    """A kernel argument whose value depends on the current work item or on the worker."""

    CHUNK = 0
    TILE = 1
    WORKER = 2
    STEP_STATE = 3


@dataclass(eq=False)
class Buffer:
    """Memory for intermediate results. By default, a buffer has one copy per chunk.

    Attributes:
        name: a description of the contents.
        size: the number of elements per copy.
        dtype: the NumPy type of the elements.
        shared: whether there is a single copy for all chunks.
        per_worker: whether there is one copy per worker.
        shares: the number of shares of the pixels, each of which has its own copies. The memory
            holds all chunks of the first share, then all chunks of the second share, and so on.
            Workers therefore write to distant addresses, so that the processor's prefetching does
            not make the workers compete for cache lines.
    """

    name: str
    size: int
    dtype: Any = np.float32
    shared: bool = False
    per_worker: bool = False
    shares: int = 1

    @property
    def step(self) -> int:
        """The distance between two chunks in elements, a multiple of the cache line size."""
        line = 64 // np.dtype(self.dtype).itemsize
        return -(-self.size // line) * line


class View(NamedTuple):
    """A part of a buffer or an array.

    Attributes:
        base: the buffer or the array.
        offset: the index of the first element.
        per_tile: the number of elements by which the part moves from one tile to the next.
        size: the number of elements that all tiles use together. None means `per_tile` elements
            per tile or, if the part does not move, all elements starting at `offset`.
    """

    base: Buffer | NDArray[Any]
    offset: int = 0
    per_tile: int = 0
    size: int | None = None


class ChunkStride(NamedTuple):
    """A kernel argument: the number of elements between two chunks of a buffer."""

    buffer: Buffer


class RunArgument(NamedTuple):
    """A kernel argument that each run provides by name, such as the images or the labels."""

    name: str


Argument: TypeAlias = (
    "int | float | Buffer | View | ChunkStride | RunArgument | RuntimeIndex | NDArray[Any]"
)

# Arguments that a call gets under these names without passing them.
_AUTOMATIC = {
    "chunk": RuntimeIndex.CHUNK,
    "worker": RuntimeIndex.WORKER,
    STEP_STATE: RuntimeIndex.STEP_STATE,
}


class KernelCall(NamedTuple):
    """A kernel and its arguments.

    Attributes:
        kernel: the kernel.
        arguments: the kernel's arguments, in the order of its parameters.
        layer: the layer, or the part of the step, that the call belongs to.
    """

    kernel: Kernel
    arguments: tuple[Argument, ...]
    layer: str

    @classmethod
    def of(
        cls,
        name: str,
        constants: Mapping[str, int],
        arguments: Mapping[str, Argument],
        layer: str,
    ) -> KernelCall:
        """Bind arguments to a kernel's parameters, like a Python call with keyword arguments.

        The arguments `chunk`, `worker` and `step_state` are added automatically.

        Args:
            name: the name of the kernel, for example "dense.forward".
            constants: the constants for which the kernel is compiled, for example {"ROWS": 8}.
            arguments: the kernel's arguments by name.
            layer: the layer that the call belongs to.

        Raises:
            TypeError: if an argument is missing, unknown or of the wrong type.
        """
        types = signature(name).types
        automatic = {key: index for key, index in _AUTOMATIC.items() if key in types}
        given: dict[str, Argument] = {**automatic, **arguments}
        if missing := types.keys() - given.keys():
            raise TypeError(f"{name} is called without {', '.join(sorted(missing))}")
        if unknown := given.keys() - types.keys():
            raise TypeError(f"{name} takes no {', '.join(sorted(unknown))}")
        for parameter, kind in types.items():
            if not _fits(given[parameter], parameter, kind):
                raise TypeError(
                    f"{name}: the argument {parameter} must be {kind}, not {given[parameter]}"
                )
        ordered = tuple(given[parameter] for parameter in types)
        return cls(Kernel(name, tuple(constants.items())), ordered, layer)

    @property
    def by_name(self) -> dict[str, Argument]:
        """The call's arguments, keyed by parameter name."""
        return dict(zip(signature(self.kernel.name).types, self.arguments, strict=True))


def _fits(argument: Argument, parameter: str, kind: str) -> bool:
    """Return whether an argument can be passed as a parameter with the given name and type."""
    match argument:
        case RunArgument():
            return argument.name == parameter
        case RuntimeIndex():
            expected = "Ints" if argument is RuntimeIndex.STEP_STATE else "int"
            automatic = _AUTOMATIC.get(parameter, argument)
            return kind == expected and automatic is argument
        case ChunkStride():
            return kind == "int"
        case View() | Buffer() | np.ndarray():
            base = argument.base if isinstance(argument, View) else argument
            return kind in POINTER_DTYPES and base.dtype == POINTER_DTYPES[kind]
        case _:  # a number; 0 in place of an array that is not used
            is_integer = hasattr(argument, "__index__")
            return kind in FLOAT_TYPES or (is_integer and (kind == "int" or argument == 0))
