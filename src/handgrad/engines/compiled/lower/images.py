"""The images as the first layer takes them: in lanes, or as lists of what is not zero."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower import augment
from handgrad.engines.compiled.lower.batch_size_one import dense_on_list
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.dense import dense_on, small, tiling_of
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.plan import Argument, Buffer, Inlet, Place
from handgrad.engines.compiled.lower.sparse import dense_on_lists, fold_shift
from handgrad.engines.compiled.lower.values import Cut, Lists, Value
from handgrad.layers import Array, Dense, Flatten, Layer, Normalize

_CACHE = 27_648  # bytes of a first-level cache that a block of weights may take
_PIECES = 4  # of the pixels, at least


def network(b: Builder) -> tuple[Value, Backward]:
    """Lay down the whole network; a Normalize at its beginning is folded into the gathering."""
    layers = b.net.layers
    first = _leading(layers)
    shift, scale = _folded(b, layers[:first])
    linear = first_linear(layers) is not None
    cut = _cut(b, f"{first}.") if linear else Cut(1, math.prod(b.net.shape))
    if not linear or (not b.source.sparse and cut.shares == 1):
        flat = any(isinstance(layer, Flatten) for layer in layers[:first])
        V = _lanes(b, cut, shift, scale, flat)
        return b.chain(layers[first:], "", 0, V, first)

    name = f"{first} Dense"
    if b.source.sparse:
        Y, back = _on_lists(b, name, f"{first}.", cut, shift, scale)
    else:
        V = _lanes(b, cut, shift, scale, flat=True)
        b.plan.layer = name
        Y, back = dense_on(b, f"{first}.", V, cut)
    if cut.shares > 1:
        b.plan.notes.append(f"{name}: each worker has the weights of half of the pixels")
    Z, rest = b.chain(layers[first + 1 :], "", 0, Y, first + 1)

    def backward(dZ: Value) -> Value | None:
        dY = rest(dZ)
        b.plan.layer = name
        return None if dY is None else back(dY)

    return Z, backward


def _on_lists(
    b: Builder, name: str, prefix: str, cut: Cut, shift: Array | None, scale: Array
) -> tuple[Value, Backward]:
    """Lay down the first linear layer on lists of the pixels that are not zero."""
    tiling = tiling_of(b, prefix)
    b.plan.layer = name
    if shift is not None:
        bias = fold_shift(b, prefix, shift, cut)
    elif cut.shares > 1:
        bias = b.nothing(tiling.tiles * tiling.width)
    else:
        bias = b.parameter(f"{prefix}bias")
    b.plan.layer = "images"
    X = _lists(b, tiling.width, cut, shift, scale)
    b.plan.layer = name
    b.plan.notes.append(f"{name}: skips the pixels that are zero")
    return (dense_on_list if b.source.single else dense_on_lists)(b, prefix, X, bias)


def _cut(b: Builder, prefix: str) -> Cut:
    """Return how the pixels are cut for a first linear layer.

    Where it is small, each of two workers keeps the weights of its own pixels in its cache, and
    only sums over them go from one to the other.
    """
    size = math.prod(b.net.shape)
    width = -(-size // (2 * LANES)) * LANES
    batches = b.training and b.plan.chunks > 1
    if not batches or width >= size or not small(tiling_of(b, prefix)):
        return Cut(1, size)
    return Cut(2, width)


def _lanes(b: Builder, cut: Cut, shift: Array | None, scale: Array, flat: bool) -> Value:
    """Lay down the images in lanes."""
    b.plan.layer = "images"
    size = math.prod(b.net.shape)
    V = b.value("X", (size,) if flat else b.net.shape, learned=False, fixed=True)
    rows = Buffer("images: in rows", LANES * -(-cut.width // LANES) * LANES)
    zeros = aligned(size) if shift is None else shift
    _emit(b, cut, "gather", size, zeros, scale, rows, V.buffer)
    return V


def first_linear(layers: Sequence[Layer]) -> int | None:
    """Return the number of the linear layer that looks at the images themselves, if any."""
    first = _leading(layers)
    return first if first < len(layers) and type(layers[first]) is Dense else None


def _leading(layers: Sequence[Layer]) -> int:
    """Return how many layers at the beginning are folded: Flatten, and one Normalize."""
    normalized = False
    for index, layer in enumerate(layers):
        if type(layer) is Normalize and not normalized:
            normalized = True
        elif type(layer) is not Flatten:
            return index
    return len(layers)


def _folded(b: Builder, layers: Sequence[Layer]) -> tuple[Array | None, Array]:
    """Return −m/s and 1/s for every pixel; None in place of −m/s where nothing is normalised.

    Of images of 0..255, the scale brings them to 0..1 as well.
    """
    size = math.prod(b.net.shape)
    unit = np.float32(1 / 255) if b.source.whole else np.float32(1)
    scale = aligned(size)
    scale[...] = unit
    found = [index for index, layer in enumerate(layers) if type(layer) is Normalize]
    if not found:
        return None, scale
    shift = aligned(size)
    mean, std = b.net.buffers[f"{found[0]}.mean"], b.net.buffers[f"{found[0]}.std"]

    def refresh() -> None:
        scale.reshape(len(std), -1)[...] = (unit / std)[:, None]
        shift.reshape(len(std), -1)[...] = (-mean / std)[:, None]

    b.refresh.append(refresh)
    b.plan.notes.append(f"{found[0]} Normalize: folded into the images")
    return shift, scale


def _lists(b: Builder, width: int, cut: Cut, shift: Array | None, scale: Array) -> Lists:
    """Lay down the lists; their blocks are small enough for a block of gradients to stay cached."""
    size = math.prod(b.net.shape)
    fitting = max(LANES, _CACHE // (4 * width))
    fewest = max(-(-cut.width // fitting), _PIECES // cut.shares)
    block = -(-cut.width // (fewest * LANES)) * LANES
    blocks, room = -(-cut.width // block), LANES * (cut.width + LANES)
    lists = Lists(
        places=Buffer("images: places", room, np.int32, shares=cut.shares),
        values=Buffer("images: values", room, shares=cut.shares),
        starts=Buffer("images: starts", LANES * (blocks + 1), np.int64, shares=cut.shares),
        size=size,
        cut=cut,
        blocks=blocks,
        block=block,
        shift=shift,
    )
    parts = map(b.plan.share, (lists.places, lists.values, lists.starts))
    _emit(b, cut, "list", size, blocks, block, scale, *parts)
    return lists


def _emit(b: Builder, cut: Cut, name: str, size: int, *arguments: Argument) -> None:
    """Lay down a stage that reads the images, for each share of their pixels."""
    found, here = augment.images(b)
    kind = Kind.CHUNKS if cut.shares == 1 else Kind.SHARES
    name = f"images.{name}_{'bytes' if b.source.whole else 'floats'}"
    head = (found, Inlet("order"), Place.CLOCK, Place.CHUNK, Place.TILE, cut.width, size, here)
    b.plan.emit(kind, name, *head, *arguments, tiles=cut.shares)
