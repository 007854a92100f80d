"""Translates the first layers, which read and normalize the images, into kernel calls.

The entry point of this module is `lower_network`, which translates the whole network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.kernels.phases import Kind
from handgrad.engines.compiled.lower import augment, batch_size_one, sparse
from handgrad.engines.compiled.lower.barriers import Items
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Argument, Buffer, RunArgument, RuntimeIndex
from handgrad.engines.compiled.lower.dense import dense_on_pixels, is_small, tiling_of
from handgrad.engines.compiled.lower.parameter_layout import aligned
from handgrad.engines.compiled.lower.values import CsrImages, PixelSplit, Value
from handgrad.layers import Array, Dense, Flatten, Layer, Normalize

_CACHE = 27_648  # bytes of the first-level cache that a block of weights may use
_MIN_BLOCKS = 4  # of all pixels


def lower_network(b: Builder) -> tuple[Value, Backward]:
    """Emit the whole network. A Normalize at the beginning is fused with reading the images."""
    layers = b.net.layers
    first = _leading(layers)
    shift, scale = _normalization(b, layers[:first])
    linear = first_linear(layers) is not None
    split = _pixel_split(b, f"{first}.") if linear else PixelSplit(1, math.prod(b.net.shape))
    if not linear or (not b.input_format.sparse and split.shares == 1):
        flat = any(isinstance(layer, Flatten) for layer in layers[:first])
        X = _images_in_lanes(b, split, shift, scale, flat)
        return b.chain(layers[first:], "", 0, X, first)

    name = f"{first} Dense"
    if b.input_format.sparse:
        Y, first_backward = _sparse_first_layer(b, name, f"{first}.", split, shift, scale)
    else:
        X = _images_in_lanes(b, split, shift, scale, flat=True)
        b.plan.layer = name
        Y, first_backward = dense_on_pixels(b, f"{first}.", X, split)
    if split.shares > 1:
        b.plan.notes.append(f"{name}: each worker caches the weights for half of the pixels")
    Z, rest = b.chain(layers[first + 1 :], "", 0, Y, first + 1)

    def backward(dZ: Value) -> Value | None:
        dY = rest(dZ)
        b.plan.layer = name
        return None if dY is None else first_backward(dY)

    return Z, backward


def first_linear(layers: Sequence[Layer]) -> int | None:
    """Return the index of the linear layer whose inputs are the images, if there is one."""
    first = _leading(layers)
    return first if first < len(layers) and type(layers[first]) is Dense else None


def _sparse_first_layer(
    b: Builder, name: str, prefix: str, split: PixelSplit, shift: Array | None, scale: Array
) -> tuple[Value, Backward]:
    """Emit the first linear layer in a form that skips zero pixels."""
    tiling = tiling_of(b, prefix)
    b.plan.layer = name
    if shift is not None:
        bias = sparse.fold_shift(b, prefix, shift, split)
    elif split.shares > 1:
        bias = b.zeros(tiling.tiles * tiling.width)
    else:
        bias = b.parameter(f"{prefix}bias")
    b.plan.layer = "images"
    X = _csr_images(b, tiling.width, split, shift, scale)
    b.plan.layer = name
    b.plan.notes.append(f"{name}: skips the pixels that are zero")
    config = batch_size_one if b.input_format.batch_size_one else sparse
    return config.sparse_dense(b, prefix, X, bias)


def _pixel_split(b: Builder, prefix: str) -> PixelSplit:
    """Return the split of the pixels into shares for a first linear layer.

    If the layer is small, the pixels are split between two workers. Each worker keeps the weights
    for its own pixels in its cache, and the workers exchange only sums over their pixels.
    """
    pixels = math.prod(b.net.shape)
    width = -(-pixels // (2 * LANES)) * LANES
    has_batches = b.training and b.plan.chunks > 1
    if not has_batches or width >= pixels or not is_small(tiling_of(b, prefix)):
        return PixelSplit(1, pixels)
    return PixelSplit(2, width)


def _leading(layers: Sequence[Layer]) -> int:
    """Return how many layers at the start (Flatten, Normalize) are fused with image reading."""
    normalized = False
    for index, layer in enumerate(layers):
        if type(layer) is Normalize and not normalized:
            normalized = True
        elif type(layer) is not Flatten:
            return index
    return len(layers)


def _normalization(b: Builder, layers: Sequence[Layer]) -> tuple[Array | None, Array]:
    """Return the shift −m/s (None without a Normalize) and the scale 1/s of every pixel.

    For images with values 0..255, 1/s includes the division by 255.
    """
    pixels = math.prod(b.net.shape)
    unit = np.float32(1 / 255) if b.input_format.is_uint8 else np.float32(1)
    scale = aligned(pixels)
    scale[...] = unit
    found = [index for index, layer in enumerate(layers) if type(layer) is Normalize]
    if not found:
        return None, scale
    shift = aligned(pixels)
    mean, std = b.net.buffers[f"{found[0]}.mean"], b.net.buffers[f"{found[0]}.std"]

    def refresh() -> None:
        scale.reshape(len(std), -1)[...] = (unit / std)[:, None]
        shift.reshape(len(std), -1)[...] = (-mean / std)[:, None]

    b.refresh.append(refresh)
    b.plan.notes.append(f"{found[0]} Normalize: fused with reading the images")
    return shift, scale


def _images_in_lanes(
    b: Builder, split: PixelSplit, shift: Array | None, scale: Array, flat: bool
) -> Value:
    """Emit the kernel calls that transpose the images into lanes."""
    b.plan.layer = "images"
    pixels = math.prod(b.net.shape)
    shape = (pixels,) if flat else b.net.shape
    X = b.value("X", shape, requires_grad=False, keep_for_backward=True)
    width = -(-split.width // LANES) * LANES
    _emit_read(
        b,
        split,
        "gather",
        shift=aligned(pixels) if shift is None else shift,
        scale=scale,
        rows=Buffer("images: rows", LANES * width, per_worker=True),
        X=X.buffer,
    )
    return X


def _csr_images(
    b: Builder, width: int, split: PixelSplit, shift: Array | None, scale: Array
) -> CsrImages:
    """Emit the kernel calls that convert the images to CSR matrices.

    The pixels are divided into blocks so small that the gradient of a block's weights fits into the
    L1 cache.
    """
    fitting = max(LANES, _CACHE // (4 * width))
    fewest = max(-(-split.width // fitting), _MIN_BLOCKS // split.shares)
    block = -(-split.width // (fewest * LANES)) * LANES
    blocks, entries = -(-split.width // block), LANES * (split.width + LANES)
    shares = split.shares
    X = CsrImages(
        indices=Buffer("images: indices", entries, np.int32, shares=shares),
        data=Buffer("images: data", entries, shares=shares),
        indptr=Buffer("images: indptr", LANES * (blocks + 1), np.int64, shares=shares),
        pixels=math.prod(b.net.shape),
        split=split,
        blocks=blocks,
        block=block,
        shift=shift,
    )
    _emit_read(
        b,
        split,
        "to_csr",
        blocks=blocks,
        block=block,
        scale=scale,
        indices=b.plan.by_share(X.indices),
        data=b.plan.by_share(X.data),
        indptr=b.plan.by_share(X.indptr),
    )
    return X


def _emit_read(b: Builder, split: PixelSplit, name: str, **arguments: Argument) -> None:
    """For each share of the pixels, emit a kernel call that reads the images."""
    images, in_lane_order = augment.images(b)
    items = Items(Kind.CHUNKS if split.shares == 1 else Kind.CHUNKS_BY_SHARE, split.shares)
    b.plan.emit(
        items,
        f"images.{name}_{'uint8' if b.input_format.is_uint8 else 'float32'}",
        images=images,
        order=RunArgument("order"),
        share=RuntimeIndex.TILE,
        share_width=split.width,
        pixels=math.prod(b.net.shape),
        in_lane_order=in_lane_order,
        **arguments,
    )
