"""What a run brings along, as the kernels take it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.engine import Batches
from handgrad.layers import Array
from handgrad.losses import Loss
from handgrad.network import Network


def is_sound(batches: Batches, net: Network, loss: Loss) -> bool:
    """Say whether all labels, weights and places in the order are what they must be."""
    pictures, labels, weights, order = batches[:4]
    M, own = len(pictures), getattr(loss, "class_weights", None)
    return bool(
        M > 0
        and pictures.shape[1:] == net.shape
        and (pictures.dtype == np.uint8 or np.issubdtype(pictures.dtype, np.floating))
        and labels.shape == (M,)
        and np.issubdtype(labels.dtype, np.integer)
        and order.min() >= 0
        and order.max() < M
        and labels[order].min() >= 0
        and labels[order].max() < len(net.classes)
        and (weights is None or (weights.shape == (M,) and (weights >= 0).all()))
        and (own is None or len(own) == len(net.classes))
        and len(batches.rates) == -(-len(order) // batches.size)
    )


def as_taken(pictures: NDArray[Any]) -> NDArray[Any]:
    """Return pictures as the kernels take them: bytes, or else float32."""
    with np.errstate(over="ignore"):  # found, and named, in the step that meets it
        return np.ascontiguousarray(
            pictures, np.uint8 if pictures.dtype == np.uint8 else np.float32
        )


def table(batches: Batches) -> Array:
    """Return the numbers that say what becomes of each picture in its turn."""
    if batches.moves is None:
        return np.zeros(1, np.float32)
    return batches.moves.table(batches.order, batches.pictures.shape[2:])
