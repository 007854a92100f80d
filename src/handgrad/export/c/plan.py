"""The plan of a network in C: its constant arrays, its calls, and the buffers for activations.

A layer reads one buffer and writes another one, so that a chain of layers needs two. A residual
block keeps its input in a further buffer until its shortcut has read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ModelError
from handgrad.export.c import source
from handgrad.layers import Layer, Params, Shape
from handgrad.layers.im2col import Pair, output_size

Write = Callable[["Plan", Any, Params, "Tensor"], "Tensor"]


class Tensor(NamedTuple):
    """An activation of one image: the number of its buffer, and its shape."""

    buffer: int
    shape: Shape

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def name(self) -> str:
        """The buffer in C."""
        return f"w->buffer_{self.buffer}"


class Plan:
    """Collects the arrays and the calls of a network, layer by layer.

    Attributes:
        table: the function that writes a layer, for each class of layers.
        arrays: the constant arrays by name, float32.
        windows: the definitions of the windows of convolutions and of pooling.
        calls: the calls, one line each.
        sizes: the number of elements of each buffer.
        path: the place of the current layer, such as "3_body_0".
        output: the buffer of the logits, once the network is written.
    """

    def __init__(self, table: dict[type[Any], Write]) -> None:
        self.table = table
        self.arrays: dict[str, NDArray[np.float32]] = {}
        self.windows: list[str] = []
        self.calls: list[str] = []
        self.sizes: list[int] = []
        self.path = ""
        self.output = ""
        self._uses: list[int] = []

    def new(self, shape: Shape) -> Tensor:
        """Return a tensor in a buffer that is not in use."""
        buffer = self._uses.index(0) if 0 in self._uses else len(self._uses)
        if buffer == len(self._uses):
            self._uses.append(0)
            self.sizes.append(0)
        self._uses[buffer] = 1
        self.sizes[buffer] = max(self.sizes[buffer], math.prod(shape))
        return Tensor(buffer, shape)

    def keep(self, X: Tensor) -> None:
        """Keep a tensor for one more reader."""
        self._uses[X.buffer] += 1

    def call(self, function: str, X: Tensor, shape: Shape, *rest: object) -> Tensor:
        """Call a function that reads X and writes another buffer; return the output."""
        Y = self.new(shape)
        self._write(function, X, Y, *rest)
        self._uses[X.buffer] -= 1
        return Y

    def in_place(self, function: str, X: Tensor, *rest: object) -> Tensor:
        """Call a function that may write to the buffer that it reads."""
        if self._uses[X.buffer] > 1:
            return self.call(function, X, X.shape, *rest)
        self._write(function, X, X, *rest)
        return X

    def add(self, body: Tensor, shortcut: Tensor) -> Tensor:
        """Add two tensors; return their sum."""
        own = 2 if body.buffer == shortcut.buffer else 1  # uses of the buffer that end here
        Y = self.new(body.shape) if self._uses[body.buffer] > own else body
        self._call("add", body.name, shortcut.name, Y.name, Y.size)
        self._uses[body.buffer] -= 1
        self._uses[shortcut.buffer] -= 1
        self._uses[Y.buffer] = 1
        return Y

    def array(self, params: Params, name: str) -> str:
        """Store an array of the current layer, and return its name."""
        return self.values(name, params[name])

    def values(self, name: str, values: NDArray[Any]) -> str:
        """Store values for the current layer, and return the name of their array."""
        full = f"hg_{self.path}_{name}"
        self.arrays[full] = np.asarray(values, np.float32)
        return full

    def window(self, shape: Shape, kernel: Pair, stride: Pair, padding: Pair) -> tuple[str, Pair]:
        """Store the windows of the current layer; return their name and the size of its output."""
        size = output_size(shape, kernel, stride, padding)
        name = f"hg_{self.path}_window"
        numbers = ", ".join(map(str, (*shape, *kernel, *stride, *padding, *size)))
        self.windows.append(f"static const hg_window {name} = {{{numbers}}};")
        return f"&{name}", size

    def chain(self, layers: Sequence[Layer], params: Params, X: Tensor) -> Tensor:
        """Write layers one after another; return the output of the last one."""
        outside = self.path
        for index, layer in enumerate(layers):
            self.path = f"{outside}_{index}".strip("_")
            kind = type(layer)
            if kind not in self.table:
                raise ModelError(
                    f"there is no C code for the layer {kind.__name__}; export a model without it"
                )
            before = len(self.calls)
            X = self.table[kind](self, layer, params[str(index)], X)
            place = self.path.replace("_", ".")
            shape = " x ".join(map(str, X.shape))
            if len(self.calls) > before:
                self.calls[-1] += f" /* {place} {kind.__name__}: {shape} */"
        self.path = outside
        return X

    def _write(self, function: str, X: Tensor, Y: Tensor, *rest: object) -> None:
        self._call(function, X.name, Y.name, *rest)

    def _call(self, function: str, *arguments: object) -> None:
        self.calls.append(f"hg_{function}({', '.join(map(str, arguments))});")

    def activations(self) -> str:
        """Return the members of the memory for activations."""
        return "\n".join(f"    float buffer_{k}[{size}];" for k, size in enumerate(self.sizes))

    def result(self) -> str:
        """Return the statement that writes the logits."""
        return f"for (int k = 0; k < HG_CLASSES; k++) logits[k] = {self.output}[k];"

    @property
    def ram(self) -> int:
        """The bytes of the activations."""
        return 4 * sum(self.sizes)

    def definitions(self) -> str:
        """Return the C code of all arrays and windows."""
        arrays = [source.array(name, values) for name, values in self.arrays.items()]
        return "\n\n".join([*arrays, *(["\n".join(self.windows)] if self.windows else [])])
