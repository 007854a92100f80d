"""A network's learned arrays, in a row, in the order that the kernels like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.layers import Array

BLOCK = 2048  # how many numbers an update takes at a time


class Tiling(NamedTuple):
    """How the O outputs of a linear layer are cut into tiles.

    Attributes:
        outputs: O.
        inputs: I.
        vectors: how many vectors of 16 make a tile, at most 4.
        tiles: how many tiles; the last may be partly empty.
    """

    outputs: int
    inputs: int
    vectors: int
    tiles: int

    @property
    def width(self) -> int:
        """How many outputs a tile has."""
        return self.vectors * LANES

    @classmethod
    def of(cls, outputs: int, inputs: int) -> Tiling:
        """Return the tiling that leaves the least room empty."""
        vectors = -(-outputs // LANES)
        tiles = -(-vectors // 4)
        each = -(-vectors // tiles)
        return cls(outputs, inputs, each, -(-vectors // each))


class Room(NamedTuple):
    """Where an array lies.

    Attributes:
        offset: where it begins.
        size: how many numbers it takes up.
        shape: its own shape.
        tiling: for a linear layer's weight, how it is cut; None: it lies as it is.
    """

    offset: int
    size: int
    shape: tuple[int, ...]
    tiling: Tiling | None


class Store:
    """All learned arrays, their gradients and the optimizer's state, each in one long row.

    The first part holds what gets its gradient chunk by chunk; the second, from `shared` on, the
    weights of linear layers, whose gradients are made for the whole batch at once; the last, from
    `before_first` on, the weight of a linear layer that looks at the images themselves.

    Args:
        parameters: the network's arrays by name.
        kinds: the names of the optimizer's memories.
        linear: the names of the linear layers' weights.
        alone: the names of arrays whose gradient comes for the whole batch at once, as it is.
        first: the name of the weight that looks at the images, if there is one.
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        kinds: tuple[str, ...],
        linear: set[str],
        alone: set[str],
        first: str | None,
    ) -> None:
        self.rooms: dict[str, Room] = {}
        parts: list[list[str]] = [[], [], []]
        for name in parameters:
            parts[2 if name == first else int(name in linear or name in alone)].append(name)
        ends = []
        end = 0
        for names in parts:
            for name in names:
                end = self._make_room(name, parameters[name], end, name in linear)
            end = -(-end // BLOCK) * BLOCK
            ends.append(end)
        self.shared, self.before_first, _ = ends
        self.W, self.dW = aligned(end), aligned(end)
        self.optimizer_state = {kind: aligned(end) for kind in kinds}

    def _make_room(self, name: str, array: Array, begin: int, linear: bool) -> int:
        """Give an array its place, and return where the next may begin."""
        tiling = Tiling.of(*array.shape) if linear else None
        size = tiling.tiles * tiling.width * tiling.inputs if tiling else array.size
        self.rooms[name] = Room(begin, size, array.shape, tiling)
        spare = 4 * LANES if array.ndim == 1 else 0  # a tile of biases may hang over the end
        return begin + -(-size // LANES) * LANES + spare

    def take(self, name: str, array: Array, row: NDArray[np.float32]) -> None:
        """Copy an array of the network's into its place in a row."""
        room = self.rooms[name]
        target = row[room.offset : room.offset + room.size]
        if room.tiling is None:
            target[...] = array.reshape(-1)
            return
        tiling = room.tiling
        tiles = target.reshape(tiling.tiles, tiling.inputs, tiling.width)
        for tile, W in enumerate(tiles):
            part = array[tile * tiling.width : (tile + 1) * tiling.width]
            W[:, : len(part)] = part.T

    def give(self, name: str, array: Array, row: NDArray[np.float32]) -> None:
        """Copy an array back from its place in a row."""
        room = self.rooms[name]
        source = row[room.offset : room.offset + room.size]
        if room.tiling is None:
            array[...] = source.reshape(room.shape)
            return
        tiling = room.tiling
        tiles = source.reshape(tiling.tiles, tiling.inputs, tiling.width)
        for tile, W in enumerate(tiles):
            part = array[tile * tiling.width : (tile + 1) * tiling.width]
            part[...] = W[:, : len(part)].T


def aligned(size: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Return zeros that begin at a cache line."""
    width = np.dtype(dtype).itemsize
    room = np.zeros(size * width + 64, np.uint8)
    begin = -room.ctypes.data % 64
    return room[begin : begin + size * width].view(dtype)
