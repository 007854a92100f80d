"""Converts handgrad's optimizers and losses to their PyTorch counterparts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer as TorchOptimizer

from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer

# PyTorch's names of the arrays in an optimizer's state.
_STATE_NAMES = {"velocity": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}

_OPTIMIZERS = (SGD, Momentum, Adam, AdamW)

OptimizerState = dict[str, dict[str, Array]]


def as_torch_optimizer(rule: Optimizer, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
    """Return PyTorch's counterpart of an optimizer. The engine sets the lr before each step.

    A subclass of an optimizer has no counterpart, because it may compute a different update.

    Raises:
        ConfigError: if PyTorch has no counterpart.
    """
    if type(rule) not in _OPTIMIZERS:
        raise ConfigError(
            f"PyTorch has no counterpart of the optimizer {type(rule).__name__}; "
            "use engine='reference'"
        )
    parameters = list(parameters)
    match rule:
        case SGD():
            return torch.optim.SGD(parameters, weight_decay=rule.weight_decay, fused=True)
        case Momentum():
            return torch.optim.SGD(
                parameters,
                momentum=rule.momentum,
                nesterov=rule.nesterov
                and rule.momentum > 0,  # without momentum, Nesterov changes nothing
                weight_decay=rule.weight_decay,
                fused=True,
            )
        case Adam():
            betas = rule.beta1, rule.beta2
            return torch.optim.Adam(parameters, betas=betas, eps=rule.eps, fused=True)
        case AdamW():
            return torch.optim.AdamW(
                parameters,
                betas=(rule.beta1, rule.beta2),
                eps=rule.eps,
                weight_decay=rule.weight_decay,
                fused=True,
            )
    raise AssertionError(rule)


def set_optimizer_state(
    optimizer: TorchOptimizer,
    parameters: Mapping[str, nn.Parameter],
    state: OptimizerState,
    steps: int,
) -> None:
    """Copy handgrad's optimizer state and number of updates into PyTorch's optimizer."""
    for name, parameter in parameters.items():
        tensors = {
            _STATE_NAMES[kind]: torch.tensor(array, device=parameter.device)
            for kind, array in state[name].items()
        }
        if "exp_avg" in tensors:
            tensors["step"] = torch.tensor(float(steps), device=parameter.device)
        optimizer.state[parameter] = tensors


def get_optimizer_state(
    optimizer: TorchOptimizer, parameters: Mapping[str, nn.Parameter], state: OptimizerState
) -> None:
    """Copy the state of PyTorch's optimizer into handgrad's optimizer state."""
    for name, parameter in parameters.items():
        for kind, array in state[name].items():
            tensors = optimizer.state[parameter].get(_STATE_NAMES[kind])
            if tensors is not None:  # without momentum PyTorch keeps none
                array[...] = tensors.cpu().numpy()


def as_torch_loss(loss: Loss) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return a loss as a function of logits (N, K), labels (N,) and example weights (N,).

    The example weights already include the class weights.

    Raises:
        ConfigError: if PyTorch has no counterpart.
    """
    if type(loss) not in LOSSES:
        raise ConfigError(
            f"PyTorch has no counterpart of the loss {type(loss).__name__}; use engine='reference'"
        )

    losses = LOSSES[type(loss)](loss)

    def mean(Z: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        total = weights.sum()
        return (losses(Z, y) * weights).sum() / torch.where(total == 0, 1, total)

    return mean


def has_loss(loss: Loss) -> bool:
    """Return whether a loss has a PyTorch counterpart."""
    return type(loss) in LOSSES


# By the class of the loss: a function of logits and labels that returns the loss of each example.
LOSSES: dict[type[Any], Callable[[Any], Callable[[Tensor, Tensor], Tensor]]] = {
    SoftmaxCrossEntropy: lambda loss: partial(
        functional.cross_entropy, reduction="none", label_smoothing=loss.label_smoothing
    ),
}
