"""An ONNX graph under construction: operators and constants, each with a name."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from handgrad.layers import Array


class Graph:
    """An ONNX graph under construction.

    Attributes:
        nodes: the operators, in the order in which they were added.
        arrays: the constant arrays.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add an operator and return the name of its first output."""
        name = f"{operator.lower()}{len(self.nodes)}"
        names = [name, *(f"{name}.{k}" for k in range(1, outputs))]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return name

    def array(self, values: Array) -> str:
        """Add a constant array and return its name."""
        name = f"array{len(self.arrays)}"
        values = values.astype(np.float32) if values.dtype.kind == "f" else values
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def number(self, value: float) -> str:
        """Add a single number as a constant and return its name."""
        return self.array(np.array(value, np.float32))

    def rename(self, name: str, wanted: str) -> None:
        """Rename the output of the most recently added node."""
        assert list(self.nodes[-1].output) == [name], "only the latest node can be renamed"
        self.nodes[-1].output[0] = wanted
