"""Steps for ink on a ground, a drawing or a photograph of one: grey pictures (H, W, 1).

All but `LightInk` and `EvenPaper` take light ink on black ground, as the MNIST family has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handgrad.preparation.pixels import Pixels, check_size, edge_colour, resized
from handgrad.preparation.steps import fitted

INK = 64  # of 255: what is lighter is ink, and not the blur around it

_WINDOW = 64  # pixels on the longer side, where the paper is looked at
_WIDEST = 15  # of these pixels: a stroke is never wider
_TOP = 99  # percent of the ink that is not brighter than its full strength


@dataclass(frozen=True)
class LightInk:
    """Inverts a picture whose ink is darker than its ground.

    The ground is what lies along the edges; ink is what differs from it.
    """

    title: ClassVar[str] = "light ink"

    def __call__(self, X: Pixels) -> Pixels:
        beyond = X.astype(np.int64) - edge_colour(X).astype(np.int64)
        beyond[abs(beyond) < INK // 2] = 0  # noise, a shadow
        return 255 - X if beyond.sum() < 0 else X


@dataclass(frozen=True)
class EvenPaper:
    """Takes off the paper, with its shadows and its grain; the ground becomes black.

    The paper is what is left of a small copy when all that is narrower than a wide stroke has been
    worn off. A clean black ground changes nothing.
    """

    title: ClassVar[str] = "even paper"

    def __call__(self, X: Pixels) -> Pixels:
        ink = np.maximum(X.astype(np.int16) - self._paper(X), 0)
        faint = ink[ink <= max(INK // 2, int(ink.max()) // 3)]
        grain = 0.0 if faint.size == 0 else float(np.median(faint) + 3 * faint.std())
        if grain < 1:
            return ink.astype(np.uint8)
        return np.where(ink > grain, ink, 0).astype(np.uint8)

    @staticmethod
    def _paper(X: Pixels) -> NDArray[np.int16]:
        """Return the lightness of the paper at each pixel, (H, W, 1)."""
        H, W, _ = X.shape
        small = resized(X, *fitted(X, _WINDOW, _WINDOW)) if max(H, W) > _WINDOW else X
        image = Image.fromarray(small[:, :, 0])
        worn = image.filter(ImageFilter.MinFilter(_WIDEST)).filter(ImageFilter.MaxFilter(_WIDEST))
        smooth = np.asarray(worn.filter(ImageFilter.GaussianBlur(_WIDEST / 3)), np.uint8)
        return resized(smooth[:, :, None], H, W).astype(np.int16)


@dataclass(frozen=True)
class CropToInk:
    """Cuts off what is empty around the ink."""

    title: ClassVar[str] = "cropped"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[:, :, 0] > min(INK, int(X.max()) // 2)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if len(rows) == 0:
            return X
        return X[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@dataclass(frozen=True)
class FitInk:
    """Scales a picture so that it just fits into a square, in its proportions.

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
    """Scales the lightness so that the ink's strongest is 255: shrinking makes thin lines faint."""

    title: ClassVar[str] = "full ink"

    def __call__(self, X: Pixels) -> Pixels:
        ink = X[X > 0]
        top = float(np.percentile(ink, _TOP)) if ink.size else 255.0
        return np.minimum(np.rint(X * (255 / top)), 255).astype(np.uint8)


@dataclass(frozen=True)
class CentreOfMass:
    """Places a picture on a black square, its centre of mass in the middle.

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
        top, left = round(self.side / 2 - y), round(self.side / 2 - x)
        whole = np.zeros((self.side, self.side, C), np.uint8)
        here = whole[max(top, 0) : top + H, max(left, 0) : left + W]
        rows, columns = max(-top, 0), max(-left, 0)
        here[:] = X[rows : rows + here.shape[0], columns : columns + here.shape[1]]
        return whole
