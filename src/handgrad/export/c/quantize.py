"""Quantization of a network to int8, with an integer simulation of what the C code computes.

A tensor of float32 numbers x is stored as int8 numbers q with x = scale (q − zero). Weights have
one scale per output and the zero 0. The scales of activations are those of training images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ModelError
from handgrad.layers import (
    Array,
    AvgPool2d,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    MaxPool2d,
    Params,
    ReLU,
    Residual,
    Sequential,
    Shape,
)
from handgrad.network import Network

Integers = NDArray[np.int64]
_LOGIT_BITS = 16  # of the largest logit, with its sign
MAX_INPUTS = 60_000  # of one output: more could exceed 32 bits


@dataclass(frozen=True)
class Scale:
    """The scale and the zero of a tensor."""

    scale: float
    zero: int

    def quantized(self, X: Array) -> Integers:
        """Return q = round(X / scale) + zero, limited to -128..127."""
        q = np.floor(X.astype(np.float64) / self.scale + 0.5) + self.zero
        return np.clip(q, -128, 127).astype(np.int64)

    def values(self, q: Integers) -> NDArray[np.float64]:
        """Return x = scale (q − zero)."""
        return (self.scale * (q - self.zero)).astype(np.float64)


@dataclass(frozen=True)
class Op:
    """An operation of the integer network.

    Attributes:
        path: the place of its layer, such as "3.body.0", and the kinds of the layers.
        kind: the name of its function in C.
        inputs: the numbers of the tensors that it reads. Tensor 0 is the image.
        run: computes the output from the inputs, (N, ...) int64, as C does.
        shape: the shape of the output.
        scale: the scale of the output.
        arrays: the constant arrays by name, in the order of C's arguments.
        numbers: the other arguments.
        window: the shape of the input, kernel, stride, padding and size of the output, or None.
        error: the noise of the output on the calibration images, relative to its float32 values.
        given: the shapes of the inputs.
    """

    path: str
    kind: str
    inputs: tuple[int, ...]
    run: Callable[..., Integers]
    shape: Shape
    scale: Scale
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    numbers: tuple[int, ...] = ()
    window: tuple[int, ...] | None = None
    error: float = 0.0
    given: tuple[Shape, ...] = ()

    def __call__(self, *tensors: Integers) -> Integers:
        """Compute the output from the inputs, which may have the shape of another layer."""
        return self.run(
            *(q.reshape(len(q), *shape) for q, shape in zip(tensors, self.given, strict=True))
        )


@dataclass(frozen=True)
class _Tensor:
    """A tensor while the network is quantized: float32 values, int8 values and their scale."""

    number: int
    X: Array
    q: Integers
    scale: Scale


class Quantized:
    """A network of integer operations: the logits are the last output."""

    def __init__(self, network: Network, images: NDArray[np.uint8]) -> None:
        """Quantize a network.

        Args:
            network: the network.
            images: training images, (N, C, H, W) uint8, that determine the scales.

        Raises:
            ModelError: if a layer has too many inputs, or the images are not bytes.
        """
        if images.dtype != np.uint8:
            raise ModelError("int8 needs images of bytes 0..255; this model takes other numbers")
        self.input = Scale(1 / 255, -128)
        self.ops: list[Op] = []
        self.report: list[str] = []  # of what it costs, for the header
        X = _Tensor(0, network.as_input(images), images.astype(np.int64) - 128, self.input)
        self._chain(network.layers, network.params, X, "")
        if not self.ops:
            raise ModelError("int8 needs a network with at least one layer with weights")

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of images (N, C, H, W) uint8, exactly as C computes them, (N, K)."""
        parts = [self._logits(images[at : at + 100]) for at in range(0, len(images), 100)]
        return np.concatenate(parts)

    def _logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        tensors = {0: images.astype(np.int64) - 128}
        for number, op in enumerate(self.ops, 1):
            tensors[number] = op(*(tensors[k] for k in op.inputs))
        last = self.ops[-1]
        q = (tensors[len(self.ops)] - last.scale.zero).reshape(len(images), -1)
        return q.astype(np.float32) * np.float32(last.scale.scale)

    def _add(self, op: Op, Y: Array, *inputs: _Tensor) -> _Tensor:
        """Add an operation with the float32 output Y."""
        op = replace(op, given=tuple(X.X.shape[1:] for X in inputs))
        q = op(*(X.q for X in inputs))
        noise = op.scale.values(q) - Y
        power = math.sqrt(float((Y.astype(np.float64) ** 2).mean())) or 1.0
        error = math.sqrt(float((noise**2).mean())) / power
        self.ops.append(replace(op, error=error))
        return _Tensor(len(self.ops), Y, q, op.scale)

    def _chain(self, layers: Sequence[Layer], params: Params, X: _Tensor, path: str) -> _Tensor:
        todo = [(f"{path}{k}", layer, params[str(k)]) for k, layer in enumerate(layers)]
        todo = [item for item in _flat(todo) if not isinstance(item[1], Dropout | Dropout2d)]
        while todo:
            (place, layer, own), *todo = todo
            name = type(layer).__name__
            if isinstance(layer, Dense | Conv2d):
                own = {part: np.asarray(own[part], np.float64) for part in own}
                Y = layer.forward(own, X.X, Context())[0]
                if todo and isinstance(todo[0][1], BatchNorm):
                    own, Y = _folded(own, todo[0][1], todo[0][2], Y)
                    name += " + BatchNorm"
                    todo = todo[1:]
                if todo and isinstance(todo[0][1], ReLU):
                    Y, name, todo = np.maximum(Y, 0), f"{name} + ReLU", todo[1:]
                is_last = not path and not todo and isinstance(layer, Dense)
                X = self._linear(f"{place} {name}", layer, own, X, Y, wide=is_last)
                continue
            Y = X.X if isinstance(layer, Residual) else layer.forward(own, X.X, Context())[0]
            where = f"{place} {name}"
            if isinstance(layer, Residual):
                X = self._residual(place, layer, own, X)
            elif isinstance(layer, Flatten):
                X = _Tensor(X.number, Y, X.q.reshape(Y.shape), X.scale)
            elif isinstance(layer, MaxPool2d | AvgPool2d | GlobalAvgPool2d):
                X = self._pool(where, layer, X, Y)
            else:
                X = self._table(where, layer, own, X, Y)
        return X

    def _linear(
        self, path: str, layer: Dense | Conv2d, own: Params, X: _Tensor, Y: Array, *, wide: bool
    ) -> _Tensor:
        weight, bias = own["weight"], own["bias"]
        O = len(bias)
        if weight[0].size > MAX_INPUTS:
            raise ModelError(f"layer {path} has {weight[0].size} inputs; int8 takes {MAX_INPUTS}")
        sides = np.abs(weight.reshape(O, -1)).max(axis=1)
        scales = np.where(sides > 0, sides, 1.0) / 127
        W = np.floor(weight / scales.reshape(-1, *(1,) * (weight.ndim - 1)) + 0.5)
        limit = 2**30
        b = np.clip(np.floor(bias / (X.scale.scale * scales) + 0.5), -limit, limit)
        largest = float(np.abs(Y).max()) or 1.0
        scale = Scale(largest / 2 ** (_LOGIT_BITS - 1), 0) if wide else _scale_of(Y)
        factors = [_factor(X.scale.scale * s / scale.scale) for s in scales]
        m, shift = (np.array(values, np.int64) for values in zip(*factors, strict=True))
        along = (1, -1, *(1,) * (Y.ndim - 2))
        zero = X.scale.zero

        def run(q: Integers) -> Integers:
            sums = layer.forward({"weight": W, "bias": b}, (q - zero).astype(np.float64), Context())
            made = _scaled(sums[0].astype(np.int64), m.reshape(along), shift.reshape(along))
            return made if wide else np.clip(made + scale.zero, -128, 127)

        window = None
        if isinstance(layer, Conv2d):
            window = _window(X.X.shape[1:], layer.kernel, layer.stride, layer.padding, Y)
            kind = "conv2d_int8"
        else:
            kind = "dense_logits" if wide else "dense_int8"
        sizes: tuple[int, ...] = (O,) if isinstance(layer, Conv2d) else (weight.shape[1], O)
        arrays = {
            "weight": W.astype(np.int8),
            "bias": b.astype(np.int32),
            "factor": m.astype(np.int32),
            "shift": shift.astype(np.int8),
        }
        numbers = (*sizes, zero) if wide else (*sizes, zero, scale.zero)
        op = Op(path, kind, (X.number,), run, Y.shape[1:], scale, arrays, numbers, window)
        return self._add(op, Y, X)

    def _pool(self, path: str, layer: Any, X: _Tensor, Y: Array) -> _Tensor:
        shape, zero = X.X.shape[1:], X.scale.zero
        if isinstance(layer, GlobalAvgPool2d):
            window = (*shape, *shape[1:], 1, 1, 0, 0, 1, 1)
        else:
            stride = layer.kernel if layer.stride is None else layer.stride
            window = _window(shape, layer.kernel, stride, layer.padding, Y)
        if isinstance(layer, MaxPool2d):

            def largest(q: Integers) -> Integers:
                return layer.forward({}, q.astype(np.float64), Context())[0].astype(np.int64)

            op = Op(
                path, "max_pool_int8", (X.number,), largest, Y.shape[1:], X.scale, window=window
            )
            return self._add(op, Y, X)
        count = window[3] * window[4]
        m, shift = _factor(1 / count)

        def mean(q: Integers) -> Integers:
            means = layer.forward({}, (q - zero).astype(np.float64), Context())[0]
            sums = np.rint(means * count).astype(np.int64)
            return np.clip(_scaled(sums, m, shift) + zero, -128, 127)

        numbers = (zero, m, shift)
        op = Op(path, "avg_pool_int8", (X.number,), mean, Y.shape[1:], X.scale, {}, numbers, window)
        return self._add(op, Y, X)

    def _table(self, path: str, layer: Layer, own: Params, X: _Tensor, Y: Array) -> _Tensor:
        """Add a layer that acts on each element, as a table of its 256 outputs per channel."""
        scale = _scale_of(Y)
        is_by_channel = isinstance(layer, BatchNorm) or (len(own) > 0 and X.X.ndim == 4)
        C = X.X.shape[1] if is_by_channel else 1
        every = X.scale.values(np.arange(-128, 128))
        probe = np.broadcast_to(every, (C, 256)).T  # 256 examples of C elements
        image = probe.reshape(256, C, *(1,) * (X.X.ndim - 2))
        table = scale.quantized(layer.forward(own, image, Context())[0].reshape(256, C).T)

        def run(q: Integers) -> Integers:
            channels = q.reshape(len(q), C, -1)
            rows = np.arange(C)[None, :, None]
            return table[rows, channels + 128].reshape(q.shape)

        numbers = (C, math.prod(X.X.shape[1:]) // C)
        arrays = {"table": table.astype(np.int8)}
        op = Op(path, "table_int8", (X.number,), run, Y.shape[1:], scale, arrays, numbers)
        return self._add(op, Y, X)

    def _residual(self, place: str, layer: Residual, own: Params, X: _Tensor) -> _Tensor:
        body = self._chain(layer.body, own["body"], X, f"{place}.body.")
        shortcut = self._chain(layer.shortcut, own["shortcut"], X, f"{place}.shortcut.")
        Y = body.X + shortcut.X
        scale = _scale_of(Y)
        a, b = (_factor(x.scale.scale / scale.scale) for x in (body, shortcut))
        zeros = body.scale.zero, shortcut.scale.zero

        def run(p: Integers, q: Integers) -> Integers:
            made = scale.zero + _scaled(p - zeros[0], *a) + _scaled(q - zeros[1], *b)
            return np.clip(made, -128, 127)

        arrays = {"factors": np.array([zeros[0], *a, zeros[1], *b, scale.zero], np.int32)}
        inputs = body.number, shortcut.number
        op = Op(f"{place} Residual", "add_int8", inputs, run, Y.shape[1:], scale, arrays)
        return self._add(op, Y, body, shortcut)


def _flat(todo: Iterable[tuple[str, Layer, Params]]) -> list[tuple[str, Layer, Params]]:
    """Return layers with those of each `Sequential` in its place."""
    found = []
    for place, layer, own in todo:
        if isinstance(layer, Sequential):
            inner = [(f"{place}.{k}", one, own[str(k)]) for k, one in enumerate(layer.layers)]
            found += _flat(inner)
        else:
            found.append((place, layer, own))
    return found


def _folded(own: Params, norm: BatchNorm, its: Params, Y: Array) -> tuple[Params, Array]:
    """Return the weights that include a batch normalization, and its output for Y."""
    values = {name: np.asarray(array, np.float64) for name, array in its.items()}
    scale = values["weight"] / np.sqrt(values["running_var"] + norm.eps)
    weight = own["weight"] * scale.reshape(-1, *(1,) * (own["weight"].ndim - 1))
    bias = (own["bias"] - values["running_mean"]) * scale + values["bias"]
    return {"weight": weight, "bias": bias}, norm.forward(values, Y, Context())[0]


def _scale_of(X: Array) -> Scale:
    """Return the scale for the range of X and 0."""
    low, high = min(0.0, float(X.min())), max(0.0, float(X.max()))
    scale = (high - low) / 255 or 1.0
    return Scale(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def _factor(value: float) -> tuple[int, int]:
    """Return m and shift with value = m / 2^shift, and m below 2^31."""
    mantissa, exponent = math.frexp(value)
    m, shift = round(mantissa * 2**31), 31 - exponent
    if m == 2**31:
        m, shift = 2**30, shift - 1
    while shift > 60:  # so small that it hardly matters
        m, shift = m // 2, shift - 1
    if shift < 1:
        raise ModelError("the scales of the network differ too much for int8")
    return m, shift


def _scaled(a: Integers, m: Any, shift: Any) -> Integers:
    """Return m a / 2^shift, rounded to the nearest integer, halves up."""
    half = np.int64(1) << np.asarray(shift - 1, np.int64)
    return (a * m + half) >> np.asarray(shift, np.int64)


def _window(shape: Shape, kernel: Any, stride: Any, padding: Any, Y: Array) -> tuple[int, ...]:
    """Return the numbers of a window in C."""
    pairs = [(v, v) if isinstance(v, int) else tuple(v) for v in (kernel, stride, padding)]
    return (*shape, *pairs[0], *pairs[1], *pairs[2], *Y.shape[2:])
