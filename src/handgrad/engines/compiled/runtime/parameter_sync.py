"""A network's arrays on their way into the rows that the kernels work on, and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.lower.parameter_layout import ParameterLayout
from handgrad.layers import Array

Memory = Mapping[str, Mapping[str, Array]]


class Rows:
    """Copies arrays into a store's rows, and back; those that are as they were it leaves.

    Args:
        store: the rows.
    """

    def __init__(self, store: ParameterLayout) -> None:
        self._store = store
        self._copies: dict[tuple[str, str], Array] = {}

    def take(self, parameters: Mapping[str, Array], memory: Memory) -> None:
        """Copy the parameters into their row, and the optimizer's state, if any, into its own."""
        for name, array in parameters.items():
            self._taken(name, "", array, self._store.W)
            for kind, kept in memory.get(name, {}).items():
                self._taken(name, kind, kept, self._store.optimizer_state[kind])

    def forget(self) -> None:
        """Forget what they were: the rows go on now, and may go on alone if that is interrupted."""
        self._copies.clear()

    def give(self, parameters: Mapping[str, Array], memory: Memory) -> None:
        """Copy all of them back."""
        for name, array in parameters.items():
            self._store.copy_out(name, array, self._store.W)
            self._copies[name, ""] = array.copy()
            for kind, row in self._store.optimizer_state.items():
                self._store.copy_out(name, memory[name][kind], row)
                self._copies[name, kind] = memory[name][kind].copy()

    def _taken(self, name: str, kind: str, array: Array, row: NDArray[np.float32]) -> None:
        """Copy an array into its row, unless it is as it was: comparing is the quicker by far."""
        known = self._copies.get((name, kind))
        if known is None or not _same(known, array):
            self._store.copy_in(name, array, row)
            self._copies[name, kind] = array.copy()


def _same(a: Array, b: Array) -> bool:
    """Say whether two arrays agree in every bit, NaN included."""
    plain = all(x.dtype == np.float32 and x.flags.c_contiguous for x in (a, b))
    return plain and np.array_equal(a.view(np.uint32), b.view(np.uint32))
