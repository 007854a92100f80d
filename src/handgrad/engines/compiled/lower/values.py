"""What stages hand on: a layer's output in lanes, or the images as lists."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from handgrad.data.augment import Augmentation
from handgrad.engines.compiled.kernels.lanes import LANES
from handgrad.engines.compiled.lower.plan import Buffer
from handgrad.layers import Array


class Source(NamedTuple):
    """How the images come.

    Attributes:
        whole: whether as bytes 0..255, or else as float32.
        sparse: whether most pixels are zero, so that it pays to skip them.
        single: whether each batch is one image, and needs no lanes.
        augmentation: how they are changed at random; None: not at all.
    """

    whole: bool
    sparse: bool
    single: bool = False
    augmentation: Augmentation | None = None


class Cut(NamedTuple):
    """How the pixels are cut between workers, each of whom keeps the weights of its own.

    Attributes:
        shares: into how many shares: always the same number, so that sums are.
        width: how many pixels make one; the last may have fewer.
    """

    shares: int
    width: int


@dataclass(frozen=True)
class Value:
    """What a layer hands to the next, (features, lanes).

    Attributes:
        buffer: where it lies.
        shape: its shape for one image.
        learned: whether what it comes from is learned, so that its gradient matters.
        fixed: whether it must stay as it is, for it is needed once more.
        lanes: how many images lie side by side.
    """

    buffer: Buffer
    shape: tuple[int, ...]
    learned: bool = False
    fixed: bool = False
    lanes: int = LANES

    @property
    def features(self) -> int:
        """How many numbers an image has."""
        return math.prod(self.shape)

    @property
    def count(self) -> int:
        """How many numbers a chunk has."""
        return self.features * self.lanes


@dataclass(frozen=True)
class Lists:
    """The images as lists of the pixels that are not zero.

    Attributes:
        places: which pixels.
        values: what they are.
        starts: where in the list each block of pixels begins.
        size: how many pixels an image has.
        cut: their shares, each a list of its own.
        blocks: how many blocks there are in a share.
        block: how many pixels make one.
        shift: what normalising takes from every pixel, (size,); None: nothing.
    """

    places: Buffer
    values: Buffer
    starts: Buffer
    size: int
    cut: Cut
    blocks: int
    block: int
    shift: Array | None
