"""tinygrad's own layers and optimizers with `TinyJit`, which captures one step per batch size.

tinygrad compiles its kernels with clang, which must be on the PATH.
"""

# ruff: noqa: ARG001  all translations have the same parameters

from __future__ import annotations

import os
from functools import singledispatch
from typing import Any

os.environ.setdefault("DEV", "CPU")  # read when it is imported

import numpy as np
from tinygrad import Context, Tensor, TinyJit, nn

from benchmarks.tasks import Array, Workload
from handgrad import layers
from handgrad.layers import Params
from handgrad.optim import SGD, Adam, Optimizer


class Tinygrad:
    """Trains with all data on the device; the captured step gathers the batch."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self.X = Tensor(np.ascontiguousarray(work.inputs)).realize()
        self.y = Tensor(work.labels.astype(np.int32)).realize()
        self.layers = [function(layer, tree) for layer, tree in zip(*parts(work), strict=True)]
        self.optimizer = as_optimizer(work.task.optimizer, nn.state.get_parameters(self.layers))
        self.steps: dict[int, Any] = {}

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        losses, sizes = [], []
        with Context(TRAINING=1):
            for indices in self.work.batches(order.astype(np.int32)):
                step = self.steps.setdefault(len(indices), TinyJit(self.step))
                losses.append(step(Tensor(indices).realize()).clone().realize())
                sizes.append(len(indices))
        return float(np.average([loss.item() for loss in losses], weights=sizes))

    def step(self, indices: Tensor) -> Tensor:
        """Make one update, and return the loss before the update."""
        self.optimizer.zero_grad()
        logits = self.X[indices].sequential(self.layers)
        loss = logits.sparse_categorical_crossentropy(self.y[indices]).backward()
        return loss.realize(*self.optimizer.schedule_step())


def parts(work: Workload) -> tuple[list[layers.Layer], list[Params]]:
    """Return the network's layers and the parameters of each layer."""
    return list(work.net.layers), [work.net.params[str(i)] for i in range(len(work.net.layers))]


def as_optimizer(rule: Optimizer, parameters: list[Tensor]) -> Any:
    """Return the tinygrad optimizer that corresponds to `rule`."""
    if isinstance(rule, SGD):
        return nn.optim.SGD(parameters, rule.lr)
    assert isinstance(rule, Adam)
    return nn.optim.Adam(parameters, rule.lr, rule.beta1, rule.beta2, rule.eps)


def started(module: Any, tree: Params) -> Any:
    """Return a tinygrad module whose parameters have the values in `tree`."""
    for name, array in tree.items():
        getattr(module, name).assign(Tensor(array)).realize()
    return module


@singledispatch
def function(layer: layers.Layer, tree: Params) -> Any:
    """Return a function that applies the layer to a tensor."""
    raise NotImplementedError(f"this competitor does not support {type(layer).__name__}")


@function.register
def _(layer: layers.Normalize, tree: Params) -> Any:
    return lambda X: X  # the inputs are standardized already


@function.register
def _(layer: layers.Flatten, tree: Params) -> Any:
    return lambda X: X.flatten(1)


@function.register
def _(layer: layers.Dense, tree: Params) -> Any:
    O, I = tree["weight"].shape
    return started(nn.Linear(I, O), tree)


@function.register
def _(layer: layers.Conv2d, tree: Params) -> Any:
    O, C = tree["weight"].shape[:2]
    convolution = nn.Conv2d(C, O, layer.kernel, layer.stride, layer.padding)
    return started(convolution, tree)


@function.register
def _(layer: layers.BatchNorm, tree: Params) -> Any:
    return started(nn.BatchNorm(tree["weight"].size, layer.eps, momentum=layer.momentum), tree)


@function.register
def _(layer: layers.MaxPool2d, tree: Params) -> Any:
    return lambda X: X.max_pool2d(layer.kernel, layer.stride)


@function.register
def _(layer: layers.AvgPool2d, tree: Params) -> Any:
    return lambda X: X.avg_pool2d(layer.kernel, layer.stride)


@function.register
def _(layer: layers.GlobalAvgPool2d, tree: Params) -> Any:
    return lambda X: X.mean((2, 3))


@function.register
def _(layer: layers.ReLU, tree: Params) -> Any:
    return Tensor.relu


@function.register
def _(layer: layers.LeakyReLU, tree: Params) -> Any:
    return lambda X: X.leaky_relu(layer.slope)


@function.register
def _(layer: layers.Tanh, tree: Params) -> Any:
    return Tensor.tanh


@function.register
def _(layer: layers.Dropout, tree: Params) -> Any:
    return lambda X: X.dropout(layer.p)


@function.register
def _(layer: layers.Dropout2d, tree: Params) -> Any:
    def drop(X: Tensor) -> Tensor:
        return X * Tensor.ones(*X.shape[:2], 1, 1).contiguous().dropout(layer.p)

    return drop


@function.register
def _(layer: layers.Residual, tree: Params) -> Any:
    return Sum([function(part, tree["body"][str(i)]) for i, part in enumerate(layer.body)])


class Sum:
    """A residual block: a body with an identity shortcut."""

    def __init__(self, body: list[Any]) -> None:
        self.body = body

    def __call__(self, X: Tensor) -> Tensor:
        """Return the sum of the body's output and the input."""
        return X.sequential(self.body) + X
