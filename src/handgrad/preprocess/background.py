"""The step that takes off the paper under a drawing, or under a photograph of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handgrad.preprocess.pixels import Pixels, check_size, later, resized
from handgrad.preprocess.steps import fitted

_WINDOW = 64  # pixels on the longer side, where the paper is looked at
_WIDEST = 15  # of these pixels: a stroke is never wider


@dataclass(frozen=True)
class EvenPaper:
    """Takes off the paper, with its shadows and its grain; the ground becomes black.

    The paper is what is left of a small copy when all that is narrower than a wide stroke has been
    worn off. A clean black ground changes nothing.

    Attributes:
        grain: the strongest that a paper can have; more is ink, in a drawing without margins.
    """

    title: ClassVar[str] = "even paper"
    grain: int = later(255)

    def __post_init__(self) -> None:
        check_size(self, grain=self.grain)

    def __call__(self, X: Pixels) -> Pixels:
        ink = np.maximum(X.astype(np.int16) - self._paper(X), 0)
        low, middle = np.percentile(ink, (16, 50))  # most of a drawing is paper
        grain = min(middle + 3 * (middle - low), self.grain)
        return np.maximum(ink - int(grain), 0).astype(np.uint8)

    @staticmethod
    def _paper(X: Pixels) -> NDArray[np.int16]:
        """Return the lightness of the paper at each pixel, (H, W, 1)."""
        H, W, _ = X.shape
        small = resized(X, *fitted(X, _WINDOW, _WINDOW)) if max(H, W) > _WINDOW else X
        worn = 255 - _darkest(255 - _darkest(small[:, :, 0]))
        smooth = Image.fromarray(worn).filter(ImageFilter.GaussianBlur(_WIDEST / 3))
        return resized(np.asarray(smooth, np.uint8)[:, :, None], H, W).astype(np.int16)


def _darkest(X: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the darkest pixel in the square of `_WIDEST` pixels around each, (H, W)."""
    for _ in range(2):  # along columns, then along rows
        side = np.full((_WIDEST // 2, X.shape[1]), 255, np.uint8)
        X = np.concatenate([side, X, side])
        reach = 1  # each pixel holds the darkest of so many
        while reach < _WIDEST:
            step = min(reach, _WIDEST - reach)
            X = np.minimum(X[:-step], X[step:])
            reach += step
        X = X.T
    return X
