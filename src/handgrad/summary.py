"""A network as a table of layers, shapes, parameters and arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.layers import Array, Chain, Context, Layer, Params, Residual, Shape, has_buffers


@dataclass(frozen=True)
class Row:
    """One line of a summary.

    Attributes:
        name: the layer's number and kind, such as "0 Flatten".
        output: the shape of its output, for one image.
        parameters: how many numbers it learns.
        multiply_adds: how many its weights take for one image, forward.
    """

    name: str
    output: Shape
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A network as a table: print it, or read its `rows` and totals."""

    rows: tuple[Row, ...]

    @property
    def parameters(self) -> int:
        """How many numbers the network learns."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image, forward; a training step takes about three times that."""
        return sum(row.multiply_adds for row in self.rows)

    def __str__(self) -> str:
        lines = [("layer", "output", "parameters", "multiply-adds")]
        for row in self.rows:
            output = " x ".join(str(size) for size in row.output)
            lines.append((row.name, output, f"{row.parameters:,}", f"{row.multiply_adds:,}"))
        lines.append(("total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        return "\n".join(
            f"{name:<{widths[0]}}  {output:<{widths[1]}}  {count:>{widths[2]}}  {work:>{widths[3]}}"
            for name, output, count, work in lines
        )


def summarize(layers: Sequence[Layer], tree: Params, X: Array) -> Summary:
    """Return the summary of layers with arrays `tree`, for one image X (1, C, H, W)."""
    rows = []
    for index, layer in enumerate(layers):
        params = tree[str(index)]
        work = multiply_adds(layer, params, X)
        X, _ = layer.forward(params, X, Context())
        name = f"{index} {type(layer).__name__}"
        rows.append(Row(name, X.shape[1:], _learned(layer, params), work))
    return Summary(tuple(rows))


def multiply_adds(layer: Layer, params: Params, X: Array) -> int:
    """Return the multiply-adds of a layer's weights for one image X (1, ...)."""
    if isinstance(layer, Residual):
        return multiply_adds(Chain(layer.body), params["body"], X) + multiply_adds(
            Chain(layer.shortcut), params["shortcut"], X
        )
    if isinstance(layer, Chain):
        return sum(row.multiply_adds for row in summarize(layer.layers, params, X).rows)
    if "weight" not in params:
        return 0
    Y, _ = layer.forward(params, X, Context())
    return int(Y.size) * math.prod(params["weight"].shape[1:])


def _learned(layer: Layer, params: Params) -> int:
    """Return how many numbers a layer learns."""
    buffers = layer.buffers if has_buffers(layer) else ()
    return _count(params) - sum(_count(_find(params, name)) for name in buffers)


def _count(tree: Params | Array) -> int:
    """Return how many numbers a tree of arrays holds."""
    return sum(map(_count, tree.values())) if isinstance(tree, dict) else int(tree.size)


def _find(tree: Params, name: str) -> Array:
    """Return the array that lies in the tree under a dotted name."""
    first, _, rest = name.partition(".")
    return _find(tree[first], rest) if rest else tree[first]
