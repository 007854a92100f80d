"""Our backward held against PyTorch's autograd, over several draws, running statistics included.

The forward in PyTorch is the one that `handgrad gradcheck` asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Context, Layer, Params
from handgrad.params import flatten
from tests.cases import Case
from tests.extras import needs
from tests.gradients import errors

TOLERANCE = 1e-13


DRAWS = 3  # judged together: a single number may cancel to almost nothing, three will not


def check_autograd(case: Case, training: bool, seed: int = 0) -> float:
    """Hold a case's output, gradients and carried arrays against PyTorch's.

    Returns:
        The worst error of the output and the gradients.
    """
    needs("torch")
    draws = [ours_and_theirs(case, training, seed + draw) for draw in range(DRAWS)]
    ours, our_arrays, theirs, their_arrays = (
        {name: np.stack([arrays[name] for arrays in column]) for name in column[0]}
        for column in zip(*draws, strict=True)
    )
    worst = errors(ours, theirs)
    assert max(worst.values()) <= TOLERANCE, worst
    buffers = errors(our_arrays, their_arrays)
    assert max(buffers.values(), default=0.0) <= 1e-12, buffers
    return max(worst.values())


def ours_and_theirs(case: Case, training: bool, seed: int) -> tuple[dict[str, Array], ...]:
    """Return our results, our arrays after the step, and the same two from PyTorch."""
    layer, params, X = case.chain, case.params(seed), case.examples(seed)
    ctx = Context(training, seed, step=3)
    Y, cache = layer.forward(params, X, ctx)
    dY = np.random.default_rng((seed, 4)).normal(size=Y.shape)
    found = {"Y": Y, **gradients(layer, Point(params, X, ctx, dY))}
    absorbed = flatten(layer.update_buffers(params, cache)) if training else {}
    theirs, their_gradients, their_arrays = autograd(layer, params, X, ctx, dY)
    return found, flatten(params) | absorbed, {"Y": theirs, **their_gradients}, their_arrays


def autograd(
    layer: Layer, params: Params, X: Array, ctx: Context, dY: Array
) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """Return Y, the gradients (dX as "X"), and all arrays as they are after the forward.

    The witness in `handgrad.gradient_check` gives the gradients alone, and knows no running statistics.
    """
    import torch

    from handgrad.gradient_check.torch_forward import forward

    tensors, image = as_tensors(params), torch.tensor(X, requires_grad=True)
    Y = forward(layer, tensors, image, ctx)
    Y.backward(torch.tensor(dY))
    flat = flatten(tensors)
    found = {name: t.grad.numpy() for name, t in flat.items() if t.grad is not None}
    after = {name: t.detach().numpy() for name, t in flat.items()}
    return Y.detach().numpy(), {"X": image.grad.numpy(), **found}, after


def as_tensors(tree: Params) -> dict[str, Any]:
    """Return the tree as tensors; running statistics are no leaves of the graph."""
    import torch

    return {
        name: as_tensors(value)
        if isinstance(value, dict)
        else torch.tensor(value, requires_grad=name in ("weight", "bias"))
        for name, value in tree.items()
    }
