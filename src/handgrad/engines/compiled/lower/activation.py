"""Activations."""

from __future__ import annotations

from typing import NamedTuple

from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Layer, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh


class _Form(NamedTuple):
    """An activation's kernel, and whether its backward looks at Y, or else at X."""

    kernel: str
    by_output: bool


_FORMS: dict[type, _Form] = {
    ReLU: _Form("activation.relu", True),
    Sigmoid: _Form("activation.sigmoid", True),
    SiLU: _Form("activation.silu", False),
    Tanh: _Form("activation.tanh", True),
}


def activation(
    b: Builder, layer: Layer, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down an activation without settings."""
    kernel, by_output = _FORMS[type(layer)]
    return _lay(b, X, kernel, by_output)


def leaky_relu(
    b: Builder, layer: LeakyReLU, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down LeakyReLU; while its slope is not negative, Y has the sign of X."""
    return _lay(b, X, "activation.leaky_relu", layer.slope >= 0, layer.slope)


def _lay(
    b: Builder, X: Value, kernel: str, by_output: bool, *settings: float
) -> tuple[Value, Backward]:
    Y = b.beside("Y", X, fixed=True) if by_output else b.elsewhere("Y", X)
    b.chunks(kernel, Y.buffer, Y.count, *settings)
    seen = Y if by_output else X

    def backward(dY: Value) -> Value | None:
        if not X.learned:
            return None
        b.chunks(f"{kernel}_backward", seen.buffer, dY.buffer, dY.count, *settings)
        return dY

    return Y, backward
