"""The oracle "autograd": PyTorch differentiates its own modules. Needs the extra `torch`.

These are the same modules that the torch engine trains with. They take the settings and arrays of
our layers, but none of our formulas. Only the dropout masks are ours, because a mask is a random
input and has no derivative.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from handgrad.errors import MissingExtraError
from handgrad.gradient_check.loss_as_layer import LossAsLayer
from handgrad.gradient_check.oracle import ExpectedGradient, Oracle, expect_all
from handgrad.gradient_check.target import Point, Target, differentiable, gradients
from handgrad.layers import Array, Layer
from handgrad.params import flatten

if TYPE_CHECKING:
    from torch import Tensor, nn

BOUND = 1e-13

MISSING = (
    "PyTorch is not installed, so the oracle autograd is skipped; install it with "
    "`pip install 'handgrad[torch]'`"
)


def is_available() -> bool:
    """Return whether PyTorch is installed."""
    return find_spec("torch") is not None


def require_torch() -> None:
    """Raise a MissingExtraError unless PyTorch is installed."""
    if not is_available():
        raise MissingExtraError(
            'PyTorch is not installed; install it with pip install "handgrad[torch]"'
        )


def has_counterpart(layer: Layer) -> bool:
    """Return whether a layer, or a loss wrapped as a layer, has a PyTorch counterpart."""
    from handgrad.engines.torch.modules import has_module
    from handgrad.engines.torch.optim import has_loss

    return has_loss(layer.loss) if type(layer) is LossAsLayer else has_module(layer)


def run_oracle(target: Target, point: Point) -> Oracle:
    """Compare our gradients at a point with those of autograd, in float64."""
    expected = expected_gradients(target.layer, point)
    return Oracle("autograd", BOUND, gradients(target.layer, point), expected)


def expected_gradients(layer: Layer, point: Point) -> dict[str, ExpectedGradient]:
    """Return autograd's gradients at a point, element by element."""
    return {tensor: expect_all(array) for tensor, array in autograd(layer, point).items()}


def autograd(layer: Layer, point: Point) -> dict[str, Array]:
    """Return autograd's gradients by name; the gradient dX has the name "X"."""
    import torch

    X = torch.tensor(point.X, requires_grad=True)
    leaves = {"X": X}
    if isinstance(layer, LossAsLayer):
        Y = _loss(layer, X, point)
    else:
        module = module_at(layer, point)
        leaves |= dict(module.named_parameters())
        Y = module(X)
    Y.backward(torch.tensor(point.dY))  # type: ignore[no-untyped-call]
    return {
        name: np.zeros_like(array)
        if (gradient := leaves[name].grad) is None
        else gradient.detach().numpy()
        for name, array in differentiable(layer, point).items()
    }


def module_at(layer: Layer, point: Point) -> nn.Module:
    """Return a layer as a PyTorch module, in the point's mode and with copies of its arrays."""
    import torch

    from handgrad.engines.torch.dropout import set_step
    from handgrad.engines.torch.modules import tensors, to_module

    dtype = getattr(torch, point.X.dtype.name)
    module = to_module(layer, point.X.shape[1:], point.ctx, dtype=dtype)
    module.load_state_dict(tensors(flatten(point.params)))
    set_step(module, point.ctx.seed, point.ctx.step)
    return module.train(point.ctx.training)


def _loss(layer: LossAsLayer, X: Tensor, point: Point) -> Tensor:
    """Return PyTorch's loss; the class weights are applied here, independently of our code."""
    import torch

    from handgrad.engines.torch.optim import as_torch_loss

    labels, weights = layer.sample_labels(tuple(X.shape), point.ctx)
    y, w = torch.tensor(labels), torch.ones(len(X), dtype=X.dtype)
    if weights is not None:
        w = torch.tensor(weights)
    class_weights = getattr(layer.loss, "class_weights", None)
    if class_weights is not None:
        w = w * torch.tensor(class_weights, dtype=w.dtype)[y]
    return as_torch_loss(layer.loss)(X, y, w).reshape(1)
