"""Translates Conv2d into kernel calls: padding, packed weights, forward and backward."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.barriers import tiles
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.calls import Buffer, RuntimeIndex
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Array, Conv2d
from handgrad.layers.im2col import Pair, pair


def conv(b: Builder, layer: Conv2d, prefix: str, number: int, X: Value) -> tuple[Value, Backward]:
    """Emit a convolution."""
    C, H, W = X.shape
    (kh, kw), (down, across) = pair(layer.kernel), pair(layer.stride)
    top, left = pair(layer.padding)
    height, width = H + 2 * top, W + 2 * left
    O, kernel_area = layer.channels, kh * kw
    rows, columns = (height - kh) // down + 1, (width - kw) // across + 1
    plane, row = height * width * LANES, width * LANES

    padded = X.buffer
    if top or left:
        padded = Buffer(f"{b.plan.layer}: X with padding", C * plane)
        b.per_chunk(
            "conv.pad",
            X=X.buffer,
            D=padded,
            channels=C,
            height=H,
            width=W,
            plane=plane,
            row_stride=row,
            column_stride=LANES,
            corner=(top * width + left) * LANES,
        )

    geometry = {
        **{"channels": C, "plane": plane, "outputs": O, "rows": rows, "columns": columns},
        **{"row_stride": down * row, "column_stride": across * LANES},
    }
    Y = b.value("Y", (O, rows, columns), requires_grad=True)
    b.per_chunk(
        "conv.forward",
        _constants(product_tile(O, columns)),
        P=_packed_weights(b, "forward", prefix, C, O, kernel_area),
        b=b.parameter(f"{prefix}bias"),
        X=padded,
        Y=Y.buffer,
        row=row,
        kernel_height=kh,
        kernel_width=kw,
        **geometry,
    )
    b.plan.multiply_adds += O * C * kernel_area * rows * columns * (3 if X.requires_grad else 2)

    packed = None
    if X.requires_grad and b.training:
        packed = _packed_weights(b, "backward", prefix, C, O, kernel_area)

    def backward(dY: Value) -> Value | None:
        b.per_chunk(
            "conv.gradient",
            _constants(dot_tile(O, kernel_area)),
            X=padded,
            dY=dY.buffer,
            dW=b.chunk_gradient(f"{prefix}weight"),
            kernel_area=kernel_area,
            offsets=_kernel_offsets(kh, kw, row),
            **geometry,
        )
        b.per_chunk(
            "conv.bias_gradient",
            dY=dY.buffer,
            db=b.chunk_gradient(f"{prefix}bias"),
            outputs=O,
            count=rows * columns * LANES,
        )
        return None if packed is None else _backward_input(b, packed, layer, X, dY)

    return Y, backward


def _packed_weights(
    b: Builder, direction: str, prefix: str, C: int, O: int, kernel_area: int
) -> Buffer:
    """Emit the kernel call that packs the weights for the forward or backward pass."""
    P = Buffer(f"{b.plan.layer}: weights {direction}", C * O * kernel_area, shared=True)
    index = "k" if direction == "forward" else "o"
    b.plan.emit_before_images(
        tiles(C if direction == "forward" else O),
        f"conv.pack_{direction}",
        W=b.parameter(f"{prefix}weight"),
        P=P,
        channels=C,
        outputs=O,
        kernel_area=kernel_area,
        **{index: RuntimeIndex.TILE},
    )
    return P


def _backward_input(b: Builder, P: Buffer, layer: Conv2d, X: Value, dY: Value) -> Value:
    """Emit dX: dY, dilated by the stride and padded, convolved with the flipped kernel."""
    C, H, W = X.shape
    O, rows, columns = dY.shape
    (kh, kw), (down, across) = pair(layer.kernel), pair(layer.stride)
    top, left = pair(layer.padding)
    height, width = H + 2 * top + kh - 1, W + 2 * left + kw - 1
    plane, row = height * width * LANES, width * LANES

    D = Buffer(f"{b.plan.layer}: dY with padding", O * plane)
    corner = ((kh - 1) * width + kw - 1) * LANES
    b.per_chunk(
        "conv.pad",
        X=dY.buffer,
        D=D,
        channels=O,
        height=rows,
        width=columns,
        plane=plane,
        row_stride=down * row,
        column_stride=across * LANES,
        corner=corner,
    )
    dX = b.value("dX", X.shape, requires_grad=True)
    b.per_chunk(
        "conv.backward_input",
        _constants(product_tile(C, W)),
        P=P,
        D=D,
        dX=dX.buffer,
        channels=C,
        height=H,
        width=W,
        plane=plane,
        row=row,
        corner=corner + (top * width + left) * LANES,
        outputs=O,
        kernel_height=kh,
        kernel_width=kw,
        top=top,
        left=left,
        last_row=down * (rows - 1),
        last_column=across * (columns - 1),
    )
    return dX


def product_tile(rows: int, columns: int) -> Pair:
    """Return the size of the register tiles that cover rows x columns with the least work."""
    sizes = [(r, v) for r, v in product(range(1, 13), range(1, 9)) if r * v + v <= 28]
    return min(sizes, key=lambda size: _tiles(rows, columns, size) * (math.prod(size) + 3))


def dot_tile(rows: int, columns: int) -> Pair:
    """Return the tile of dot products with the least work, including the loads of its vectors."""
    sizes = [(r, v) for r, v in product(range(1, 7), range(1, 7)) if r * v + min(r, v) <= 30]
    return min(
        sizes, key=lambda size: _tiles(rows, columns, size) * (math.prod(size) + sum(size) / 2 + 1)
    )


def _constants(tile: Pair) -> dict[str, int]:
    """Return the constants for which a kernel is compiled."""
    return {"ROWS": tile[0], "COLUMNS": tile[1]}


def _tiles(rows: int, columns: int, size: Pair) -> int:
    return -(-rows // size[0]) * -(-columns // size[1])


def _kernel_offsets(kh: int, kw: int, row: int) -> Array:
    """Return the number of elements between the corner of a window and each kernel element."""
    return (np.arange(kh)[:, None] * row + np.arange(kw) * LANES).reshape(-1)
