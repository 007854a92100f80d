"""PyTorch in eager mode and with `torch.compile`.

The images are stored as one float32 tensor in the channels-last format, which makes convolutions
faster on a CPU. Batches are gathered by `index_select`. The optimizers are fused, and the losses
are read only at the end of the epoch.
"""

# ruff: noqa: ARG001  all translations have the same parameters

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.tasks import Array, Workload
from handgrad import layers
from handgrad.layers import Params
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer


class Eager:
    """Trains a `Sequential` with cross-entropy and a fused optimizer."""

    def __init__(self, work: Workload) -> None:
        self.batch, self.images = work.task.batch, work.inputs
        self.X = torch.from_numpy(self.images).contiguous(memory_format=torch.channels_last)
        self.y = torch.from_numpy(work.labels)
        self.model = as_module(work.net).to(memory_format=torch.channels_last)
        self.optimizer = as_optimizer(work.task.optimizer, self.model)

    def loss(self, indices: Tensor) -> Tensor:
        """Return the mean loss of the images with these indices."""
        X = self.X.index_select(0, indices)
        return cross_entropy(self.model(X), self.y.index_select(0, indices))

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        self.model.train()
        total = torch.zeros(())
        for indices in torch.from_numpy(order).split(self.batch):
            loss = self.loss(indices)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            total += loss.detach() * len(indices)
        return total.item() / len(order)

    @torch.inference_mode()
    def logits(self, inputs: Array) -> Array:
        """Return the logits (N, K) of preprocessed images (N, C, H, W)."""
        self.model.eval()
        return self.model(torch.from_numpy(inputs)).numpy()


class Compiled(Eager):
    """Trains like `Eager`, but Inductor compiles the forward pass, loss and backward pass."""

    def __init__(self, work: Workload) -> None:
        super().__init__(work)
        self.loss = torch.compile(self.loss)


def as_module(net: Network) -> nn.Sequential:
    """Return the network as a PyTorch module with the same parameters.

    The module leaves out `Normalize`, so its images must already be standardized.
    """
    model = chain(net.layers, net.params)
    names = model.state_dict().keys()
    tensors = {name: torch.tensor(array) for name, array in net.arrays.items() if name in names}
    model.load_state_dict(tensors, strict=False)
    return model


def as_optimizer(rule: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """Return the PyTorch optimizer that corresponds to `rule`."""
    if isinstance(rule, SGD):
        return torch.optim.SGD(model.parameters(), rule.lr, fused=True)
    assert isinstance(rule, Adam)
    betas = rule.beta1, rule.beta2
    return torch.optim.Adam(model.parameters(), rule.lr, betas, rule.eps, fused=True)


def chain(parts: Iterable[layers.Layer], tree: Params) -> nn.Sequential:
    """Return the layers as a `Sequential`."""
    return nn.Sequential(*(module(layer, tree[str(i)]) for i, layer in enumerate(parts)))


class Residual(nn.Module):
    """A residual block: a body with a shortcut around it."""

    def __init__(self, body: nn.Sequential, shortcut: nn.Sequential) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, X: Tensor) -> Tensor:
        """Return the sum of the outputs of the body and the shortcut."""
        return self.body(X) + self.shortcut(X)


class BatchNorm(nn.BatchNorm2d):
    """Batch norm that accepts both (N, C) and (N, C, H, W) input."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002
        """Accept an input with any number of dimensions."""


@singledispatch
def module(layer: layers.Layer, arrays: Params) -> nn.Module:
    """Return the PyTorch module that corresponds to a layer."""
    raise NotImplementedError(f"this competitor does not support {type(layer).__name__}")


@module.register
def _(layer: layers.Normalize, arrays: Params) -> nn.Module:
    return nn.Identity()


@module.register
def _(layer: layers.Flatten, arrays: Params) -> nn.Module:
    return nn.Flatten()


@module.register
def _(layer: layers.Dense, arrays: Params) -> nn.Module:
    O, I = arrays["weight"].shape
    return nn.Linear(I, O)


@module.register
def _(layer: layers.Conv2d, arrays: Params) -> nn.Module:
    O, C = arrays["weight"].shape[:2]
    return nn.Conv2d(C, O, layer.kernel, layer.stride, layer.padding)


@module.register
def _(layer: layers.BatchNorm, arrays: Params) -> nn.Module:
    return BatchNorm(len(arrays["weight"]), layer.eps, layer.momentum)


@module.register
def _(layer: layers.MaxPool2d, arrays: Params) -> nn.Module:
    return nn.MaxPool2d(layer.kernel, layer.stride, layer.padding)


@module.register
def _(layer: layers.AvgPool2d, arrays: Params) -> nn.Module:
    return nn.AvgPool2d(layer.kernel, layer.stride, layer.padding)


@module.register
def _(layer: layers.GlobalAvgPool2d, arrays: Params) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


@module.register
def _(layer: layers.ReLU, arrays: Params) -> nn.Module:
    return nn.ReLU()


@module.register
def _(layer: layers.LeakyReLU, arrays: Params) -> nn.Module:
    return nn.LeakyReLU(layer.slope)


@module.register
def _(layer: layers.Tanh, arrays: Params) -> nn.Module:
    return nn.Tanh()


@module.register
def _(layer: layers.Dropout, arrays: Params) -> nn.Module:
    return nn.Dropout(layer.p)


@module.register
def _(layer: layers.Dropout2d, arrays: Params) -> nn.Module:
    return nn.Dropout2d(layer.p)


@module.register
def _(layer: layers.Residual, arrays: Params) -> nn.Module:
    return Residual(chain(layer.body, arrays["body"]), chain(layer.shortcut, arrays["shortcut"]))
