"""The second witness: PyTorch's autograd. It needs the extra `torch`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError
from handgrad.gradient_check.oracle import Testimony, Witness
from handgrad.gradient_check.target import Point, Subject, gradients, places
from handgrad.layers import Array, Layer, Params

BOUND = 1e-13

MISSING = (
    "autograd is not asked, for PyTorch is not installed; install it with "
    "`pip install 'handgrad[torch]'`"
)


def at_hand() -> bool:
    """Say whether PyTorch is installed."""
    return find_spec("torch") is not None


def needed() -> None:
    """Do nothing where PyTorch is installed.

    Raises:
        MissingExtraError: where it is not.
    """
    if not at_hand():
        raise MissingExtraError(
            'PyTorch is not installed; install it with pip install "handgrad[torch]"'
        )


def knows(layer: Layer) -> bool:
    """Say whether a layer's forward is written in PyTorch here."""
    from handgrad.gradient_check import torch_forward as in_torch

    return in_torch.knows(layer)


def witness(subject: Subject, point: Point) -> Witness:
    """Return what autograd says, in float64."""
    said = testimonies(subject.layer, point)
    return Witness("autograd", BOUND, gradients(subject.layer, point), said)


def testimonies(layer: Layer, point: Point) -> dict[str, Testimony]:
    """Return what autograd says of each gradient at a point, element by element."""
    return {tensor: _testimony(array) for tensor, array in autograd(layer, point).items()}


def autograd(layer: Layer, point: Point) -> dict[str, Array]:
    """Return the gradients, dX as "X"."""
    import torch

    from handgrad.gradient_check import torch_forward as in_torch

    arrays = places(layer, point)
    leaves = {name: torch.tensor(a, requires_grad=True) for name, a in arrays.items()}
    tensors = _as_tensors(point.params, leaves)
    Y = in_torch.forward(layer, tensors, leaves["X"], point.ctx)
    Y.backward(torch.tensor(point.dY))  # type: ignore[no-untyped-call]
    return {
        name: np.zeros_like(arrays[name]) if leaf.grad is None else leaf.grad.numpy()
        for name, leaf in leaves.items()
    }


def _as_tensors(tree: Params, leaves: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the tree as tensors: the leaves where there are some, else copies."""
    import torch

    return {
        name: _as_tensors(value, leaves, f"{prefix}{name}.")
        if isinstance(value, dict)
        else leaves.get(prefix + name, torch.tensor(value))
        for name, value in tree.items()
    }


def _testimony(array: Array) -> Testimony:
    """Return a testimony of every element."""

    def measure(gradient: Array) -> Array:
        return gradient.reshape(-1).astype(np.float64)

    return Testimony(array.shape, np.arange(array.size), array.reshape(-1), measure)
