"""Defines `ParameterLayout`, the position of each parameter in the kernels' long arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.layers import Array

BLOCK = 2048  # elements that an optimizer kernel updates at a time


class Tiling(NamedTuple):
    """The division of the O outputs of a linear layer into tiles.

    Attributes:
        outputs: O, the number of outputs.
        inputs: I, the number of inputs.
        vectors: the number of vectors of 16 outputs in a tile, at most 4.
        tiles: the number of tiles; the last tile may be partially filled.
    """

    outputs: int
    inputs: int
    vectors: int
    tiles: int

    @property
    def width(self) -> int:
        """The number of outputs in a tile."""
        return self.vectors * LANES

    @property
    def size(self) -> int:
        """The number of elements in all tiles together."""
        return self.tiles * self.width * self.inputs

    @classmethod
    def of(cls, outputs: int, inputs: int) -> Tiling:
        """Return the tiling of a linear layer's outputs that needs the least padding."""
        vectors = -(-outputs // LANES)
        tiles = -(-vectors // 4)
        each = -(-vectors // tiles)
        return cls(outputs, inputs, each, -(-vectors // each))


class Slot(NamedTuple):
    """The position of a parameter in the kernels' long arrays.

    Attributes:
        offset: the index of the parameter's first element.
        size: the number of elements that the parameter uses.
        capacity: the number of elements up to the next slot. Kernels may access all elements up to
            there.
        shape: the shape of the parameter.
        tiling: the tiling of a linear layer's weights, or None if the elements are in C order.
    """

    offset: int
    size: int
    capacity: int
    shape: tuple[int, ...]
    tiling: Tiling | None


class ParameterLayout:
    """The layout of the long arrays that hold parameters, gradients and optimizer state.

    Every long array has three parts. The first part contains the parameters whose gradients are
    computed chunk by chunk. The second part begins at `shared` and contains the weights of linear
    layers, whose gradients are computed for the whole batch at once. The last part begins at
    `first_weight` and contains the weights of a linear layer that reads the images directly.

    Args:
        parameters: the network's parameters by name.
        state_names: the names of the optimizer's state arrays.
        linear: the names of the linear layers' weights.
        whole_batch: the names of all other parameters whose gradients are computed for the whole
            batch at once.
        first: the name of the weight that is multiplied by the images, or None if there is no such
            weight.
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        state_names: tuple[str, ...],
        linear: set[str],
        whole_batch: set[str],
        first: str | None,
    ) -> None:
        self.slots: dict[str, Slot] = {}
        parts: list[list[str]] = [[], [], []]
        for name in parameters:
            parts[2 if name == first else int(name in linear or name in whole_batch)].append(name)
        ends = []
        end = 0
        for names in parts:
            for name in names:
                end = self._add_slot(name, parameters[name], end, name in linear)
            end = -(-end // BLOCK) * BLOCK
            ends.append(end)
        self.shared, self.first_weight, _ = ends
        self.W, self.dW = aligned(end), aligned(end)
        self.optimizer_state = {name: aligned(end) for name in state_names}

    def _add_slot(self, name: str, array: Array, offset: int, linear: bool) -> int:
        """Assign a slot to a parameter, and return the offset of the next slot."""
        tiling = Tiling.of(*array.shape) if linear else None
        size = tiling.size if tiling else array.size
        padding = 4 * LANES if array.ndim == 1 else 0  # the last tile of biases may be partial
        capacity = -(-size // LANES) * LANES + padding
        self.slots[name] = Slot(offset, size, capacity, array.shape, tiling)
        return offset + capacity

    def copy_in(self, name: str, array: Array, row: NDArray[np.float32]) -> None:
        """Copy one of the network's arrays into its slot of a long array."""
        slot = self.slots[name]
        target = row[slot.offset : slot.offset + slot.size]
        if slot.tiling is None:
            target[...] = array.reshape(-1)
            return
        tiling = slot.tiling
        tiles = target.reshape(tiling.tiles, tiling.inputs, tiling.width)
        for tile, W in enumerate(tiles):
            part = array[tile * tiling.width : (tile + 1) * tiling.width]
            W[:, : len(part)] = part.T

    def copy_out(self, name: str, array: Array, row: NDArray[np.float32]) -> None:
        """Copy a slot of a long array into one of the network's arrays."""
        slot = self.slots[name]
        source = row[slot.offset : slot.offset + slot.size]
        if slot.tiling is None:
            array[...] = source.reshape(slot.shape)
            return
        tiling = slot.tiling
        tiles = source.reshape(tiling.tiles, tiling.inputs, tiling.width)
        for tile, W in enumerate(tiles):
            part = array[tile * tiling.width : (tile + 1) * tiling.width]
            part[...] = W[:, : len(part)].T


def aligned(size: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Return an array of zeros that is aligned to a cache line."""
    itemsize = np.dtype(dtype).itemsize
    memory = np.zeros(size * itemsize + 64, np.uint8)
    begin = -memory.ctypes.data % 64
    return memory[begin : begin + size * itemsize].view(dtype)
