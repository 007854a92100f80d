"""Converts networks to PyTorch modules with the same names and layouts, and back.

Only this file translates layers into PyTorch. The torch engine trains with the PyTorch modules, and
the gradient check differentiates them with autograd. The PyTorch modules use none of the formulas
in `layers/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from handgrad.engines.torch.dropout import KeyedDropout, KeyedDropout2d
from handgrad.errors import ModelError
from handgrad.layers import (
    Array,
    AvgPool2d,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    Normalize,
    ReLU,
    Residual,
    Sequential,
    Shape,
    Sigmoid,
    SiLU,
    Tanh,
    inner_layers,
)
from handgrad.network import Network
from handgrad.params import ZeroGenerator

COUNTER = "num_batches_tracked"  # a number in PyTorch's batch norm that nothing here needs


def to_torch(net: Network) -> nn.Sequential:
    """Return a network as a PyTorch module with a copy of the network's arrays.

    The module's ``state_dict`` has handgrad's names and layouts. The module takes images
    (N, C, H, W) of the network's dtype. Images in uint8 must first be scaled to 0..1.

    Raises:
        ModelError: if a layer has no PyTorch counterpart.
    """
    module = to_module(Sequential(net.layers), net.shape, dtype=getattr(torch, net.dtype.name))
    module.load_state_dict(tensors(net.arrays))
    assert isinstance(module, nn.Sequential)
    return module


def to_module(
    layer: Layer, shape: Shape, ctx: Context = Context(), *, dtype: torch.dtype = torch.float32
) -> nn.Module:
    """Return a layer as a PyTorch module with uninitialized arrays.

    Args:
        layer: the layer.
        shape: the shape of one example, without the batch dimension.
        ctx: the layer's position in its network, from which dropout derives its masks.
        dtype: the dtype of the arrays.

    Raises:
        ModelError: if the layer, or a layer in it, has no PyTorch counterpart.
    """
    if type(layer) not in MODULES:
        name = type(layer).__name__
        raise ModelError(f"PyTorch has no counterpart of {name}; use engine='reference'")
    with torch.device("meta"):  # allocates no memory and draws no random numbers
        module = MODULES[type(layer)](layer, shape, ctx)
    return module.to_empty(device="cpu").to(dtype)


def has_module(layer: Layer) -> bool:
    """Return whether a layer, and each layer in it, has a PyTorch counterpart.

    A subclass of a layer has no counterpart, because its formula may differ from that of the layer.
    """
    return type(layer) in MODULES and all(map(has_module, inner_layers(layer)))


def from_torch(module: nn.Module, net: Network) -> None:
    """Set a network's arrays to those of a PyTorch module with the same names.

    Raises:
        ModelError: if a name is missing or unknown, or a shape differs.
    """
    state = module.state_dict()
    net.restore({name: state[name].cpu().numpy() for name in state if not name.endswith(COUNTER)})


def tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    """Return arrays as tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


class NormalizeImages(nn.Module):
    """Scales each channel to mean 0 and standard deviation 1, like handgrad's `Normalize`.

    Args:
        shape: the shape of one example, (C, H, W) or (I,).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        channels = shape[0] if len(shape) == 3 else 1
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def forward(self, X: Tensor) -> Tensor:
        """Map X (N, C, H, W) or (N, I) to Y of the same shape."""
        along = (-1, *(1,) * (X.ndim - 2))
        return (X - self.mean.reshape(along)) / self.std.reshape(along)


class ResidualSum(nn.Module):
    """The sum of a body and a shortcut, with the same names as in `handgrad.layers.Residual`.

    Args:
        body: the module that learns the difference.
        shortcut: the module that bypasses the body.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, X: Tensor) -> Tensor:
        """Return body(X) + shortcut(X)."""
        total: Tensor = self.body(X) + self.shortcut(X)
        return total


def _sequential(layers: Sequence[Layer], shape: Shape, ctx: Context) -> nn.Sequential:
    """Return a sequence of layers as a module, given the shape of one example."""
    modules: list[nn.Module] = []
    for index, layer in enumerate(layers):
        if type(layer) not in MODULES:
            name = type(layer).__name__
            raise ModelError(
                f"layer {index} ({name}): PyTorch has no counterpart of {name}; "
                "use engine='reference' for this network"
            )
        modules.append(MODULES[type(layer)](layer, shape, ctx.inside(index)))
        _, shape = layer.init(shape, ZeroGenerator())
    return nn.Sequential(*modules)


def _residual(layer: Residual, shape: Shape, ctx: Context) -> nn.Module:
    body = _sequential(layer.body, shape, ctx.inside(0))
    return ResidualSum(body, _sequential(layer.shortcut, shape, ctx.inside(1)))


def _batch_norm(layer: BatchNorm, shape: Shape, _: Context) -> nn.Module:
    """Return PyTorch's batch norm without its batch counter, which is also ignored in files."""
    kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
    module = kind(shape[0], layer.eps, layer.momentum)
    module.num_batches_tracked = None
    module.register_load_state_dict_pre_hook(_drop_counter)  # type: ignore[no-untyped-call]
    return module


def _drop_counter(_: nn.Module, state: dict[str, Any], prefix: str, *__: Any) -> None:
    state.pop(prefix + COUNTER, None)


MODULES: dict[type[Any], Callable[[Any, Shape, Context], nn.Module]] = {
    Dense: lambda layer, shape, _: nn.Linear(shape[0], layer.units),
    Conv2d: lambda layer, shape, _: nn.Conv2d(
        shape[0], layer.channels, layer.kernel, layer.stride, layer.padding
    ),
    MaxPool2d: lambda layer, *_: nn.MaxPool2d(layer.kernel, layer.stride, layer.padding),
    AvgPool2d: lambda layer, *_: nn.AvgPool2d(layer.kernel, layer.stride, layer.padding),
    GlobalAvgPool2d: lambda *_: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    Flatten: lambda *_: nn.Flatten(),
    BatchNorm: _batch_norm,
    Normalize: lambda _, shape, __: NormalizeImages(shape),
    ReLU: lambda *_: nn.ReLU(),
    LeakyReLU: lambda layer, *_: nn.LeakyReLU(layer.slope),
    Sigmoid: lambda *_: nn.Sigmoid(),
    Tanh: lambda *_: nn.Tanh(),
    SiLU: lambda *_: nn.SiLU(),
    Dropout: lambda layer, _, ctx: KeyedDropout(layer.p, ctx.layer),
    Dropout2d: lambda layer, _, ctx: KeyedDropout2d(layer.p, ctx.layer),
    Sequential: lambda layer, shape, ctx: _sequential(layer.layers, shape, ctx),
    Residual: _residual,
}
