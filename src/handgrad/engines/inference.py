"""Computes logits for prediction with the engine that suits the number of images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from handgrad.engines import engine_named, fastest_engine
from handgrad.engines.protocol import Engine
from handgrad.layers import Array
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.train_config import TrainConfig

FEW_IMAGES = 1000  # up to this number, compiling takes longer than the reference engine
_MAX_BYTES = 1 << 26  # of the float32 images that are computed at a time
_BATCH = 256  # the compiled engine computes so many images at a time


class Inference:
    """Computes the logits of a network, without compiling anything for a few images.

    The reference engine computes the first `FEW_IMAGES` images. After that, the compiled engine
    computes the images, if `engine_for` chooses it. The logits of the two engines agree to float32
    rounding. Every call uses the current values of the network's arrays.

    Args:
        net: the network.

    Attributes:
        net: the network.
    """

    def __init__(self, net: Network) -> None:
        self.net = net
        self._count = 0  # the images of all calls so far
        self._engine: Engine | None = None

    def logits(self, X: ArrayLike) -> Array:
        """Return the logits (N, K) of images X (N, C, H, W), computed in inference mode.

        Large inputs are computed in parts, so that a memory-mapped array is not loaded as a whole.

        Raises:
            DataError: if the images do not match the network, or a pixel is not finite.
        """
        images = self.net.as_images(X)
        self._count += len(images)
        if self._engine is None:
            if engine_for(self.net, self._count) == "reference":
                return self.net.logits(images)
            # "auto" falls back to the reference engine if a kernel cannot be compiled.
            self._engine = engine_named("auto", self.net, TrainConfig(optimizer=SGD()))
        size = max(1, _MAX_BYTES // (4 * _BATCH * math.prod(self.net.shape))) * _BATCH
        if len(images) <= size:
            return self._engine.logits(images)
        parts = range(0, len(images), size)
        return np.concatenate([self._engine.logits(images[at : at + size]) for at in parts])

    def expect(self, count: int) -> None:
        """Choose the engine that suits the given number of images, before the first of them."""
        self._count = max(self._count, count)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle or copy only the network: machine code cannot be pickled."""
        return type(self), (self.net,)


def engine_for(net: Network, count: int) -> str:
    """Return the name of the engine that computes the logits of the given number of images.

    The compiled engine is chosen for more than `FEW_IMAGES` images, if it is installed, the network
    has the dtype float32, and every layer has a kernel.
    """
    if count <= FEW_IMAGES or net.dtype != np.float32 or fastest_engine() == "reference":
        return "reference"
    from handgrad.engines.compiled.engine import has_kernels

    return "compiled" if has_kernels(net) else "reference"
