"""The plan of a quantized network in C: its constant arrays, its calls and its buffers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.export.c import source
from handgrad.export.c.quantize import Op, Quantized

_KINDS = {"int8": "int8_t", "int32": "int32_t"}


class Int8Plan:
    """The plan of a quantized network.

    Attributes:
        arrays: the constant arrays by name, int8 or int32.
        windows: the definitions of the windows of convolutions and of pooling.
        calls: the calls, one line each.
        sizes: the number of elements of each buffer.
        network: the quantized network.
        logits: the number of logits.
    """

    def __init__(self, quantized: Quantized, inputs: int) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.windows: list[str] = []
        self.calls: list[str] = []
        self.sizes: list[int] = [inputs]
        self.network = quantized
        self.logits = math.prod(quantized.ops[-1].shape)
        last_use = {k: n for n, op in enumerate(quantized.ops, 1) for k in op.inputs}
        buffers: dict[int, int] = {0: 0}
        free: list[int] = []
        for number, op in enumerate(quantized.ops, 1):
            if free:
                buffers[number] = free.pop()
            else:
                buffers[number] = len(self.sizes)
                self.sizes.append(0)
            to = buffers[number]
            if op.kind == "dense_logits":
                self._call(op, [f"w->buffer_{buffers[k]}" for k in op.inputs], "w->logits")
            else:
                self.sizes[to] = max(self.sizes[to], math.prod(op.shape))
                inputs_of = [f"w->buffer_{buffers[k]}" for k in op.inputs]
                self._call(op, inputs_of, f"w->buffer_{to}")
            free += [buffers[k] for k in {*op.inputs} if last_use[k] == number]
        self.last = f"w->buffer_{buffers[len(quantized.ops)]}"
        self.sizes = [size or 1 for size in self.sizes]

    @property
    def is_wide(self) -> bool:
        """Whether the logits have 32 bits."""
        return self.network.ops[-1].kind == "dense_logits"

    def _call(self, op: Op, inputs: list[str], output: str) -> None:
        place = "hg_" + op.path.split(" ", maxsplit=1)[0].replace(".", "_")
        names = [f"{place}_{name}" for name in op.arrays]
        self.arrays |= dict(zip(names, op.arrays.values(), strict=True))
        window = []
        if op.window is not None:
            numbers = ", ".join(map(str, op.window))
            self.windows.append(f"static const hg_window {place}_window = {{{numbers}}};")
            window = [f"&{place}_window"]
        if op.kind == "add_int8":
            words = [*inputs, output, math.prod(op.shape), *names]
        else:
            words = [*inputs, output, *names, *window, *op.numbers]
        shape = " x ".join(map(str, op.shape))
        self.calls.append(f"hg_{op.kind}({', '.join(map(str, words))}); /* {op.path}: {shape} */")

    def definitions(self) -> str:
        """Return the C code of all arrays and windows."""
        arrays = [
            source.array(name, values, _KINDS[values.dtype.name])
            for name, values in self.arrays.items()
        ]
        return "\n\n".join([*arrays, *(["\n".join(self.windows)] if self.windows else [])])

    def activations(self) -> str:
        """Return the members of the memory for activations."""
        lines = [f"    int8_t buffer_{k}[{size}];" for k, size in enumerate(self.sizes)]
        if self.is_wide:
            lines.insert(0, f"    int32_t logits[{self.logits}];")
        return "\n".join(lines)

    @property
    def ram(self) -> int:
        """The bytes of the activations."""
        return sum(self.sizes) + (4 * self.logits if self.is_wide else 0)

    def result(self) -> str:
        """Return the statement that writes the logits as floating-point numbers."""
        scale = self.network.ops[-1].scale
        q = "w->logits[k]" if self.is_wide else f"({self.last}[k] - {scale.zero})"
        factor = source.number(np.float32(scale.scale))
        return f"for (int k = 0; k < HG_CLASSES; k++) logits[k] = (float){q} * {factor};"
