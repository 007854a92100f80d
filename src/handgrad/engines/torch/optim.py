"""Our rules of training as PyTorch's: its optimizers, its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer as TorchOptimizer

from handgrad.errors import ConfigError
from handgrad.layers import Array
from handgrad.losses import Loss, SoftmaxCrossEntropy
from handgrad.optim import SGD, Adam, AdamW, Momentum, Optimizer

# What PyTorch calls the arrays that an optimizer keeps.
_THEIRS = {"velocity": "momentum_buffer", "mean": "exp_avg", "square": "exp_avg_sq"}

Memory = dict[str, dict[str, Array]]


def as_torch_optimizer(rule: Optimizer, parameters: Iterable[nn.Parameter]) -> TorchOptimizer:
    """Return PyTorch's optimizer of the same rule; its learning rate is set before each step.

    Raises:
        ConfigError: if it has none.
    """
    parameters = list(parameters)
    match rule:
        case SGD():
            return torch.optim.SGD(parameters, weight_decay=rule.weight_decay, fused=True)
        case Momentum():
            return torch.optim.SGD(
                parameters,
                momentum=rule.momentum,
                nesterov=rule.nesterov and rule.momentum > 0,  # without momentum it is the same
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
    raise ConfigError(
        f"the engine torch has no counterpart of the optimizer {type(rule).__name__}; "
        "take engine='reference' for it"
    )


def set_optimizer_state(
    optimizer: TorchOptimizer, parameters: Mapping[str, nn.Parameter], memory: Memory, steps: int
) -> None:
    """Give PyTorch's optimizer the arrays that ours has, after so many updates."""
    for name, parameter in parameters.items():
        kept = {
            _THEIRS[kind]: torch.tensor(array, device=parameter.device)
            for kind, array in memory[name].items()
        }
        if "exp_avg" in kept:
            kept["step"] = torch.tensor(float(steps), device=parameter.device)
        optimizer.state[parameter] = kept


def get_optimizer_state(
    optimizer: TorchOptimizer, parameters: Mapping[str, nn.Parameter], memory: Memory
) -> None:
    """Copy the arrays of PyTorch's optimizer into ours."""
    for name, parameter in parameters.items():
        for kind, array in memory[name].items():
            kept = optimizer.state[parameter].get(_THEIRS[kind])
            if kept is not None:  # without momentum PyTorch keeps none
                array[...] = kept.cpu().numpy()


def as_torch_loss(loss: Loss) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return a loss as a function of logits (N, K), classes (N,) and how much each counts (N,).

    Raises:
        ConfigError: if PyTorch has none like it.
    """
    if type(loss) is not SoftmaxCrossEntropy:
        raise ConfigError(
            f"the engine torch has no counterpart of the loss {type(loss).__name__}; "
            "take engine='reference' for it"
        )

    def mean(Z: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        each = functional.cross_entropy(
            Z, y, reduction="none", label_smoothing=loss.label_smoothing
        )
        total = weights.sum()
        return (each * weights).sum() / torch.where(total == 0, 1, total)

    return mean
