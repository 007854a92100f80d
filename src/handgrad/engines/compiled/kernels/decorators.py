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

    The plan uses these declarations to place barriers between kernels. `jit.signatures` reads them
    from the source text, so that Numba need not be loaded. The decorator itself does nothing at
    runtime. Every pointer parameter except `step_state` must occur in exactly one of `reads`,
    `writes`, `flags` and `scratch`. Names are separated by commas. Square brackets after a name
    specify which part of the memory one work item uses:

    - `X`: the part that the pointer points to. The plan determines whether the pointer moves from
      chunk to chunk or from tile to tile.
    - `X[chunks]`: all chunks of the batch. The kernel receives the stride between chunks.
    - `norms[item]`, `dW[item tiles blocks]`: a part selected by these parameters, which is
      different for each value of `item`. Two calls with the same values select the same part.

    Args:
        reads: pointers that are only read.
        writes: pointers that are written, and possibly read before they are written.
        flags: pointers to a flag that several workers may set to 1 at the same time.
        scratch: pointers to working memory whose contents no other call uses.
    """
    return lambda function: function


def helper(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call; its sums are evaluated in the order written."""
    return numba.njit(error_model="numpy")(function)


def fast_helper(function: Callable[..., Any]) -> Any:
    """Compile a function that kernels call; its sums may be reordered for vectorization."""
    return numba.njit(error_model="numpy", fastmath=FAST)(function)


def intrinsic(function: Callable[..., Any]) -> Any:
    """Wrap a code generator for LLVM instructions as a function that kernels can call."""
    return extending.intrinsic(prefer_literal=True)(function)
