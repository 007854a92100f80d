"""Steps of version 1 for grey images (H, W, 1) of ink on a background.

All steps except `InvertDarkInk` expect light ink on a black background, as in MNIST.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handgrad.preprocess.pixels import Pixels, added_later, check_size
from handgrad.preprocess.version1.pixels import edge_colour, resized
from handgrad.preprocess.version1.steps import fitted

_NOISE = 32  # of 255: smaller differences from the background are not ink
_FULL = 250  # of 255: ink of this lightness is not stretched
_NEIGHBOURHOOD = 5  # the side of the square in which specks are counted, in pixels
_PERCENTILE = 80  # of the ink: fainter pixels are the edges of strokes


@dataclass(frozen=True)
class InvertDarkInk:
    """Inverts an image whose ink is darker than its background.

    The background is the median along the edges, and pixels that differ from it are ink. If
    lighter and darker ink nearly cancel out, the image is assumed to have a shadow, and the
    background is modelled as a gradient between opposite edges.
    """

    title: ClassVar[str] = "dark ink inverted"

    def __call__(self, X: Pixels) -> Pixels:
        grey = X[:, :, 0].astype(np.int64)
        ink = self._ink(grey, edge_colour(X).astype(np.int64))
        has_interior = min(grey.shape) > 2  # without an interior a shadow cannot be detected
        if has_interior and 2 * abs(ink.sum()) < abs(ink).sum():
            ink = self._ink(grey, self._gradient(grey))
        return 255 - X if ink.sum() < 0 else X

    @staticmethod
    def _ink(grey: NDArray[np.int64], background: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the difference of each pixel from the background, ignoring noise, (H, W)."""
        difference = grey - background
        return np.where(abs(difference) < _NOISE, 0, difference)

    @staticmethod
    def _gradient(grey: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a background that changes linearly between opposite edges, (H, W)."""
        top, bottom, left, right = map(np.median, (grey[0], grey[-1], grey[:, 0], grey[:, -1]))
        rows, columns = np.linspace(top, bottom, len(grey)), np.linspace(left, right, grey.shape[1])
        middle = (top + bottom + left + right) / 4
        return (rows[:, None] + columns - middle).astype(np.int64)


@dataclass(frozen=True)
class Binarize:
    """Makes ink white and everything else black, like the scans that MNIST was made from.

    The threshold is Otsu's: N. Otsu (1979), "A threshold selection method from gray-level
    histograms".

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
        counts = np.bincount(X.ravel(), minlength=256).astype(np.float64)
        below, sums = np.cumsum(counts), np.cumsum(counts * np.arange(256))
        between = (sums[-1] * below - sums * X.size) ** 2
        spread = below * (X.size - below)
        threshold = np.divide(between, spread, out=np.zeros(256), where=spread > 0).argmax()
        ink = np.where(threshold < X, 255, 0).astype(np.uint8)
        return self._without_specks(ink) if self.speck else ink

    def _without_specks(self, X: Pixels) -> Pixels:
        """Return a binary image after changing its isolated ink pixels to black."""
        reach = _NEIGHBOURHOOD // 2
        padded = Image.fromarray(np.pad(X[:, :, 0], reach))
        means = np.asarray(padded.filter(ImageFilter.BoxBlur(reach)))[reach:-reach, reach:-reach]
        limit = 255 * (self.speck + 0.5) / _NEIGHBOURHOOD**2
        return np.where(means[:, :, None] > limit, X, 0).astype(np.uint8)


@dataclass(frozen=True)
class Upscale:
    """Enlarges a small image smoothly (Lanczos), with a margin of one pixel.

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
        padded = np.pad(X[:, :, 0], 1)
        height, width = fitted(padded[:, :, None], self.side, self.side)
        enlarged = Image.fromarray(padded).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(enlarged, np.uint8)[:, :, None]


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
        top = float(np.percentile(ink, _PERCENTILE)) if ink.size else 255.0
        return X if top >= _FULL else np.minimum(np.rint(X * (255 / top)), 255).astype(np.uint8)


@dataclass(frozen=True)
class CenterByMass:
    """Places an image on a black square with its centre of mass in the middle.

    The middle is the pixel below and to the right of the square's centre, as in MNIST.

    Attributes:
        side: the side of the square, in pixels. Parts of the image outside the square are cropped.
    """

    title: ClassVar[str] = "centred by mass"
    side: int = 28

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        H, W, C = X.shape
        mass: NDArray[Any] = X.sum(axis=2, dtype=np.float64)
        if not mass.any():
            mass += 1
        y = mass.sum(axis=1) @ (np.arange(H) + 0.5) / mass.sum()
        x = mass.sum(axis=0) @ (np.arange(W) + 0.5) / mass.sum()
        top, left = self.side // 2 - int(y), self.side // 2 - int(x)
        square = np.zeros((self.side, self.side, C), np.uint8)
        target = square[max(top, 0) : top + H, max(left, 0) : left + W]
        rows, columns = max(-top, 0), max(-left, 0)
        target[:] = X[rows : rows + target.shape[0], columns : columns + target.shape[1]]
        return square
