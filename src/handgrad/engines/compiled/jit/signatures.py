"""Parses the source of each kernel, and returns its parameters and its memory accesses.

Parsing does not need Numba, so a plan can be built and shown without it. See
`kernels.decorators.kernel` for the declarations.
"""

from __future__ import annotations

import operator
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_KERNELS = Path(__file__).parents[1] / "kernels"
_KERNEL = re.compile(r"^@kernel\(([^()]*)\)\ndef (\w+)\(([^()]*)\) -> None:$", re.MULTILINE)
_PARAMETER = re.compile(r"(\w+): (\w+)")
_DECLARATION = re.compile(r'(\w+)="([^"]*)"')
_NAME = re.compile(r"(\w+)(?:\[([\w ]+)\])?")

POINTER_DTYPES: dict[str, Any] = {
    "Floats": np.float32,
    "Ints": np.int64,
    "Int32s": np.int32,
    "Bytes": np.uint8,
}
FLOAT_TYPES = ("float", "Double")
STEP_STATE = "step_state"  # the parameter that points to the worker's own step state


class Access(NamedTuple):
    """How a kernel uses the memory behind one of its pointers.

    Attributes:
        mode: "reads", "writes", "flags" or "scratch".
        part: the names in square brackets after the pointer's name in the declaration. The names
            are the parameters that select the part of the memory that one item uses, or "chunks"
            for all chunks. If there are no names, the item uses the part that the pointer points
            to.
    """

    mode: str
    part: tuple[str, ...] = ()


class Signature(NamedTuple):
    """The parameters of a kernel and its memory accesses.

    Attributes:
        types: the type of each parameter by name, such as "Floats" or "int", in declaration order.
        accesses: the declared access of each pointer except the step state.
    """

    types: dict[str, str]
    accesses: dict[str, Access]


def signature(kernel: str) -> Signature:
    """Return the signature of a kernel, given its name, for example "dense.forward".

    Raises:
        AssertionError: if the kernel does not exist, or its memory accesses are declared wrongly.
    """
    family, _, name = kernel.partition(".")
    signatures = _signatures(family)
    assert name in signatures, f"there is no kernel {kernel}"
    return signatures[name]


def kernel_names() -> list[str]:
    """Return the names of all kernels, in alphabetical order."""
    families = sorted(path.stem for path in _KERNELS.glob("*.py"))
    return [f"{family}.{name}" for family in families for name in sorted(_signatures(family))]


def machine_word(value: Any, parameter_type: str) -> int:
    """Convert an argument to a 64-bit word: the bits of a number, or the address of an array.

    Args:
        value: an integer, a float or an array.
        parameter_type: the type that the kernel declares, for example "Floats" or "int".

    Raises:
        TypeError: if the kernel expects a different type.
    """
    if parameter_type in FLOAT_TYPES:
        as_float, as_int = (
            (np.float32, np.int32) if parameter_type == "float" else (np.float64, np.int64)
        )
        with np.errstate(over="ignore"):  # as in the layers, which compute in float32 as well
            return int(np.array(value, as_float).view(as_int))
    if not isinstance(value, np.ndarray):
        return operator.index(value)
    dtype = POINTER_DTYPES.get(parameter_type)
    if dtype is None or value.dtype != dtype or not value.flags.c_contiguous:
        raise TypeError(f"the kernel takes {parameter_type}, not an array of {value.dtype}")
    return int(value.ctypes.data)


@cache
def _signatures(family: str) -> dict[str, Signature]:
    """Parse the signatures of all kernels in a file."""
    text = (_KERNELS / f"{family}.py").read_text("utf-8")
    return {
        name: _parsed(f"{family}.{name}", declarations, parameters)
        for declarations, name, parameters in _KERNEL.findall(text)
    }


def _parsed(kernel: str, declarations: str, parameters: str) -> Signature:
    """Parse one kernel and check that every pointer has exactly one declared access."""
    types = dict(_PARAMETER.findall(parameters))
    accesses: dict[str, Access] = {}
    for mode, names in _DECLARATION.findall(declarations):
        for name, part in _NAME.findall(names):
            assert name not in accesses, f"{kernel} declares {name} twice"
            accesses[name] = Access(mode, tuple(part.split()))
    pointers = {name for name, kind in types.items() if kind in POINTER_DTYPES} - {STEP_STATE}
    wrong = set(accesses) ^ pointers
    assert not wrong, f"{kernel} must declare one access per pointer; check {wrong}"
    for access in accesses.values():
        unknown = set(access.part) - types.keys() - {"chunks"}
        assert not unknown, f"{kernel} has no parameter {unknown}"
    return Signature(types, accesses)
