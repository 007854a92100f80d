"""`handgrad.gradcheck`: check the gradients of a layer, a loss or a network."""

from __future__ import annotations

from typing import Any

from handgrad.errors import ConfigError
from handgrad.gradient_check.check import check
from handgrad.gradient_check.contract import check_contract
from handgrad.gradient_check.loss_as_layer import LossAsLayer
from handgrad.gradient_check.registry import NAMED_BATCH, find_targets, network_target
from handgrad.gradient_check.result import GradcheckResult
from handgrad.gradient_check.target import Target
from handgrad.layers import Layer, Shape
from handgrad.losses import Loss
from handgrad.network import Network

BATCH, CLASSES = 5, 5  # the default batch, and the default number of logits of a loss


def gradcheck(
    target: Any,
    shape: Shape | None = None,
    *,
    batch_size: int | None = None,
    training: bool | None = None,
    seed: int = 0,
) -> GradcheckResult:
    """Compare all gradients of a layer, a loss or a network with several oracles.

    An oracle is an independent method that computes the expected gradient: central differences,
    linearity in the cotangent and, if PyTorch is installed, autograd in float64. Each oracle must
    also reject deliberately wrong gradients.

    >>> result = hg.gradcheck(hg.Tanh(), shape=(4,))
    >>> result.ok
    True

    Args:
        target: a layer; a loss; a network, which is checked with its current weights; or a name,
            such as "Conv2d" or "convnet".
        shape: the shape of one example, without the batch axis; required for a layer.
        batch_size: the number of examples, or None for 4 examples for a network and 5 otherwise.
        training: True to check only training mode, False to check only inference, or None to check
            both.
        seed: the seed of the random points at which the gradients are checked.

    Raises:
        ConfigError: if the target is unknown, or a layer is passed without a shape.
        ModelError: if the layer violates the layer contract, or no differentiable point was found.
    """
    targets = _targets(target, shape, batch_size)
    modes = (True, False) if training is None else (training,)
    reports = (check(one, training=mode, seed=seed) for one in targets for mode in modes)
    return GradcheckResult(tuple(reports))


def _targets(target: Any, shape: Shape | None, batch_size: int | None) -> list[Target]:
    """Return the layers or networks to check."""
    name, batch = type(target).__name__, batch_size or BATCH
    network = getattr(target, "network", target)  # a classifier holds a network
    if isinstance(target, str):
        if found := find_targets(target):
            return found
        raise ConfigError(f"unknown model or layer {target!r}; pass a layer, a loss or a network")
    if isinstance(network, Network):
        return [network_target("network", network, batch_size or NAMED_BATCH)]
    if isinstance(target, Layer) and not isinstance(target, type):
        if shape is None:
            raise ConfigError(f"gradcheck needs the shape of one example for {name}: shape=(3, 6)")
        found_layer = Target(name, target, tuple(shape), batch)
        check_contract(found_layer)
        return [found_layer]
    if isinstance(target, Loss) and not isinstance(target, type):
        return [Target(name, LossAsLayer(target), tuple(shape or (CLASSES,)), batch)]
    raise ConfigError(f"gradcheck takes a layer, a loss, a network or a name, not {target!r}")
