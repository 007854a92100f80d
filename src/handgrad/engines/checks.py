"""Checks of the batches that every engine makes before its first step."""

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
    """Return the batches with their images as (M, C, H, W).

    Raises:
        DataError: if the images do not fit the network; if an index in the order is out of range;
            if the numbers of labels, weights or learning rates are wrong; or if a label or a
            weight is out of range.
    """
    batches = batches._replace(images=net.as_images(batches.images))
    images, labels, weights, order, size, lrs, _ = batches
    M, N = len(images), len(order)
    _check_order(order, M)
    if len(labels) != M:
        raise DataError(f"labels must be {M}, one for each image, not {len(labels)}")
    check_labels(labels[order], N, net.classes)
    if weights is not None and not (weights.shape == (M,) and _are_weights(weights[order])):
        raise DataError(f"weights must be {M} numbers of at least 0, one for each image")
    if len(lrs) != -(-N // size):
        raise DataError(
            f"learning rates must be {-(-N // size)}, one for each batch, not {len(lrs)}"
        )
    return batches


def _check_order(order: NDArray[Any], M: int) -> None:
    """Raise a DataError unless an order holds indices of M images."""
    if order.ndim != 1 or not np.issubdtype(order.dtype, np.integer):
        raise DataError(
            f"the order must be a one-dimensional array of whole numbers, not {order.shape} of "
            f"{order.dtype}"
        )
    if len(order) and not (order.min() >= 0 and order.max() < M):
        wrong = order.min() if order.min() < 0 else order.max()
        raise DataError(f"the order must hold indices 0 to {M - 1} of {M} images, found {wrong}")


def _are_weights(weights: NDArray[Any]) -> bool:
    """Return whether all weights are finite and at least 0."""
    return not len(weights) or bool(weights.min() >= 0 and weights.max() < math.inf)
