"""Optimizers, one class per update rule, starting with the simplest.

An optimizer is immutable: the arrays that change are kept outside it. `state_names` lists the
arrays that are kept for each parameter between updates. `update` changes one parameter in place.
The learning rate is an argument, because a schedule may change it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from handgrad.errors import ConfigError
from handgrad.layers import Array


@runtime_checkable
class Optimizer(Protocol):
    """An update rule, which changes a parameter according to its gradient."""

    state_names: ClassVar[tuple[str, ...]]  # the arrays kept for each parameter

    @property
    def lr(self) -> float:
        """The learning rate, before it is multiplied by the factor of a schedule."""
        ...

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W in place.

        Args:
            W: the parameter, of any shape.
            dW: the gradient of the loss with respect to W, of the same shape as W.
            state: the arrays kept for W, by name, each with the shape of W; they start at zero and
                are updated in place.
            lr: the learning rate of this update.
            t: the number of the update, counted from 1.
        """
        ...


@dataclass(frozen=True)
class SGD:
    """Gradient descent.

    W ← W − η (dW + λW)

    Attributes:
        lr: η, the learning rate.
        weight_decay: λ, the rate at which every parameter decays towards zero.
    """

    lr: float = 0.01
    weight_decay: float = 0.0
    state_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        _check(lr=self.lr, weight_decay=self.weight_decay)

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W in place."""
        if self.weight_decay:
            dW = dW + self.weight_decay * W
        W -= lr * dW


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with momentum, a running sum of gradients.

    V ← μV + (dW + λW)        W ← W − ηV        with Nesterov: W ← W − η (dW + λW + μV)

    I. Sutskever et al. 2013, "On the importance of initialization and momentum", section 2,
    in the form that PyTorch uses.

    Attributes:
        lr: η, the learning rate.
        momentum: μ, the factor by which the running sum V is multiplied at each step.
        nesterov: whether to use Nesterov's momentum.
        weight_decay: λ, the rate at which every parameter decays towards zero.
    """

    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    state_names: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        _check(lr=self.lr, weight_decay=self.weight_decay)
        _check_below_one(momentum=self.momentum)

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W and the velocity in place."""
        V = state["velocity"]
        if self.weight_decay:
            dW = dW + self.weight_decay * W
        V *= self.momentum
        V += dW
        W -= lr * (dW + self.momentum * V if self.nesterov else V)


@dataclass(frozen=True)
class Adam:
    """Adam, which computes each step from running means of the gradient and of its square.

    M ← β₁M + (1 − β₁) dW             V ← β₂V + (1 − β₂) dW²

    M̂ = M/(1 − β₁ᵗ)                   V̂ = V/(1 − β₂ᵗ)             W ← W − η M̂/(√V̂ + ε)

    M and V start at zero and are too small at first; M̂ and V̂ correct this bias.

    D. Kingma, J. Ba 2015, "Adam", algorithm 1.

    Attributes:
        lr: η, the learning rate.
        beta1: β₁, the decay rate of the running mean of the gradient.
        beta2: β₂, the decay rate of the running mean of the squared gradient.
        eps: ε, a small number that prevents a division by zero.
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    state_names: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __post_init__(self) -> None:
        _check(lr=self.lr)
        _check_above_zero(eps=self.eps)
        _check_below_one(beta1=self.beta1, beta2=self.beta2)

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W, and the running means of the gradient and its square, in place."""
        W -= lr * _adam_step(self, dW, state, t)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay: the decay is applied to the parameter, not the gradient.

    W ← W − η λ W        then as `Adam`

    I. Loshchilov, F. Hutter 2019, "Decoupled weight decay regularization", algorithm 2.

    Attributes:
        lr: η, the learning rate.
        beta1: β₁, the decay rate of the running mean of the gradient.
        beta2: β₂, the decay rate of the running mean of the squared gradient.
        eps: ε, a small number that prevents a division by zero.
        weight_decay: λ, the rate at which every parameter decays towards zero.
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01
    state_names: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __post_init__(self) -> None:
        _check(lr=self.lr, weight_decay=self.weight_decay)
        _check_above_zero(eps=self.eps)
        _check_below_one(beta1=self.beta1, beta2=self.beta2)

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W, and the running means of the gradient and its square, in place."""
        W *= 1 - lr * self.weight_decay
        W -= lr * _adam_step(self, dW, state, t)


def _adam_step(rule: Adam | AdamW, dW: Array, state: Mapping[str, Array], t: int) -> Array:
    """Update M and V in place, and return the direction of the step, M̂/(√V̂ + ε)."""
    M, V = state["mean"], state["square"]
    M *= rule.beta1
    M += (1 - rule.beta1) * dW
    V *= rule.beta2
    V += (1 - rule.beta2) * dW * dW
    M_hat = M / (1 - rule.beta1**t)
    V_hat = V / (1 - rule.beta2**t)
    np.sqrt(V_hat, out=V_hat)
    V_hat += rule.eps
    M_hat /= V_hat
    return M_hat


def clip_by_norm(gradients: Mapping[str, Array], limit: float) -> float:
    """Scale all gradients in place so that their total norm is at most `limit`.

    ‖g‖ = √(Σ g²) over all arrays        g ← g · limit/‖g‖ where ‖g‖ > limit

    R. Pascanu et al. 2013, "On the difficulty of training recurrent neural networks",
    algorithm 1.

    Returns:
        The total norm of the gradients before scaling.

    Raises:
        ConfigError: if the limit is not above 0.
    """
    _check_above_zero(limit=limit)
    squares = (np.sum(np.square(g, dtype=np.float64)) for g in gradients.values())
    norm = math.sqrt(sum(squares))  # in float64: squares of large gradients overflow float32
    if norm > limit:
        for g in gradients.values():
            np.multiply(g, limit / norm, out=g)
    return norm


def _check(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value < math.inf:
            raise ConfigError(f"{name} must be a number of at least 0, not {value}")


def _check_above_zero(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 < value < math.inf:
            raise ConfigError(f"{name} must be a number above 0, not {value}")


def _check_below_one(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ConfigError(f"{name} must be at least 0 and below 1, not {value}")
