"""Copies a network's arrays into the layout that the kernels use, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout
from handgrad.layers import Array

OptimizerState = Mapping[str, Mapping[str, Array]]


class ParameterSync:
    """Copies parameters and optimizer state between a network and the kernels' layout.

    The object remembers the values that were copied last, and skips arrays that have not changed
    since then.

    Args:
        layout: the kernels' layout.
    """

    def __init__(self, layout: ParameterLayout) -> None:
        self._layout = layout
        self._copied: dict[tuple[str, str], Array] = {}

    def copy_in(self, parameters: Mapping[str, Array], state: OptimizerState) -> None:
        """Copy the parameters and any optimizer state into the kernels' layout."""
        for name, array in parameters.items():
            self._copy_if_changed(name, "", array, self._layout.W)
            for kind, values in state.get(name, {}).items():
                self._copy_if_changed(name, kind, values, self._layout.optimizer_state[kind])

    def invalidate(self) -> None:
        """Forget the values copied last. Call this before the kernels change their arrays."""
        self._copied.clear()

    def copy_out(self, parameters: Mapping[str, Array], state: OptimizerState) -> None:
        """Copy the values in the kernels' layout back to the parameters and the optimizer state."""
        for name, array in parameters.items():
            self._layout.copy_out(name, array, self._layout.W)
            self._copied[name, ""] = array.copy()
            for kind, row in self._layout.optimizer_state.items():
                self._layout.copy_out(name, state[name][kind], row)
                self._copied[name, kind] = state[name][kind].copy()

    def _copy_if_changed(
        self, name: str, kind: str, array: Array, row: NDArray[np.float32]
    ) -> None:
        """Copy an array unless it equals the last copy. A comparison is much faster than a copy."""
        known = self._copied.get((name, kind))
        if known is None or not _identical(known, array):
            self._layout.copy_in(name, array, row)
            self._copied[name, kind] = array.copy()


def _identical(a: Array, b: Array) -> bool:
    """Return whether two float32 arrays have identical bits, including the bits of NaN values."""
    comparable = all(x.dtype == np.float32 and x.flags.c_contiguous for x in (a, b))
    return comparable and np.array_equal(a.view(np.uint32), b.view(np.uint32))
