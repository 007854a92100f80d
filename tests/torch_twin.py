"""Every layer's forward in PyTorch, to hold our backward against its autograd.

It reads our layers and our arrays, and shares no mathematics with us; only dropout takes its mask
from ours, for a mask is drawn, not derived.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from handgrad.arrays import flatten
from handgrad.layers import (
    Array,
    AvgPool2d,
    BatchNorm,
    Chain,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sigmoid,
    SiLU,
    Tanh,
    Tree,
)
from tests.cases import Case
from tests.gradients import errors, gradients

TOLERANCE = 1e-13


DRAWS = 3  # judged together: a single number may cancel to almost nothing, three will not


def check_autograd(case: Case, training: bool, seed: int = 0) -> float:
    """Hold a case's output, gradients and carried arrays against PyTorch's.

    Returns:
        The worst error of the output and the gradients.
    """
    draws = [ours_and_theirs(case, training, seed + draw) for draw in range(DRAWS)]
    ours, our_arrays, theirs, their_arrays = (
        {name: np.stack([arrays[name] for arrays in column]) for name in column[0]}
        for column in zip(*draws, strict=True)
    )
    worst = errors(ours, theirs)
    assert max(worst.values()) <= TOLERANCE, worst
    carried = errors(our_arrays, their_arrays)
    assert max(carried.values(), default=0.0) <= 1e-12, carried
    return max(worst.values())


def ours_and_theirs(case: Case, training: bool, seed: int) -> tuple[dict[str, Array], ...]:
    """Return our results, our arrays after the step, and the same two from PyTorch."""
    layer, params, X = case.chain, case.params(seed), case.examples(seed)
    ctx = Context(training, seed, step=3)
    Y, cache = layer.forward(params, X, ctx)
    dY = np.random.default_rng((seed, 4)).normal(size=Y.shape)
    found = {"Y": Y, **gradients(layer, params, X, ctx, dY)}
    absorbed = flatten(layer.absorb(params, cache)) if training else {}
    theirs, their_gradients, their_arrays = autograd(layer, params, X, ctx, dY)
    return found, flatten(params) | absorbed, {"Y": theirs, **their_gradients}, their_arrays


def autograd(
    layer: Layer, params: Tree, X: Array, ctx: Context, dY: Array
) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """Return Y, the gradients (dX as "X"), and all arrays as they are after the forward."""
    tensors, picture = as_tensors(params), torch.tensor(X, requires_grad=True)
    Y = forward(layer, tensors, picture, ctx)
    Y.backward(torch.tensor(dY))
    flat = dict(leaves(tensors))
    found = {name: t.grad.numpy() for name, t in flat.items() if t.grad is not None}
    after = {name: t.detach().numpy() for name, t in flat.items()}
    return Y.detach().numpy(), {"X": picture.grad.numpy(), **found}, after


def as_tensors(tree: Tree) -> dict[str, Any]:
    """Return the tree as tensors; running statistics are no leaves of the graph."""
    return {
        name: as_tensors(value)
        if isinstance(value, dict)
        else torch.tensor(value, requires_grad=name in ("weight", "bias"))
        for name, value in tree.items()
    }


def leaves(tensors: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors with their full names, such as "3.body.0.weight"."""
    for name, value in tensors.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def forward(  # noqa: C901, PLR0911, PLR0912 (one line for each layer)
    layer: Layer, params: dict[str, Any], X: Tensor, ctx: Context
) -> Tensor:
    """Return the layer's output."""
    match layer:
        case Dense():
            return functional.linear(X, params["weight"], params["bias"])
        case Conv2d():
            weights = params["weight"], params["bias"]
            return functional.conv2d(X, *weights, layer.stride, layer.padding)
        case MaxPool2d():
            return functional.max_pool2d(X, layer.kernel, layer.stride, layer.padding)
        case AvgPool2d():
            return functional.avg_pool2d(X, layer.kernel, layer.stride, layer.padding)
        case GlobalAvgPool2d():
            return functional.adaptive_avg_pool2d(X, 1).flatten(1)
        case Flatten():
            return torch.flatten(X, 1)
        case BatchNorm():
            running = params["running_mean"], params["running_var"]
            learned = params["weight"], params["bias"]
            settings = ctx.training, layer.momentum, layer.eps
            return functional.batch_norm(X, *running, *learned, *settings)
        case Normalize():
            along = (-1, *(1,) * (X.ndim - 2))
            return (X - params["mean"].reshape(along)) / params["std"].reshape(along)
        case ReLU():
            return functional.relu(X)
        case LeakyReLU():
            return functional.leaky_relu(X, layer.slope)
        case Sigmoid():
            return torch.sigmoid(X)
        case Tanh():
            return torch.tanh(X)
        case SiLU():
            return functional.silu(X)
        case Dropout() | Dropout2d():
            mask, _ = layer.forward({}, np.ones(X.shape), ctx)
            return X * torch.tensor(mask)
        case Chain():
            for index, inner in enumerate(layer.layers):
                X = forward(inner, params[str(index)], X, ctx.inside(index))
            return X
        case Residual():
            body = forward(Chain(layer.body), params["body"], X, ctx.inside(0))
            return body + forward(Chain(layer.shortcut), params["shortcut"], X, ctx.inside(1))
    raise NotImplementedError(f"{type(layer).__name__} has no counterpart here; add it")
