"""JAX, with one jitted step per batch or with the whole epoch in one scan.

The code consists of pure functions of a tree of arrays. The channels are the last axis, which XLA
prefers on a CPU. All arrays stay on the device. The compiled program gathers the batches, and
reuses the memory of the old arrays (JAX calls this buffer donation).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import channels_last
from benchmarks.peers.jax_layers import chain
from benchmarks.tasks import Array, Workload
from handgrad.layers import Layer
from handgrad.optim import SGD, Adam, Optimizer

Params = dict[str, Any]
CARRIED = "running_mean", "running_var", "mean", "std"


class Step:
    """Trains with one call of a compiled program per batch."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.X = jnp.asarray(channels_last.images(work.inputs))
        self.y = jnp.asarray(work.labels, jnp.int32)
        learned, buffers = split(channels_last.arrays(work.net))
        memory = [jax.tree.map(jnp.zeros_like, learned) for _ in work.task.optimizer.state_names]
        self.now = learned, buffers, memory, jnp.zeros((), jnp.int32)
        step = partial(update, work.net.layers, work.task.optimizer)
        self.update = jax.jit(step, donate_argnums=0)

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        losses, sizes = [], []
        for indices in self.work.batches(order.astype(np.int32)):
            self.now, loss = self.update(self.now, self.X, self.y, indices)
            losses.append(loss)
            sizes.append(len(indices))
        return float(np.average(jax.device_get(losses), weights=sizes))


class Scan(Step):
    """Trains with one call for all full batches, and one more for a smaller last batch."""

    def __init__(self, work: Workload) -> None:
        super().__init__(work)

        def scan(now: Any, X: Any, y: Any, order: Any) -> Any:
            step = partial(update, work.net.layers, work.task.optimizer)
            return jax.lax.scan(lambda now, indices: step(now, X, y, indices), now, order)

        self.scan = jax.jit(scan, donate_argnums=0)

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        full, size = len(order) // self.work.task.batch, self.work.task.batch
        indices = order[: full * size].reshape(full, size).astype(np.int32)
        self.now, losses = self.scan(self.now, self.X, self.y, indices)
        total = jnp.sum(losses) * size
        if rest := len(order) - full * size:
            last = order[-rest:].astype(np.int32)
            self.now, loss = self.update(self.now, self.X, self.y, last)
            total += loss * rest
        return float(total) / len(order)


def update(layers: tuple[Layer, ...], rule: Optimizer, now: Any, X: Any, y: Any, at: Any) -> Any:
    """Return the state after one update, and the loss before the update."""
    learned, buffers, memory, step = now
    key = jax.random.fold_in(jax.random.key(0, impl="unsafe_rbg"), step)

    def loss_of(learned: Params) -> Any:
        logits, after = chain(layers, merged(learned, buffers), X[at], key)
        log_p = jax.nn.log_softmax(logits)
        loss = -jnp.mean(jnp.take_along_axis(log_p, y[at][:, None], axis=1))
        return loss, after

    (loss, after), gradients = jax.value_and_grad(loss_of, has_aux=True)(learned)
    learned, memory = optimized(rule, learned, gradients, memory, step + 1)
    return (learned, after, memory, step + 1), loss


def optimized(rule: Optimizer, W: Params, dW: Params, memory: list[Params], t: Any) -> Any:
    """Return the parameters and the optimizer's state after one update."""
    if isinstance(rule, SGD):
        return jax.tree.map(lambda w, g: w - rule.lr * g, W, dW), memory
    assert isinstance(rule, Adam)
    b1, b2 = rule.beta1, rule.beta2
    M = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, memory[0], dW)
    V = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, memory[1], dW)
    lr = rule.lr / (1 - b1**t)
    correction = 1 / (1 - b2**t)
    step = jax.tree.map(lambda m, v: lr * m / (jnp.sqrt(v * correction) + rule.eps), M, V)
    return jax.tree.map(jnp.subtract, W, step), [M, V]


def split(tree: Params) -> tuple[Params, Params]:
    """Split a tree of arrays into the parameters and the buffers."""
    learned, buffers = {}, {}
    for name, value in tree.items():
        if isinstance(value, dict):
            learned[name], buffers[name] = split(value)
        else:
            (buffers if name in CARRIED else learned)[name] = jnp.asarray(value)
    return learned, buffers


def merged(learned: Params, buffers: Params) -> Params:
    """Merge the parameters and the buffers into one tree."""
    return {
        name: merged(learned.get(name, {}), buffers.get(name, {}))
        if isinstance(learned.get(name, buffers.get(name)), dict)
        else learned.get(name, buffers.get(name))
        for name in {**learned, **buffers}
    }
