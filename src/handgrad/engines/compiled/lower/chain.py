"""Layers made of layers, and the one that changes only the shape."""

from __future__ import annotations

from dataclasses import replace

from handgrad.engines.compiled.lower.builder import Backward, Builder
from handgrad.engines.compiled.lower.values import Value
from handgrad.layers import Flatten, Residual
from handgrad.layers.chain import Sequential


def chain(
    b: Builder, layer: Sequential, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down a chain inside a chain."""
    return b.chain(layer.layers, prefix, number, X)


def flatten(
    b: Builder, layer: Flatten, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down nothing: in lanes, an image lies in one column already."""
    return replace(X, shape=(X.features,)), lambda dY: replace(dY, shape=X.shape)


def residual(
    b: Builder, layer: Residual, prefix: str, number: int, X: Value
) -> tuple[Value, Backward]:
    """Lay down both ways and their sum."""
    label = b.plan.layer
    X = replace(X, fixed=True)
    body, back = b.chain(layer.body, f"{prefix}body.", number * 1000 + 1, X)
    short, shortcut = b.chain(layer.shortcut, f"{prefix}shortcut.", number * 1000 + 2, X)
    b.plan.layer = label
    Y = b.value("Y", body.shape, body.learned or short.learned)
    b.chunks("chain.add", body.buffer, short.buffer, Y.buffer, Y.count)

    def backward(dY: Value) -> Value | None:
        own = b.value("dY of the body", dY.shape, learned=True)
        b.chunks("chain.copy", dY.buffer, own.buffer, own.count)
        dX = back(own) if body.learned else None
        other = shortcut(dY) if short.learned else None
        b.plan.layer = label
        if not X.learned or dX is None or other is None:
            return dX or other if X.learned else None
        b.chunks("chain.add", dX.buffer, other.buffer, dX.buffer, X.count)
        return dX

    return Y, backward
