"""What each kernel takes, read from its source, for which Numba need not be loaded."""

from __future__ import annotations

import operator
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.engines.compiled.jit.compiler import Kernel
from handgrad.engines.compiled.lower.plan import Argument, Buffer, Inlet, Part, Place, Stage, Stride

_KERNELS = Path(__file__).parents[1] / "kernels"
_FUNCTION = re.compile(r"^def (\w+)\(([^()]*)\) -> None:$", re.MULTILINE)
_PARAMETER = re.compile(r"(\w+): (\w+)")

_POINTERS: dict[str, Any] = {
    "Floats": np.float32,
    "Ints": np.int64,
    "Places": np.int32,
    "Bytes": np.uint8,
}
_REAL: dict[str, Any] = {"float": (np.float32, np.int32), "Double": (np.float64, np.int64)}
_NAMED = {Place.CHUNK: "chunk", Place.WORKER: "worker", Place.CLOCK: "clock"}


def takes(kernel: Kernel) -> dict[str, str]:
    """Return a kernel's parameters in order, each with its kind, such as "Floats" or "int"."""
    family, _, name = kernel.name.partition(".")
    return _signatures(family)[name]


def handed(stage: Stage) -> list[tuple[Argument, str]]:
    """Return a stage's arguments, each with the kind that its kernel takes.

    Raises:
        AssertionError: where the plan has other arguments than the kernel takes.
    """
    wanted, arguments = takes(stage.kernel), stage.arguments
    if len(wanted) != len(arguments):
        raise AssertionError(
            f"{stage.kernel.name} takes {len(wanted)} arguments, not {len(arguments)}"
        )
    for (name, kind), argument in zip(wanted.items(), arguments, strict=True):
        if not _fits(argument, name, kind):
            raise AssertionError(f"{stage.kernel.name} takes {name} as {kind}, not {argument}")
    return list(zip(arguments, wanted.values(), strict=True))


def word(value: Any, kind: str) -> int:
    """Return 64 bits: those of a number as the kernel takes it, or an array's address.

    Args:
        value: the number, whole or not, or the array.
        kind: what the kernel takes.

    Raises:
        TypeError: where the kernel takes something else.
    """
    if kind in _REAL:
        real, whole = _REAL[kind]
        with np.errstate(over="ignore"):  # as in the layers, where the arithmetic is float32, too
            return int(np.array(value, real).view(whole))
    if not isinstance(value, np.ndarray):
        return operator.index(value)
    if kind not in _POINTERS or value.dtype != _POINTERS[kind] or not value.flags.c_contiguous:
        raise TypeError(f"a kernel takes {kind}, not an array of {value.dtype}")
    return int(value.ctypes.data)


def _fits(argument: Argument, name: str, kind: str) -> bool:
    """Say whether an argument is what a kernel takes under a name."""
    match argument:
        case Inlet():
            return argument.name == name
        case Place():
            taken = "Ints" if argument is Place.CLOCK else "int"
            return _NAMED.get(argument, name) == name and kind == taken
        case Stride():
            return kind == "int"
        case Part() | Buffer() | np.ndarray():
            whole = argument.whole if isinstance(argument, Part) else argument
            return kind in _POINTERS and whole.dtype == _POINTERS[kind]
        case _:  # a number; 0 stands for an array that is not there
            whole_number = hasattr(argument, "__index__")
            return kind in _REAL or (whole_number and (kind == "int" or argument == 0))


@cache
def _signatures(family: str) -> dict[str, dict[str, str]]:
    """Return the parameters of a family's kernels."""
    text = (_KERNELS / f"{family}.py").read_text("utf-8")
    return {name: dict(_PARAMETER.findall(found)) for name, found in _FUNCTION.findall(text)}
