"""Translates activations into kernel calls, which overwrite their input or a copy of it."""

from __future__ import annotations

from handgrad.engines.compiled.jit.signatures import signature
from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Layer, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh

_KERNELS: dict[type, str] = {
    ReLU: "activation.relu",
    Sigmoid: "activation.sigmoid",
    SiLU: "activation.silu",
    Tanh: "activation.tanh",
}


def activation(
    b: Builder, layer: Layer, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit an activation that has no hyperparameters."""
    kernel = _KERNELS[type(layer)]
    return _lower(b, X, kernel, reads_output="Y" in signature(f"{kernel}_backward").types)


def leaky_relu(
    b: Builder, layer: LeakyReLU, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit a LeakyReLU.

    The backward kernel needs only the sign of X. If the slope is not negative, Y has the same sign,
    so X may be overwritten.
    """
    reads_output = layer.slope >= 0
    return _lower(b, X, "activation.leaky_relu", reads_output, slope=layer.slope)


def _lower(
    b: Builder, X: Value, kernel: str, reads_output: bool, **hyperparameters: float
) -> tuple[Value, Backward]:
    Y = b.in_place("Y", X, keep_for_backward=True) if reads_output else b.copy("Y", X)
    b.per_chunk(kernel, X=Y.buffer, count=Y.count, **hyperparameters)
    name = "Y" if "Y" in signature(f"{kernel}_backward").types else "X"
    kept = {name: Y.buffer if reads_output else X.buffer}

    def backward(dY: Value) -> Value | None:
        if not X.requires_grad:
            return None
        b.per_chunk(
            f"{kernel}_backward",
            dY=dY.buffer,
            count=dY.count,
            **kept,
            **hyperparameters,
        )
        return dY

    return Y, backward
