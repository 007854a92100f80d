"""Compares handgrad's backward passes and running statistics with PyTorch's autograd.

The PyTorch modules are those of the engine torch and of `handgrad gradcheck`.
"""

from __future__ import annotations

import numpy as np

from handgrad.gradient_check.target import Point, gradients
from handgrad.layers import Array, Context, Layer, Params
from handgrad.params import flatten
from tests.cases import Case
from tests.extras import needs
from tests.gradients import errors

TOLERANCE = 1e-13


DRAWS = 3  # compared together: one number may cancel to almost nothing, three will not


def check_autograd(case: Case, training: bool, seed: int = 0) -> float:
    """Compare a case's output, gradients and buffers with PyTorch's.

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
    """Return the results and the arrays after a step, from handgrad and from PyTorch."""
    layer, params, X = case.chain, case.params(seed), case.examples(seed)
    ctx = Context(training, seed, step=3)
    Y, cache = layer.forward(params, X, ctx)
    dY = np.random.default_rng((seed, 4)).normal(size=Y.shape)
    found = {"Y": Y, **gradients(layer, Point(params, X, ctx, dY))}
    updated = flatten(layer.update_buffers(params, cache)) if training else {}
    theirs, their_gradients, their_arrays = autograd(layer, params, X, ctx, dY)
    return found, flatten(params) | updated, {"Y": theirs, **their_gradients}, their_arrays


def autograd(
    layer: Layer, params: Params, X: Array, ctx: Context, dY: Array
) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """Return Y, the gradients (dX as "X"), and all arrays after the forward pass.

    The oracle in `handgrad.gradient_check` returns the gradients alone.
    """
    import torch

    from handgrad.gradient_check.autograd import module_at

    module, images = (
        module_at(layer, Point(params, X, ctx, dY)),
        torch.tensor(X, requires_grad=True),
    )
    Y = module(images)
    Y.backward(torch.tensor(dY))
    found = {name: W.grad.numpy() for name, W in module.named_parameters() if W.grad is not None}
    after = {name: A.detach().numpy() for name, A in module.state_dict().items()}
    return Y.detach().numpy(), {"X": images.grad.numpy(), **found}, after
