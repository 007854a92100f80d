"""Calls one kernel with NumPy arrays, so that tests can compare its result with its formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.jit.compiler import Kernel, function
from handgrad.engines.compiled.jit.signatures import machine_word, signature


def call_kernel(
    name: str,
    constants: Mapping[str, int] | None = None,
    /,
    **arguments: int | float | NDArray[Any],
) -> None:
    """Compile a kernel and call it once. Arrays that the kernel writes are modified in place.

    The sizes of the arrays are not checked. A kernel may write past the end of an array that is too
    short.

    Args:
        name: the name of the kernel, for example "dense.forward".
        constants: the constants for which the kernel is compiled, for example {"ROWS": 8}.
        **arguments: the kernel's arguments by name, which are numbers and C-contiguous arrays.

    Raises:
        TypeError: if an argument is missing, unknown or of the wrong type.
        AssertionError: if the kernel modified an array that it declares as read-only.

    Example:
        >>> X, Y = np.ones(3, np.float32), np.zeros(3, np.float32)
        >>> call_kernel("chain.copy", X=X, Y=Y, count=3)
        >>> Y
        array([1., 1., 1.], dtype=float32)
    """
    types, accesses = signature(name)
    if different := types.keys() ^ arguments.keys():
        raise TypeError(f"{name} takes {', '.join(types)}; wrong: {', '.join(sorted(different))}")
    words = [machine_word(arguments[parameter], kind) for parameter, kind in types.items()]
    read_only = {
        parameter: array.tobytes()
        for parameter, array in arguments.items()
        if isinstance(array, np.ndarray)
        and parameter in accesses
        and accesses[parameter].mode == "reads"
    }
    block = np.array(words, np.int64)
    function(Kernel(name, tuple((constants or {}).items())))(block.ctypes.data)
    for parameter, before in read_only.items():
        array: Any = arguments[parameter]
        assert array.tobytes() == before, f"{name} changed {parameter}, which it only reads"
