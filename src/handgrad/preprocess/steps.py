"""Steps for all kinds of images: transparency, colour and size.

A step takes an image (H, W, C) of dtype uint8 and returns a new one. C is 1 for grey or 3 for RGB,
plus 1 if there is an alpha channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import (
    Background,
    Pixels,
    check_choice,
    check_size,
    divided,
    edge_colour,
    fitted,
    percentile,
)
from handgrad.preprocess.resize import resized

_UNEVEN = 4  # from this factor on, blocks may differ by a pixel, as in 8 pixels enlarged to 100
_OPAQUE = 128  # of 255: pixels with at least this alpha are visible
_CONTRAST = 64  # of 255: the difference in lightness between ink and paper


@dataclass(frozen=True)
class CompositeAlpha:
    """Composites a transparent image over a background, and removes the alpha channel.

    Attributes:
        background: "white", "black", or "contrast". With "contrast", a sheet of paper that was cut
            out is laid on its own colour; other images are laid on black if they are light, and on
            white if they are dark.
    """

    title: ClassVar[str] = "alpha composited"
    background: Background = "contrast"

    def __post_init__(self) -> None:
        check_choice(self, "background", self.background, ("white", "black", "contrast"))

    def __call__(self, X: Pixels) -> Pixels:
        if X.shape[2] not in (2, 4):
            return X
        ink, alpha = X[:, :, :-1].astype(np.int64), X[:, :, -1:].astype(np.int64)
        behind = self._behind(X[:, :, :-1], ink, alpha)
        return ((ink * alpha + behind * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _behind(
        self, colours: Pixels, ink: NDArray[np.int64], alpha: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the colour behind the image, (C,)."""
        C = ink.shape[2]
        if self.background != "contrast":
            return np.full(C, 255 if self.background == "white" else 0)
        visible = alpha[:, :, 0] >= _OPAQUE
        if _is_sheet(colours, visible):
            return np.array([percentile(colours[visible, k], 50) for k in range(C)])
        is_dark = 2 * int((ink * alpha).sum()) <= 255 * C * int(alpha.sum())
        return np.full(C, 255 if is_dark else 0)


def _is_sheet(colours: Pixels, visible: NDArray[np.bool_]) -> bool:
    """Return whether the visible pixels are a solid area with ink on it, and not ink alone.

    They are if they fill three quarters of their bounding box, and 1 in 200 of them differs from
    their median lightness by `_CONTRAST`.
    """
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if len(rows) == 0:
        return False
    box = int(rows[-1] - rows[0] + 1) * int(columns[-1] - columns[0] + 1)
    count = int(visible.sum())
    grey = Grayscale()(colours)[visible, 0]
    differs = abs(grey.astype(np.int64) - percentile(grey, 50)) >= _CONTRAST
    return 4 * count >= 3 * box and 200 * int(differs.sum()) >= count


@dataclass(frozen=True)
class Grayscale:
    """Converts colours to grey with the luma weights of ITU-R BT.601."""

    title: ClassVar[str] = "grey"

    def __call__(self, X: Pixels) -> Pixels:
        if X.shape[2] == 1:
            return X
        red, green, blue = (X[:, :, k].astype(np.uint32) for k in range(3))
        luma = red * 19595 + green * 38470 + blue * 7471 + (1 << 15)
        return (luma >> 16).astype(np.uint8)[:, :, None]


@dataclass(frozen=True)
class GrayToRGB:
    """Converts a grey image to three channels."""

    title: ClassVar[str] = "grey to RGB"

    def __call__(self, X: Pixels) -> Pixels:
        return X if X.shape[2] == 3 else np.repeat(X, 3, axis=2)


@dataclass(frozen=True)
class Invert:
    """Swaps light and dark."""

    title: ClassVar[str] = "inverted"

    def __call__(self, X: Pixels) -> Pixels:
        return 255 - X


@dataclass(frozen=True)
class UndoUpscale:
    """Undoes nearest-neighbour upscaling: each block of equal pixels becomes a single pixel."""

    title: ClassVar[str] = "upscaling undone"

    def __call__(self, X: Pixels) -> Pixels:
        rows = _run_lengths(X)
        if 1 in rows[1:-1]:  # the usual case
            return X
        columns = _run_lengths(X.transpose(1, 0, 2))
        inner = np.concatenate([rows[1:-1], columns[1:-1]])  # the margins may have any size
        if inner.size == 0 or inner.min() == 1:
            return X
        size, blocks = int(inner.min()), 1  # the factor is size / blocks
        for _ in range(2):
            size, blocks = int(inner.sum()), int(divided(inner * blocks, size).sum())
        uneven = blocks if size >= _UNEVEN * blocks else 0
        if (abs(inner * blocks - size * divided(inner * blocks, size)) > uneven).any():
            return X
        rows, columns = (_one_per_block(runs, size, blocks) for runs in (rows, columns))
        return X[rows][:, columns]


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
        if block < 2 or 2 * np.count_nonzero(X[:, 1:] == X[:, :-1]) > X[:, 1:].size:
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
        return resized(X, *fitted(X, self.side, self.side)) if max(X.shape[:2]) > self.side else X


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


def _run_lengths(X: Pixels) -> NDArray[np.int64]:
    """Return the lengths of the runs of equal rows, from top to bottom."""
    changes = np.flatnonzero((X[1:] != X[:-1]).any(axis=(1, 2))) + 1
    ends = np.concatenate([[0], changes, [len(X)]])
    return ends[1:] - ends[:-1]


def _one_per_block(runs: NDArray[np.int64], size: int, blocks: int) -> NDArray[np.int64]:
    """Return row indices that keep one row from each block of `size / blocks` rows."""
    counts = np.maximum(1, divided(runs * blocks, size))
    return np.repeat(np.cumsum(runs) - 1, counts)
