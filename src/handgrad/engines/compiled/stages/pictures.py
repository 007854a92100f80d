"""The pictures as the first layer takes them: in lanes, or as lists of what is not zero."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from handgrad.engines.compiled.builder import Backward, Builder
from handgrad.engines.compiled.lanes import LANES
from handgrad.engines.compiled.plan import Buffer, Inlet, Part, Place
from handgrad.engines.compiled.stages import augment
from handgrad.engines.compiled.stages.dense import dense_on_lists, fold_shift
from handgrad.engines.compiled.stages.single import dense_on_list
from handgrad.engines.compiled.store import aligned
from handgrad.engines.compiled.values import Lists, Value
from handgrad.layers import Array, Dense, Flatten, Layer, Normalize

_CACHE = 24_576  # bytes of a first-level cache that a block of weights may take


def network(b: Builder) -> tuple[Value, Backward]:
    """Lay down the whole network; a Normalize at its beginning is folded into the gathering."""
    layers = b.net.layers
    first = _leading(layers)
    shift, scale = _folded(b, layers[:first])
    if b.source.sparse and first_linear(layers) is not None:
        prefix = f"{first}."
        b.plan.layer = f"{first} Dense"
        bias = b.parameter(f"{prefix}bias") if shift is None else fold_shift(b, prefix, shift)
        b.plan.layer = "pictures"
        X = _lists(b, prefix, shift, scale, bias)
        b.plan.layer = f"{first} Dense"
        Y, back = (dense_on_list if b.source.single else dense_on_lists)(b, prefix, X)
        b.plan.notes.append(f"{first} Dense: skips the pixels that are zero")
        Z, rest = b.chain(layers[first + 1 :], "", 0, Y, first + 1)

        def backward(dZ: Value) -> Value | None:
            dY = rest(dZ)
            b.plan.layer = f"{first} Dense"
            return None if dY is None else back(dY)

        return Z, backward

    b.plan.layer = "pictures"
    flat = any(isinstance(layer, Flatten) for layer in layers[:first])
    size = math.prod(b.net.shape)
    V = b.value("X", (size,) if flat else b.net.shape, learned=False, fixed=True)
    width = -(-size // LANES) * LANES
    rows = Buffer("pictures: in rows", LANES * width)
    zeros = aligned(size) if shift is None else shift
    found, here = augment.pictures(b)
    b.chunks(
        f"pictures.gather_{_kind(b)}",
        *(found, Inlet("order"), Place.CLOCK, Place.CHUNK, size, here),
        *(zeros, scale, rows, V.buffer),
    )
    return b.chain(layers[first:], "", 0, V, first)


def first_linear(layers: Sequence[Layer]) -> int | None:
    """Return the number of the linear layer that looks at the pictures themselves, if any."""
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

    Of pictures of 0..255, the scale brings them to 0..1 as well.
    """
    size = math.prod(b.net.shape)
    unit = np.float32(1 / 255) if b.source.whole else np.float32(1)
    scale = aligned(size)
    scale[...] = unit
    found = [index for index, layer in enumerate(layers) if type(layer) is Normalize]
    if not found:
        return None, scale
    shift = aligned(size)
    mean, std = b.net.state[f"{found[0]}.mean"], b.net.state[f"{found[0]}.std"]

    def refresh() -> None:
        scale.reshape(len(std), -1)[...] = (unit / std)[:, None]
        shift.reshape(len(std), -1)[...] = (-mean / std)[:, None]

    b.refresh.append(refresh)
    b.plan.notes.append(f"{found[0]} Normalize: folded into the pictures")
    return shift, scale


def _lists(b: Builder, prefix: str, shift: Array | None, scale: Array, bias: Part) -> Lists:
    """Lay down the lists; their blocks are small enough for a block of gradients to stay cached."""
    size = math.prod(b.net.shape)
    tiling = b.store.rooms[f"{prefix}weight"].tiling
    assert tiling is not None
    fitting = _CACHE // (4 * tiling.width) // LANES * LANES
    block = max(LANES, min(fitting, -(-size // (4 * LANES)) * LANES))
    blocks = -(-size // block)
    lists = Lists(
        places=Buffer("pictures: places", LANES * (size + LANES), np.int32),
        values=Buffer("pictures: values", LANES * (size + LANES)),
        starts=Buffer("pictures: starts", LANES * (blocks + 1), np.int64),
        size=size,
        blocks=blocks,
        block=block,
        shift=shift,
        bias=bias,
    )
    found, here = augment.pictures(b)
    b.chunks(
        f"pictures.list_{_kind(b)}",
        *(found, Inlet("order"), Place.CLOCK, Place.CHUNK, size, here, blocks, block),
        *(scale, lists.places, lists.values, lists.starts),
    )
    return lists


def _kind(b: Builder) -> str:
    return "bytes" if b.source.whole else "floats"
