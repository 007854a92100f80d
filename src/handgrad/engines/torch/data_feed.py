"""Copies the images of a training run to the PyTorch device.

All images are copied at once if they fit into the device's memory and need no augmentation.
Otherwise, the images are copied batch by batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from handgrad.engines.checks import checked
from handgrad.engines.protocol import BatchStream
from handgrad.losses import Loss
from handgrad.network import Network

Batch = tuple[Tensor, Tensor, Tensor]  # numbers (N, C, H, W), classes (N,), weights (N,)


class Feed:
    """An iterable over the batches of one training run, as tensors on a device.

    Args:
        batches: the run's images and their order.
        net: the network.
        loss: the loss function, which determines the weight of each image.
        device: the device of the tensors.

    Raises:
        DataError: if the batches do not fit the network, or are inconsistent.
    """

    def __init__(
        self, batches: BatchStream, net: Network, loss: Loss, device: torch.device
    ) -> None:
        batches = checked(batches, net)  # a wrong label would crash a GPU
        images = batches.images
        # NumPy augments images on the host, so images to be augmented stay there until then.
        at_once = batches.augment is None and _fit(images, device)
        where = device if at_once else torch.device("cpu")
        weights = loss.weigh(batches.labels, batches.weights, net.classes)
        self._device, self._size, self._net = device, batches.size, net
        self._moves = batches.augment
        self._images = image_tensor(images, net).to(where)
        self._labels = as_tensor(batches.labels, np.int64).to(where)
        self._weights = as_tensor(weights, net.dtype).to(where)
        self._order = as_tensor(batches.order, np.int64).to(where)

    def __iter__(self) -> Iterator[Batch]:
        """Yield one batch after another as tensors on the device."""
        for at in range(0, len(self._order), self._size):
            chosen = self._order[at : at + self._size]
            y, weights = (A[chosen].to(self._device) for A in (self._labels, self._weights))
            yield as_numbers(self._select(chosen), self._net), y, weights

    def _select(self, chosen: Tensor) -> Tensor:
        """Return the images with the given indices, after any augmentation, on the device."""
        X = self._images[chosen]
        if self._moves is not None:
            moved = self._moves.apply(X.numpy(), chosen.numpy())
            X = as_tensor(moved, moved.dtype)
        return X.to(self._device)


def image_tensor(images: NDArray[Any], net: Network) -> Tensor:
    """Return images (N, C, H, W) as a tensor of uint8 or of the network's dtype."""
    return as_tensor(images, np.uint8 if images.dtype == np.uint8 else net.dtype)


def as_numbers(X: Tensor, net: Network) -> Tensor:
    """Convert images to the network's dtype, and scale uint8 images from 0..255 to 0..1."""
    if X.dtype == torch.uint8:
        return X.to(getattr(torch, net.dtype.name)) * (1 / 255)
    return X


def as_tensor(array: NDArray[Any], dtype: DTypeLike) -> Tensor:
    """Convert an array to a tensor. If the dtype already matches, the two share memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about read-only arrays: nothing writes here
        return torch.from_numpy(np.ascontiguousarray(array, dtype))


def _fit(images: NDArray[Any], device: torch.device) -> bool:
    """Return whether the images need at most half of the GPU's free memory."""
    return device.type != "cuda" or 2 * images.nbytes <= torch.cuda.mem_get_info(device)[0]
