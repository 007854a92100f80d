"""Translates Sequential, Flatten and Residual into kernel calls."""

from __future__ import annotations

from dataclasses import replace

from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Flatten, Residual
from handgrad.layers.chain import Sequential


def chain(
    b: Builder, layer: Sequential, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit a Sequential that is nested in another Sequential."""
    return b.chain(layer.layers, prefix, number, X)


def flatten(
    b: Builder, layer: Flatten, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit nothing: Flatten needs no kernel, because its output is stored like its input."""
    return replace(X, shape=(X.features,)), lambda dY: replace(dY, shape=X.shape)


def residual(
    b: Builder, layer: Residual, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Emit a Residual: its body, its shortcut and their sum."""
    label = b.plan.layer
    X = replace(X, keep_for_backward=True)
    body, body_backward = b.chain(layer.body, f"{prefix}body.", number * 1000 + 1, X)
    short, short_backward = b.chain(layer.shortcut, f"{prefix}shortcut.", number * 1000 + 2, X)
    b.plan.layer = label
    Y = b.value("Y", body.shape, body.requires_grad or short.requires_grad)
    b.per_chunk("chain.add", A=body.buffer, B=short.buffer, Y=Y.buffer, count=Y.count)

    def backward(dY: Value) -> Value | None:
        own = b.value("dY of the body", dY.shape, requires_grad=True)
        b.per_chunk("chain.copy", X=dY.buffer, Y=own.buffer, count=own.count)
        dX = body_backward(own) if body.requires_grad else None
        other = short_backward(dY) if short.requires_grad else None
        b.plan.layer = label
        if not X.requires_grad or dX is None or other is None:
            return dX or other if X.requires_grad else None
        b.per_chunk("chain.add", A=dX.buffer, B=other.buffer, Y=dX.buffer, count=X.count)
        return dX

    return Y, backward
