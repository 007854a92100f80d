"""The values that layers pass on: buffers with one lane per image, or images as CSR matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from handgrad.data.augment import Augmentation
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.calls import Buffer
from handgrad.layers import Array


class InputFormat(NamedTuple):
    """The format of the images and how they are processed.

    Attributes:
        is_uint8: True if pixels are bytes 0..255, False if they are float32.
        sparse: whether most pixels are zero, so that the first linear layer skips zero pixels.
        batch_size_one: whether each batch is a single image, so that no lanes are needed.
        augmentation: the random augmentation, or None for no augmentation.
    """

    is_uint8: bool
    sparse: bool
    batch_size_one: bool = False
    augmentation: Augmentation | None = None


class PixelSplit(NamedTuple):
    """The split of the pixels into shares, so that a worker caches only the weights it uses.

    A share is a contiguous range of pixels. The number of shares does not depend on the number of
    workers, so neither the order of summation nor the result depends on the number of workers.

    Attributes:
        shares: the number of shares.
        width: the number of pixels in a share; the last share may have fewer.
    """

    shares: int
    width: int


@dataclass(frozen=True)
class Value:
    """The output of a layer or its gradient, with shape (features, lanes).

    Attributes:
        buffer: the memory of the value.
        shape: the shape of the value for one image.
        requires_grad: whether the value depends on parameters, so that its gradient is needed.
        keep_for_backward: whether the value must not be overwritten, because it is read again
            later.
        lanes: the number of images stored side by side.
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
    """The images as CSR matrices of nonzero pixels, with one row per image.

    Attributes:
        indices: the index of each nonzero pixel.
        data: the value of each nonzero pixel.
        indptr: for each row and each block of pixels, the index of the block's first entry in the
            row.
        pixels: the number of pixels of an image.
        split: the shares of the pixels, each of which has its own matrix.
        blocks: the number of blocks in a share.
        block: the number of pixels in a block.
        shift: the amount that normalization adds to each pixel, (pixels,), or None for no shift.
    """

    indices: Buffer
    data: Buffer
    indptr: Buffer
    pixels: int
    split: PixelSplit
    blocks: int
    block: int
    shift: Array | None
