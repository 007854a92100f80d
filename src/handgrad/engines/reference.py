"""The reference engine: the mathematics as written, in NumPy."""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.checks import checked
from handgrad.engines.divergence import all_finite, diverged, overflowed
from handgrad.engines.protocol import BatchStream, StepResults, Trace
from handgrad.layers import Array, Context
from handgrad.network import Network, gradients_alone, layer_name
from handgrad.optim import clip_by_norm
from handgrad.params import flatten
from handgrad.train_config import TrainConfig


class ReferenceEngine:
    """Forward, loss, backward, update: one visible call each.

    Args:
        net: the network; its arrays are changed in place.
        config: how to train.
    """

    def __init__(self, net: Network, config: TrainConfig) -> None:
        self.net, self.config, self.steps = net, config, 0
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in config.optimizer.state_names}
            for name, array in net.parameters.items()
        }

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # found and named below
    def run(self, batches: BatchStream) -> StepResults:
        """Make one update for each batch, and return what came out."""
        losses, right = [], []
        for X, y, weights, lr in checked(batches, self.net).in_turn():
            ctx = Context(True, self.config.seed, self.steps)
            logits, cache = self.net.forward(X, ctx)
            loss, dlogits = self.config.loss(logits, y, weights)
            gradients = self.net.backward(cache, dlogits)
            if not (math.isfinite(loss) and all_finite(gradients)):
                raise diverged(self.net, self.config, ctx, X, y, weights)
            self._update(gradients, lr)
            self.net.update_buffers(cache)
            if not all_finite(self.net.arrays):
                raise overflowed(self.net, ctx.step)
            losses.append(loss)
            right.append(np.count_nonzero(logits.argmax(axis=1) == y))
        return StepResults(np.array(losses, np.float64), np.array(right, np.int64))

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Make one update, and return the loss and how many were right, both before it."""
        came = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(came.losses[0]), int(came.correct[0])

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), as they are at inference."""
        return self.net.logits(X)

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return what the next step would compute on the way; it is not made."""
        # Network's two folds again, for those let go of what is laid open here.
        ctx, tree = Context(True, self.config.seed, self.steps), self.net.tree
        A, caches, trace = self.net.as_input(X), [], Trace({}, {}, {})
        for index, layer in enumerate(self.net.layers):
            A, cache = layer.forward(tree[str(index)], A, ctx.inside(index))
            caches.append(cache)
            trace.activations[layer_name(self.net.layers, index)] = A
        _, dA = self.config.loss(A, y, weights)
        trace.flows["loss"] = dA
        first = min(int(name.split(".")[0]) for name in self.net.parameters)
        for index in range(len(caches) - 1, first, -1):
            layer, params = self.net.layers[index], tree[str(index)]
            dA, gradients = layer.backward(params, caches[index], dA)
            trace.flows[layer_name(self.net.layers, index)] = dA
            trace.gradients.update(flatten(gradients, f"{index}."))
        alone = gradients_alone(self.net.layers[first], tree[str(first)], caches[first], dA)
        trace.gradients.update(flatten(alone, f"{first}."))
        return trace

    def _update(self, gradients: dict[str, Array], lr: float) -> None:
        """Give each parameter its gradient, by the optimizer's rule."""
        self.steps += 1
        if self.config.clip_norm is not None:
            clip_by_norm(gradients, self.config.clip_norm)
        for name, gradient in gradients.items():
            parameter, memory = self.net.parameters[name], self.optimizer_state[name]
            self.config.optimizer.update(parameter, gradient, memory, lr, self.steps)


@cache
def say_slower(trouble: str) -> None:
    """Say, once, that this engine does the work of a faster one, and why."""
    logging.getLogger("handgrad").warning(
        "handgrad: %s: the reference engine trains instead, more slowly", trouble
    )
