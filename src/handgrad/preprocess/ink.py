"""Steps for grey images (H, W, 1) of ink on a background: drawings, or photographs of them.

All steps except `InvertDarkInk` expect light ink on a black background, as in MNIST.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import (
    Pixels,
    added_later,
    check_choice,
    check_size,
    divided,
    edge_colour,
    fitted,
    percentile,
)
from handgrad.preprocess.resize import resized

NOISE = 32  # of 255: smaller differences from the background are not ink
_CONTRAST = 64  # of 255: the smallest difference between a sheet and what is around it
_BLUR = 8  # ink fainter than the maximum divided by this is blur around a stroke
_FULL = 250  # of 255: ink of this lightness is not stretched
_NEIGHBOURHOOD = 5  # the side of the square in which specks are counted, in pixels
_PERCENTILE = 80  # of the ink: fainter pixels are the edges of strokes


@dataclass(frozen=True)
class InvertDarkInk:
    """Inverts an image whose ink is darker than its background.

    The background is the median along the edges, and pixels that differ from it are ink. If about
    as many pixels are lighter than the background as are darker, the image is assumed to have a
    shadow, and the background is modelled as a gradient between opposite edges.

    Attributes:
        sheet: whether the image may show a sheet of paper with something else at its edges. If so,
            and the median of the whole image differs from that of the edges, it is the background,
            provided that the edges are uniform, or that the sheet reaches one of them.
    """

    title: ClassVar[str] = "dark ink inverted"
    sheet: bool = False

    def __post_init__(self) -> None:
        check_choice(self, "sheet", self.sheet, (True, False))

    def __call__(self, X: Pixels) -> Pixels:
        return 255 - X if ink_balance(X, self.sheet) < 0 else X


def ink_balance(X: Pixels, sheet: bool = False) -> int:
    """Return the sum of the differences of the ink from the background: negative for dark ink.

    Args:
        X: the image, (H, W, 1).
        sheet: the setting of `InvertDarkInk`.
    """
    grey = X[:, :, 0].astype(np.int64)
    edge = int(edge_colour(X)[0])
    whole = percentile(X, 50)
    if sheet and abs(whole - edge) >= _CONTRAST:
        sides = [percentile(line, 50) for line in (grey[0], grey[-1], grey[:, 0], grey[:, -1])]
        if has_uniform_edges(X) or any(abs(side - whole) < NOISE for side in sides):
            return int(_ink(grey, whole).sum())
    ink = _ink(grey, edge)
    has_interior = min(grey.shape) > 2  # without an interior a shadow cannot be detected
    if has_interior and 2 * abs(int(ink.sum())) < int(abs(ink).sum()):
        ink = _ink(grey, _gradient(grey))
    return int(ink.sum())


def has_uniform_edges(X: Pixels) -> bool:
    """Return whether nine tenths of the pixels at the edges differ little from their median.

    Args:
        X: the image, (H, W, 1).
    """
    edges = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]]).astype(np.int64)
    uniform = abs(edges - edge_colour(X).astype(np.int64)) < NOISE
    return 10 * int(uniform.sum()) >= 9 * len(edges)


def _ink(grey: NDArray[np.int64], background: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return the difference of each pixel from the background, (H, W); noise becomes 0."""
    difference = grey - background
    return np.where(abs(difference) < NOISE, 0, difference)


def _gradient(grey: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a background that changes linearly between opposite edges, (H, W)."""
    H, W = grey.shape
    edges = (grey[0], grey[-1], grey[:, 0], grey[:, -1])
    top, bottom, left, right = (percentile(line, 50) for line in edges)
    rows = divided(top * (H - 1) + (bottom - top) * np.arange(H), H - 1)
    columns = divided(left * (W - 1) + (right - left) * np.arange(W), W - 1)
    return rows[:, None] + columns - divided(top + bottom + left + right, 4)


@dataclass(frozen=True)
class Binarize:
    """Makes ink white and everything else black, like the scans that MNIST was made from.

    Attributes:
        min_side: images whose longer side is shorter than this are left unchanged, because the
            shapes in small images depend on their grey levels.
        speck: a pixel becomes black if its 5x5 neighbourhood contains at most this many ink pixels,
            because such isolated pixels are noise or dust rather than part of a line.
    """

    title: ClassVar[str] = "binarized"
    min_side: int
    speck: int = added_later(0)

    def __post_init__(self) -> None:
        check_size(self, min_side=self.min_side)
        check_size(self, speck=self.speck + 1)

    def __call__(self, X: Pixels) -> Pixels:
        if max(X.shape) < self.min_side:
            return X
        ink = otsu_threshold(X) < X
        if self.speck:
            ink &= neighbours(ink[:, :, 0])[:, :, None] > self.speck
        return np.where(ink, 255, 0).astype(np.uint8)


def otsu_threshold(X: Pixels) -> int:
    """Return the value that separates light and dark pixels best.

    N. Otsu (1979), "A threshold selection method from gray-level histograms". The quotient is
    computed in float64, from integers below 2^53; both of its operations are rounded once.
    """
    counts = np.bincount(X.ravel(), minlength=256)
    below, sums = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    between = (sums[-1] * below - sums * X.size).astype(np.float64)
    spread = (below * (X.size - below)).astype(np.float64)
    return int(np.divide(between * between, spread, out=np.zeros(256), where=spread > 0).argmax())


def neighbours(ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the number of ink pixels in the 5x5 square around each pixel, (H, W)."""
    counts = np.pad(ink, _NEIGHBOURHOOD // 2).astype(np.uint8)
    for _ in range(2):  # along columns, then along rows
        counts = sum(
            (counts[k : len(counts) - _NEIGHBOURHOOD + 1 + k] for k in range(1, _NEIGHBOURHOOD)),
            start=counts[: len(counts) - _NEIGHBOURHOOD + 1],
        ).T
    return counts


@dataclass(frozen=True)
class CropToInk:
    """Crops an image to the bounding box of its ink."""

    title: ClassVar[str] = "cropped"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[:, :, 0] > int(X.max()) // _BLUR
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if len(rows) == 0:
            return X
        return X[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@dataclass(frozen=True)
class Upscale:
    """Enlarges a small image by cubic interpolation, with a margin of one pixel.

    In a small image, grey levels show where the edge of a line runs between two pixels. If the
    image is enlarged before it is binarized, the shape of the line is preserved.

    Attributes:
        min_side: images whose longer side has at least this many pixels are left unchanged.
        side: the longer side of an enlarged image, in pixels.
    """

    title: ClassVar[str] = "upscaled"
    min_side: int
    side: int

    def __post_init__(self) -> None:
        check_size(self, min_side=self.min_side, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        if max(X.shape) >= self.min_side:
            return X
        padded = np.pad(X, ((1, 1), (1, 1), (0, 0)))
        return resized(padded, *fitted(padded, self.side, self.side), cubic=True)


@dataclass(frozen=True)
class ScaleToFit:
    """Scales an image to fit into a square, keeping its aspect ratio.

    Attributes:
        side: the side of the square, in pixels.
    """

    title: ClassVar[str] = "scaled to fit"
    side: int = 20

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        return resized(X, *fitted(X, self.side, self.side))


@dataclass(frozen=True)
class StretchContrast:
    """Scales the lightness so that strokes are white: downscaling makes thin strokes faint."""

    title: ClassVar[str] = "contrast stretched"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[X > 0]
        top = percentile(ink, _PERCENTILE) if ink.size else 255
        if top >= _FULL:
            return X
        return np.minimum(divided(X.astype(np.int64) * 255, top), 255).astype(np.uint8)


@dataclass(frozen=True)
class CenterByMass:
    """Places an image on a black square with its centre of mass in the middle.

    The middle is the pixel below and to the right of the square's centre, as in MNIST.

    Attributes:
        side: the side of the square, in pixels. Parts of the image that are outside the square are
            cut off.
    """

    title: ClassVar[str] = "centred by mass"
    side: int = 28

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        H, W, C = X.shape
        mass = X.sum(axis=2, dtype=np.int64)
        total = int(mass.sum())
        if not total:
            mass, total = np.ones_like(mass), H * W
        y = int(mass.sum(axis=1) @ (2 * np.arange(H) + 1)) // (2 * total)
        x = int(mass.sum(axis=0) @ (2 * np.arange(W) + 1)) // (2 * total)
        top, left = self.side // 2 - y, self.side // 2 - x
        square = np.zeros((self.side, self.side, C), np.uint8)
        target = square[max(top, 0) : top + H, max(left, 0) : left + W]
        rows, columns = max(-top, 0), max(-left, 0)
        target[:] = X[rows : rows + target.shape[0], columns : columns + target.shape[1]]
        return square
