"""Maps PyTorch's operations to our layers.

Each function takes the arguments of an operation except the input, and returns the layer and the
tensors for the layer's arrays. If we have no such layer, the function raises a
`NotApplicableError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.cases.result import NotApplicableError
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Dropout2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)

Tensor = Any  # a torch.Tensor; this file does not import torch


@dataclass(frozen=True)
class Setup:
    """One of our layers, with the tensors of a sample, that computes a PyTorch operation.

    Attributes:
        layer: the layer.
        axes: the number of axes of one example, or None for all axes except the first.
        tensors: the tensors of the sample, keyed by handgrad's names; None for a missing tensor.
        training: whether to run the layer in training mode.
    """

    layer: Layer
    axes: int | None = 0
    tensors: dict[str, Tensor | None] = field(default_factory=dict)
    training: bool = False


def conv2d(weight: Tensor, bias: Tensor | None, **settings: Any) -> Setup:
    """A Conv2d without groups or dilation."""
    if settings.get("groups", 1) != 1:
        raise NotApplicableError("groups of channels")
    if _pair(settings.get("dilation", 1)) != (1, 1):
        raise NotApplicableError("dilation")
    padding = settings.get("padding", 0)
    layer = Conv2d(
        weight.shape[0],
        tuple(weight.shape[2:]),
        _pair(settings.get("stride", 1)),
        (0, 0) if padding == "valid" else _pair(padding),
    )
    return Setup(layer, 3, {"weight": weight, "bias": bias})


def linear(weight: Tensor, bias: Tensor | None = None) -> Setup:
    """A Dense layer."""
    return Setup(Dense(weight.shape[0]), 1, {"weight": weight, "bias": bias})


def max_pool2d(**settings: Any) -> Setup:
    """A MaxPool2d."""
    if settings["ceil_mode"]:
        raise NotApplicableError("ceil_mode")
    if _pair(settings["dilation"]) != (1, 1):
        raise NotApplicableError("dilation")
    if settings["return_indices"]:
        raise NotApplicableError("return_indices")
    stride = settings["stride"] or settings["kernel_size"]
    return Setup(
        MaxPool2d(_pair(settings["kernel_size"]), _pair(stride), _pair(settings["padding"])), 3
    )


def avg_pool2d(
    kernel: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Setup:
    """An AvgPool2d, which divides by the window's size."""
    if divisor is not None:
        raise NotApplicableError("divisor_override")
    if ceil_mode:
        raise NotApplicableError("ceil_mode")
    if any(_pair(padding)) and not count_include_pad:
        raise NotApplicableError("the mean excludes the padding; ours includes it")
    return Setup(AvgPool2d(_pair(kernel), _pair(stride or kernel), _pair(padding)), 3)


def adaptive_avg_pool2d(size: Any) -> Setup:
    """A GlobalAvgPool2d, which returns one number per channel."""
    if size not in (1, (1, 1)):
        raise NotApplicableError("more than one output per channel")
    return Setup(GlobalAvgPool2d(), 3)


def batch_norm(
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    **settings: Any,
) -> Setup:
    """A BatchNorm, whose momentum affects neither its output nor its gradients."""
    arrays = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    layer = BatchNorm(settings.get("eps", 1e-5))
    return Setup(layer, None, arrays, settings.get("training", False))


def flatten(start_dim: int = 0, end_dim: int = -1) -> Setup:
    """A Flatten, which keeps the batch axis."""
    if (start_dim, end_dim) != (1, -1):
        raise NotApplicableError("it flattens the batch axis; ours keeps it")
    return Setup(Flatten(), None)


def dropout(p: float = 0.5, training: bool = True) -> Setup:
    """A Dropout without a random mask."""
    return Setup(Dropout(_without_mask(p, training)), training=training)


def dropout2d(p: float = 0.5, training: bool = True) -> Setup:
    """A Dropout2d without a random mask."""
    return Setup(Dropout2d(_without_mask(p, training)), 3, training=training)


def elementwise(layer: Callable[..., Layer]) -> Callable[..., Setup]:
    """Return a function that makes the `Setup` of an activation for a sample."""
    return lambda **settings: Setup(layer(**settings))


LAYERS: dict[str, Callable[..., Setup]] = {
    "nn.functional.conv2d": conv2d,
    "nn.functional.linear": linear,
    "nn.functional.max_pool2d": max_pool2d,
    "nn.functional.avg_pool2d": avg_pool2d,
    "nn.functional.adaptive_avg_pool2d": adaptive_avg_pool2d,
    "nn.functional.batch_norm": batch_norm,
    "flatten": flatten,
    "nn.functional.relu": elementwise(ReLU),
    "nn.functional.leaky_relu": elementwise(LeakyReLU),
    "sigmoid": elementwise(Sigmoid),
    "tanh": elementwise(Tanh),
    "nn.functional.silu": elementwise(SiLU),
    "nn.functional.dropout": dropout,
    "nn.functional.dropout2d": dropout2d,
}


def _pair(value: Any) -> tuple[int, int]:
    """Return a setting as a pair; a single number is repeated."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return (values[0], values[-1])


def _without_mask(p: float, training: bool) -> float:
    if training and p > 0:
        raise NotApplicableError("its random mask comes from a different generator")
    return p
