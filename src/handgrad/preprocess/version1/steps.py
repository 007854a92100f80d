"""Steps of version 1 for all kinds of images: transparency and size.

A step takes an image (H, W, C) of dtype uint8 and returns a new one. C is 1 for grey or 3 for RGB,
plus 1 if there is an alpha channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import Background, Pixels, check_choice, check_size
from handgrad.preprocess.version1.pixels import edge_colour, resized

_UNEVEN = 4  # from this factor on, blocks may differ by a pixel, as in 8 pixels enlarged to 100


@dataclass(frozen=True)
class CompositeAlpha:
    """Composites a transparent image over a background, and removes the alpha channel.

    Attributes:
        background: "white", "black", or "contrast", which means black for light images and white
            for dark images.
    """

    title: ClassVar[str] = "alpha composited"
    background: Background = "contrast"

    def __post_init__(self) -> None:
        check_choice(self, "background", self.background, ("white", "black", "contrast"))

    def __call__(self, X: Pixels) -> Pixels:
        if X.shape[2] not in (2, 4):
            return X
        ink, alpha = X[:, :, :-1].astype(np.uint16), X[:, :, -1:].astype(np.uint16)
        behind = 255 if self.background == "white" or self._is_dark(ink, alpha) else 0
        return ((ink * alpha + behind * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _is_dark(self, ink: np.ndarray, alpha: np.ndarray) -> bool:
        """Return whether the image is dark, so that it needs a white background for contrast."""
        if self.background != "contrast":
            return False
        visible = int(alpha.sum()) * ink.shape[2]
        return int((ink * alpha.astype(np.int64)).sum()) <= 127.5 * visible


@dataclass(frozen=True)
class UndoUpscale:
    """Undoes nearest-neighbour upscaling: each block of equal pixels becomes a single pixel."""

    title: ClassVar[str] = "upscaling undone"

    def __call__(self, X: Pixels) -> Pixels:
        rows, columns = _run_lengths(X), _run_lengths(X.transpose(1, 0, 2))
        inner = np.concatenate([rows[1:-1], columns[1:-1]])  # the margins may have any size
        if inner.size == 0 or inner.min() == 1:
            return X
        factor = float(inner.min())
        for _ in range(2):
            factor = inner.sum() / np.rint(inner / factor).sum()
        uneven = 1 if factor >= _UNEVEN else 0
        if (abs(inner - factor * np.rint(inner / factor)) > uneven).any():
            return X
        return X[_one_per_block(rows, factor)][:, _one_per_block(columns, factor)]


@dataclass(frozen=True)
class Denoise:
    """Averages blocks of pixels in a noisy image, such as a photograph.

    An image counts as noisy if most of its pixels differ from their neighbours, which is not the
    case in a drawing.

    Attributes:
        side: the longer side of the result has at least this many pixels, and fewer than twice as
            many.
    """

    title: ClassVar[str] = "denoised"
    side: int

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        H, W, _ = X.shape
        block = min(max(H, W) // self.side, H, W)
        if block < 2 or (X[:, 1:] == X[:, :-1]).mean() > 0.5:
            return X
        return resized(X[: H // block * block, : W // block * block], H // block, W // block)


@dataclass(frozen=True)
class Downscale:
    """Downscales a large image to `side` pixels on its longer side, to speed up later steps."""

    title: ClassVar[str] = "downscaled"
    side: int

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        height, width = fitted(X, self.side, self.side)
        return X if height >= X.shape[0] and width >= X.shape[1] else resized(X, height, width)


@dataclass(frozen=True)
class Resize:
    """Resizes an image.

    Attributes:
        height: the new height in pixels.
        width: the new width in pixels.
        keep_aspect: whether to keep the aspect ratio and pad the image with the colour of its
            edges, instead of stretching the image.
    """

    title: ClassVar[str] = "resized"
    height: int
    width: int
    keep_aspect: bool = True

    def __post_init__(self) -> None:
        check_size(self, height=self.height, width=self.width)
        check_choice(self, "keep_aspect", self.keep_aspect, (True, False))

    def __call__(self, X: Pixels) -> Pixels:
        if not self.keep_aspect:
            return resized(X, self.height, self.width)
        inner = resized(X, *fitted(X, self.height, self.width))
        height, width, C = inner.shape
        if (height, width) == (self.height, self.width):
            return inner
        padded = np.empty((self.height, self.width, C), np.uint8)
        padded[:] = edge_colour(X)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        padded[top : top + height, left : left + width] = inner
        return padded


def fitted(X: Pixels, height: int, width: int) -> tuple[int, int]:
    """Return the largest size within height x width that keeps an image's aspect ratio."""
    H, W, _ = X.shape
    scale = min(height / H, width / W)
    return max(1, round(H * scale)), max(1, round(W * scale))


def _run_lengths(X: Pixels) -> NDArray[np.int64]:
    """Return the number of rows in each run of equal rows, from top to bottom."""
    changes = np.flatnonzero((X[1:] != X[:-1]).any(axis=(1, 2))) + 1
    return np.diff(changes, prepend=0, append=len(X))


def _one_per_block(runs: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    """Return row indices that keep one row from each block of `factor` rows."""
    blocks = np.maximum(1, np.rint(runs / factor)).astype(np.int64)
    return np.repeat(np.cumsum(runs) - 1, blocks)
