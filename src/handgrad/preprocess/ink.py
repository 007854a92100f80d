"""Steps for ink on a ground, a drawing or a photograph of one: grey images (H, W, 1).

All but `LightInk` take light ink on black ground, as the MNIST family has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handgrad.preprocess.pixels import Pixels, check_size, edge_colour, later, resized
from handgrad.preprocess.steps import fitted

NOISE = 32  # of 255: what differs less from its ground is no ink
_RIM = 8  # ink of less than this part of the strongest is the blur around it
_FULL = 250  # of 255: ink that needs no more strength
_AROUND = 5  # pixels on the side of the square in which a speck is told from a line
_TOP = 80  # percent of the ink that is fainter than its full strength, being the rim of a line


@dataclass(frozen=True)
class LightInk:
    """Inverts an image whose ink is darker than its ground.

    The ground is what lies along the edges; ink is what differs from it. Where that is as much of
    the lighter as of the darker, a shadow lies on the ground, from edge to edge.
    """

    title: ClassVar[str] = "light ink"

    def __call__(self, X: Pixels) -> Pixels:
        grey = X[:, :, 0].astype(np.int64)
        ink = self._ink(grey, edge_colour(X).astype(np.int64))
        inside = min(grey.shape) > 2  # else all of it is edge, and no shadow can be told
        if inside and 2 * abs(ink.sum()) < abs(ink).sum():
            ink = self._ink(grey, self._shadow(grey))
        return 255 - X if ink.sum() < 0 else X

    @staticmethod
    def _ink(grey: NDArray[np.int64], ground: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how much lighter than the ground pixels are, noise left out, (H, W)."""
        beyond = grey - ground
        return np.where(abs(beyond) < NOISE, 0, beyond)

    @staticmethod
    def _shadow(grey: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a ground whose lightness changes evenly between opposite edges, (H, W)."""
        top, below, left, right = map(np.median, (grey[0], grey[-1], grey[:, 0], grey[:, -1]))
        rows, columns = np.linspace(top, below, len(grey)), np.linspace(left, right, grey.shape[1])
        middle = (top + below + left + right) / 4
        return (rows[:, None] + columns - middle).astype(np.int64)


@dataclass(frozen=True)
class TwoTones:
    """Makes ink white and all else black, as in the scans that MNIST was made of.

    What parts them is the lightness at which both sides vary least: N. Otsu (1979), "A threshold
    selection method from gray-level histograms".

    Attributes:
        least: pixels on the longer side. In a smaller image the greys carry the form: it stays.
        speck: pixels of ink in a square of 5x5 that make no line yet, but noise or dust: its middle
            becomes black.
    """

    title: ClassVar[str] = "two tones"
    least: int
    speck: int = later(0)

    def __post_init__(self) -> None:
        check_size(self, least=self.least)
        check_size(self, speck=self.speck + 1)

    def __call__(self, X: Pixels) -> Pixels:
        if max(X.shape) < self.least:
            return X
        counts = np.bincount(X.ravel(), minlength=256).astype(np.float64)
        below, sums = np.cumsum(counts), np.cumsum(counts * np.arange(256))
        between = (sums[-1] * below - sums * X.size) ** 2
        spread = below * (X.size - below)
        at = np.divide(between, spread, out=np.zeros(256), where=spread > 0).argmax()
        ink = np.where(at < X, 255, 0).astype(np.uint8)
        return self._without_specks(ink) if self.speck else ink

    def _without_specks(self, X: Pixels) -> Pixels:
        """Return an image in two tones, black where there is next to no ink around."""
        reach = _AROUND // 2
        framed = Image.fromarray(np.pad(X[:, :, 0], reach))
        around = np.asarray(framed.filter(ImageFilter.BoxBlur(reach)))[reach:-reach, reach:-reach]
        most = 255 * (self.speck + 0.5) / _AROUND**2
        return np.where(around[:, :, None] > most, X, 0).astype(np.uint8)


@dataclass(frozen=True)
class CropToInk:
    """Cuts off what is empty around the ink."""

    title: ClassVar[str] = "cropped"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[:, :, 0] > int(X.max()) // _RIM
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if len(rows) == 0:
            return X
        return X[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@dataclass(frozen=True)
class Grow:
    """Enlarges a small image smoothly, with a pixel of ground around it.

    Its few greys say where the edge of a line runs between two pixels: that form needs room before
    it can be drawn in two tones.

    Attributes:
        below: the longer side, in pixels, from which on an image is large enough.
        side: pixels on the longer side of a small one then.
    """

    title: ClassVar[str] = "grown"
    below: int
    side: int

    def __post_init__(self) -> None:
        check_size(self, below=self.below, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        if max(X.shape) >= self.below:
            return X
        framed = np.pad(X[:, :, 0], 1)
        height, width = fitted(framed[:, :, None], self.side, self.side)
        grown = Image.fromarray(framed).resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(grown, np.uint8)[:, :, None]


@dataclass(frozen=True)
class FitInk:
    """Scales an image so that it just fits into a square, in its proportions.

    Attributes:
        side: that of the square, in pixels.
    """

    title: ClassVar[str] = "fitted"
    side: int = 20

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        return resized(X, *fitted(X, self.side, self.side))


@dataclass(frozen=True)
class FullInk:
    """Brings ink to its full lightness: shrinking makes thin lines faint."""

    title: ClassVar[str] = "full ink"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[X > 0]
        top = float(np.percentile(ink, _TOP)) if ink.size else 255.0
        return X if top >= _FULL else np.minimum(np.rint(X * (255 / top)), 255).astype(np.uint8)


@dataclass(frozen=True)
class CentreOfMass:
    """Places an image on a black square, its centre of mass in the middle.

    The middle is the pixel right and below of the square's centre, as in MNIST.

    Attributes:
        side: that of the square, in pixels. What does not find room there is cut off.
    """

    title: ClassVar[str] = "centred"
    side: int = 28

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        H, W, C = X.shape
        weight: NDArray[Any] = X.sum(axis=2, dtype=np.float64)
        if not weight.any():
            weight += 1
        y = weight.sum(axis=1) @ (np.arange(H) + 0.5) / weight.sum()
        x = weight.sum(axis=0) @ (np.arange(W) + 0.5) / weight.sum()
        top, left = self.side // 2 - int(y), self.side // 2 - int(x)
        whole = np.zeros((self.side, self.side, C), np.uint8)
        here = whole[max(top, 0) : top + H, max(left, 0) : left + W]
        rows, columns = max(-top, 0), max(-left, 0)
        here[:] = X[rows : rows + here.shape[0], columns : columns + here.shape[1]]
        return whole
