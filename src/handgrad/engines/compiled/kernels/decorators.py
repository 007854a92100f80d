"""Decorators for kernels and their helpers: `kernel`, `helper`, `fast_helper` and `intrinsic`.

To add a kernel, write a function with `@kernel(...)` and a docstring that begins with its formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import extending

# The compiler may reorder sums and fuse products. It must not assume that there are no NaNs.
FAST = {"reassoc", "contract", "nsz", "arcp"}

_Function = TypeVar("_Function", bound=Callable[..., None])


def kernel(
    *, reads: str = "", writes: str = "", flags: str = "", scratch: str = ""
) -> Callable[[_Function], _Function]:
    """Mark a function as a kernel and declare how it uses the memory behind its pointers.

    The plan places barriers between kernels from these declarations. They are read from the
    source text (`jit.signatures`), so that Numba need not be loaded; the decorator itself does
    nothing. Every pointer parameter except `step_state` must occur in `reads` or `writes`, in
    `flags` or in `scratch`. Names are separated by commas. After a name, square brackets say
    which part of the memory one item of work uses:

    - `X`: the part that the pointer points to. The plan knows whether the pointer moves from
      chunk to chunk or from tile to tile.
    - `X[chunks]`: all chunks of the batch; the kernel gets the stride between them.
    - `norms[item]`, `dW[item tiles blocks]`: a part chosen by these parameters, and different
      for each value of `item`. Two calls with the same values choose the same parts.

    Args:
        reads: pointers that are only read.
        writes: pointers that are written, and possibly read before.
        flags: pointers to a flag that several workers may set to 1 at the same time.
        scratch: pointers to working memory; its contents are not used by another call.
    """
    return lambda function: function


def helper(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call. Sums are evaluated in the order written."""
    return numba.njit(error_model="numpy")(function)


def fast_helper(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call. Sums may be reordered, which allows vectorization."""
    return numba.njit(error_model="numpy", fastmath=FAST)(function)


def intrinsic(function: Callable[..., Any]) -> Any:
    """Wrap a generator of LLVM instructions as a function that kernels call."""
    return extending.intrinsic(prefer_literal=True)(function)
