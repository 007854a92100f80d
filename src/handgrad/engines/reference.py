"""The reference engine, which computes the formulas directly in NumPy."""

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
from handgrad.freeze import frozen_layers, trainable_parameters
from handgrad.layers import Array, Context
from handgrad.network import Network
from handgrad.optim import clip_by_norm
from handgrad.params import flatten
from handgrad.train_config import TrainConfig


class ReferenceEngine:
    """An engine that runs each training step as four calls: forward, loss, backward and update.

    Args:
        net: the network; its arrays are modified in place.
        config: the settings of a training step, including the loss and the optimizer.
    """

    def __init__(self, net: Network, config: TrainConfig) -> None:
        self.net, self.config, self.steps = net, config, 0
        self._frozen = frozen_layers(net, config.freeze)
        self.optimizer_state = {
            name: {kind: np.zeros_like(array) for kind in config.optimizer.state_names}
            for name, array in trainable_parameters(net, self._frozen).items()
        }

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # found and named below
    def run(self, batches: BatchStream) -> StepResults:
        """Update once per batch, and return each batch's loss and number of correct predictions."""
        losses, right = [], []
        for X, y, weights, lr in checked(batches, self.net).in_turn():
            ctx = Context(True, self.config.seed, self.steps)
            logits, cache = self.net.forward(X, ctx, frozen=self._frozen)
            loss, dlogits = self.config.loss(logits, y, weights)
            gradients = self.net.backward(cache, dlogits, frozen=self._frozen)
            if not (math.isfinite(loss) and all_finite(gradients)):
                raise diverged(self.net, self.config, ctx, X, y, weights)
            self._update(gradients, lr)
            self.net.update_buffers(cache, frozen=self._frozen)
            if not all_finite(self.net.arrays):
                raise overflowed(self.net, ctx.step)
            losses.append(loss)
            right.append(np.count_nonzero(logits.argmax(axis=1) == y))
        return StepResults(np.array(losses, np.float64), np.array(right, np.int64))

    def step(
        self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None, lr: float
    ) -> tuple[float, int]:
        """Update once, and return the batch's loss and number of correct predictions before it."""
        results = self.run(BatchStream(X, y, weights, np.arange(len(X)), len(X), [lr]))
        return float(results.losses[0]), int(results.correct[0])

    def logits(self, X: NDArray[Any]) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode."""
        return self.net.logits(X)

    def inspect(self, X: NDArray[Any], y: NDArray[np.integer[Any]], weights: Array | None) -> Trace:
        """Return the intermediate results of the next training step without making an update."""
        trace, cache = Trace({}, {}, {}), []
        ctx = Context(True, self.config.seed, self.steps)
        for forward in self.net.walk(X, ctx, frozen=self._frozen):
            trace.activations[forward.name] = forward.Y
            cache.append(forward.cache)
        _, dlogits = self.config.loss(forward.Y, y, weights)
        trace.flows["loss"] = dlogits
        for backward in self.net.walk_back(cache, dlogits, frozen=self._frozen):
            if backward.dX is not None:
                trace.flows[backward.name] = backward.dX
            trace.gradients.update(flatten(backward.gradients, f"{backward.path}."))
        return trace

    def _update(self, gradients: dict[str, Array], lr: float) -> None:
        """Update each parameter by the optimizer's formula."""
        self.steps += 1
        if self.config.clip_norm is not None:
            clip_by_norm(gradients, self.config.clip_norm)
        for name, gradient in gradients.items():
            parameter, state = self.net.parameters[name], self.optimizer_state[name]
            self.config.optimizer.update(parameter, gradient, state, lr, self.steps)


@cache
def say_slower(reason: str) -> None:
    """Warn that the slower reference engine is used, but only once for each reason."""
    logging.getLogger("handgrad").warning(
        "handgrad: %s: using the reference engine instead, which is slower", reason
    )
