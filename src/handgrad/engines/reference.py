"""The reference engine: the mathematics as written, in NumPy."""

from __future__ import annotations

import math
from typing import Any, Never

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.engine import Batches, Rules, Steps
from handgrad.errors import DivergenceError
from handgrad.layers import Array, Context
from handgrad.network import Network, layer_name
from handgrad.optim import clip_by_norm


class ReferenceEngine:
    """Forward, loss, backward, update: one visible call each.

    Args:
        net: the network; its arrays are changed in place.
        rules: how to train.
    """

    def __init__(self, net: Network, rules: Rules) -> None:
        self.net, self.rules, self.steps = net, rules, 0
        self.memory = {
            name: {kind: np.zeros_like(array) for kind in rules.optimizer.memory}
            for name, array in net.parameters.items()
        }

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, rate: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and how many were right, both before it."""
        ctx = Context(True, self.rules.seed, self.steps)
        logits, cache = self.net.forward(X, ctx)
        loss, dlogits = self.rules.loss(logits, y, weights)
        gradients = self.net.backward(cache, dlogits)

        if not (math.isfinite(loss) and _all_finite(gradients)):
            self._diverged(X, y, weights)
        if self.rules.clip_norm is not None:
            clip_by_norm(gradients, self.rules.clip_norm)
        self.steps += 1
        for name, gradient in gradients.items():
            parameter, memory = self.net.parameters[name], self.memory[name]
            self.rules.optimizer.update(parameter, gradient, memory, rate, self.steps)
        self.net.absorb(cache)
        return loss, int((logits.argmax(axis=1) == y).sum())

    def run(self, batches: Batches) -> Steps:
        """Make one update for each batch, and return what came out."""
        losses, right = [], []
        for at, rate in zip(range(0, len(batches.order), batches.size), batches.rates, strict=True):
            chosen = batches.order[at : at + batches.size]
            weights = None if batches.weights is None else batches.weights[chosen]
            loss, count = self.step(batches.pictures[chosen], batches.labels[chosen], weights, rate)
            losses.append(loss)
            right.append(count)
        return Steps(np.array(losses, np.float64), np.array(right, np.int64))

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of pictures X (N, C, H, W), as they are at inference."""
        return self.net.logits(X)

    def _diverged(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None
    ) -> Never:
        """Walk the step once more, layer by layer, and name the first number gone astray."""
        where, what = first_not_finite(
            self.net, self.rules, Context(True, self.rules.seed, self.steps), X, y, weights
        )
        raise DivergenceError(
            f"step {self.steps}, layer {where}: {what} is not finite; "
            "lower the learning rate, set clip_norm, or look for bad pictures",
            step=self.steps,
            layer=where,
        )


def first_not_finite(
    net: Network,
    rules: Rules,
    ctx: Context,
    X: NDArray[Any],
    y: NDArray[np.integer[Any]],
    weights: Array | None,
) -> tuple[str, str]:
    """Return the layer, and the number in it, where a step first meets inf or NaN."""
    A, caches = net.as_input(X), []
    if not np.isfinite(A).all():
        return "input", "a pixel"
    for index, layer in enumerate(net.layers):
        A, cache = layer.forward(net.tree[str(index)], A, ctx.inside(index))
        caches.append(cache)
        if not np.isfinite(A).all():
            return layer_name(net.layers, index), "its output"
    loss, dA = rules.loss(A, y, weights)
    if not (math.isfinite(loss) and np.isfinite(dA).all()):
        return "loss", "it"
    for index, layer in reversed(list(enumerate(net.layers))):
        dA, gradients = layer.backward(net.tree[str(index)], caches[index], dA)
        if not (np.isfinite(dA).all() and _all_finite(gradients)):
            return layer_name(net.layers, index), "its gradient"
    return "loss", "it"


def _all_finite(arrays: dict[str, Any]) -> bool:
    """Say whether all numbers are finite; the sum of squares is quick, and settles most cases."""
    return all(
        _all_finite(a)
        if isinstance(a, dict)
        else math.isfinite(np.vdot(a, a)) or np.isfinite(a).all()
        for a in arrays.values()
    )
