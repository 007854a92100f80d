"""What the outline of a plan needs to know of the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from handgrad.engines.compiled.lower.parameter_layout import Slot
from handgrad.layers import Array, Context, Layer, Params, Residual
from handgrad.layers.chain import Chain
from handgrad.network import Network
from handgrad.summary import multiply_adds


class Subject(NamedTuple):
    """What a plan does not say.

    Attributes:
        work: the products with each layer's weights for one image, forward.
        slots: how many numbers there are in each learned array, by where it begins in its row.
        image: the bytes of one image.
    """

    work: Mapping[str, int]
    slots: Mapping[int, int]
    image: int

    @classmethod
    def of(cls, net: Network, slots: Mapping[str, Slot]) -> Subject:
        """Return what is to be known of a network whose arrays lie in these rooms."""
        X = np.zeros((1, *net.shape), net.dtype)
        return cls(
            dict(_work(net.layers, net.tree, X, "")),
            {room.offset: room.size for room in slots.values()},
            X.size,
        )


def _work(
    layers: Sequence[Layer], tree: Params, X: Array, prefix: str
) -> Iterator[tuple[str, int]]:
    """Yield each layer, as the plan calls it, with the products of its weights for an image X."""
    for index, layer in enumerate(layers):
        params = tree[str(index)]
        name = f"{prefix}{index}"
        if isinstance(layer, Residual):
            yield from _work(layer.body, params["body"], X, f"{name}.body.")
            yield from _work(layer.shortcut, params["shortcut"], X, f"{name}.shortcut.")
        elif isinstance(layer, Chain):
            yield from _work(layer.layers, params, X, f"{name}.")
        else:
            yield f"{name} {type(layer).__name__}", multiply_adds(layer, params, X)
        X, _ = layer.forward(params, X, Context())
