"""The types of values between layers: a buffer in lanes, or images as CSR matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from handgrad.data.augment import Augmentation
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.calls import Buffer
from handgrad.layers import Array


class InputFormat(NamedTuple):
    """The format of the images, and how they are processed.

    Attributes:
        is_uint8: whether pixels are bytes 0..255. Otherwise they are float32.
        sparse: whether most pixels are zero, so that the first linear layer skips zeros.
        batch_size_one: whether each batch is one image, so that no lanes are needed.
        augmentation: the random augmentation; None: no augmentation.
    """

    is_uint8: bool
    sparse: bool
    batch_size_one: bool = False
    augmentation: Augmentation | None = None


class PixelSplit(NamedTuple):
    """How the pixels are split between workers, so that each caches the weights of its own.

    The number of shares does not depend on the number of workers, so the order of summation and
    the result do not either.

    Attributes:
        shares: the number of shares.
        width: the number of pixels in a share; the last share may have fewer.
    """

    shares: int
    width: int


@dataclass(frozen=True)
class Value:
    """The output of a layer, or the gradient with respect to it, with shape (features, lanes).

    Attributes:
        buffer: its memory.
        shape: its shape for one image.
        requires_grad: whether it depends on parameters, so that its gradient is needed.
        keep_for_backward: whether it must not be overwritten, because it is read again.
        lanes: the number of images side by side.
    """

    buffer: Buffer
    shape: tuple[int, ...]
    requires_grad: bool = False
    keep_for_backward: bool = False
    lanes: int = LANES

    @property
    def features(self) -> int:
        """The number of elements of one image."""
        return math.prod(self.shape)

    @property
    def count(self) -> int:
        """The number of elements of a chunk."""
        return self.features * self.lanes


@dataclass(frozen=True)
class CsrImages:
    """The images as CSR matrices: the pixels that are not zero, one row for each image.

    Attributes:
        indices: the index of each such pixel.
        data: its value.
        indptr: where each block of pixels begins in a row's entries.
        pixels: the number of pixels of an image.
        split: the shares of the pixels, each with a matrix of its own.
        blocks: the number of blocks in a share.
        block: the number of pixels in a block.
        shift: what normalization adds to every pixel, (pixels,); None: nothing.
    """

    indices: Buffer
    data: Buffer
    indptr: Buffer
    pixels: int
    split: PixelSplit
    blocks: int
    block: int
    shift: Array | None
