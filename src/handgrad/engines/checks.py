"""What every engine asks of a run, before its first step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.engines.protocol import BatchStream
from handgrad.errors import DataError
from handgrad.losses import check_labels
from handgrad.network import Network


def checked(batches: BatchStream, net: Network) -> BatchStream:
    """Return batches as engines take them, their images (M, C, H, W).

    Raises:
        DataError: if the images are not the network's; if a place in the order is none of
            theirs; if there is not one label and one weight for each, and one rate for each
            batch; or if a label or a weight that is needed is none.
    """
    batches = batches._replace(images=net.as_images(batches.images))
    images, labels, weights, order, size, lrs, _ = batches
    M, N = len(images), len(order)
    _check_order(order, M)
    if len(labels) != M:
        raise DataError(f"labels must be {M}, one for each image, not {len(labels)}")
    check_labels(labels[order], N, len(net.classes))
    if weights is not None and not (weights.shape == (M,) and _are_weights(weights[order])):
        raise DataError(f"weights must be {M} numbers of at least 0, one for each image")
    if len(lrs) != -(-N // size):
        raise DataError(f"rates must be {-(-N // size)}, one for each batch, not {len(lrs)}")
    return batches


def _check_order(order: NDArray[Any], M: int) -> None:
    """Raise a DataError unless an order holds places of M images."""
    if order.ndim != 1 or not np.issubdtype(order.dtype, np.integer):
        raise DataError(
            f"the order must be whole numbers in a row, not an array {order.shape} of {order.dtype}"
        )
    if len(order) and not (order.min() >= 0 and order.max() < M):
        wrong = order.min() if order.min() < 0 else order.max()
        raise DataError(f"the order must be places 0 to {M - 1} of {M} images, found {wrong}")


def _are_weights(weights: NDArray[Any]) -> bool:
    """Say whether all weights are finite and at least 0."""
    return not len(weights) or bool(weights.min() >= 0 and weights.max() < math.inf)
