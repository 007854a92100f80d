"""The checks that every engine performs on the batches before the first training step."""

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
    """Check the batches, and return them with images of shape (M, C, H, W).

    Raises:
        DataError: if the images do not fit the network; if the order contains an index that is out
            of range; if there is not exactly one label and one weight per image and one learning
            rate per batch; or if a label or a weight is out of range.
    """
    batches = batches._replace(images=net.as_images(batches.images))
    images, labels, weights, order, size, lrs, _ = batches
    M, N = len(images), len(order)
    _check_order(order, M)
    if len(labels) != M:
        raise DataError(f"there must be exactly one label per image: {M}, not {len(labels)}")
    check_labels(labels[order], N, net.classes)
    if weights is not None and not (weights.shape == (M,) and _are_weights(weights[order])):
        raise DataError(
            f"there must be exactly one weight per image: {M} finite numbers of at least 0"
        )
    if len(lrs) != -(-N // size):
        raise DataError(
            f"there must be exactly one learning rate per batch: {-(-N // size)}, not {len(lrs)}"
        )
    return batches


def _check_order(order: NDArray[Any], M: int) -> None:
    """Raise a DataError unless all elements of `order` are indices of the M images."""
    if order.ndim != 1 or not np.issubdtype(order.dtype, np.integer):
        raise DataError(
            f"the order must be a one-dimensional array of whole numbers, not an array of shape "
            f"{order.shape} and type {order.dtype}"
        )
    if len(order) and not (order.min() >= 0 and order.max() < M):
        wrong = order.min() if order.min() < 0 else order.max()
        raise DataError(
            f"the order must contain only indices from 0 to {M - 1}, but it contains {wrong}"
        )


def _are_weights(weights: NDArray[Any]) -> bool:
    """Return whether all weights are finite and at least 0."""
    return not len(weights) or bool(weights.min() >= 0 and weights.max() < math.inf)
