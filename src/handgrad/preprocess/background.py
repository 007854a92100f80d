"""The step that removes the paper from a drawing or from a photograph of a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import Pixels, added_later, check_size, fitted, percentile
from handgrad.preprocess.resize import resized, smoothed

_SIDE = 64  # pixels on the longer side of the copy from which the background is estimated
_MAX_STROKE = 15  # the largest width of a stroke in this copy, in pixels
_RADIUS = 12  # of the filter that smooths the background, in pixels of this copy


@dataclass(frozen=True)
class SubtractBackground:
    """Subtracts the paper, including shadows and noise, so that the background becomes black.

    The background is estimated by a morphological opening: a small copy of the image is eroded
    and dilated by more than the width of a stroke. An image whose background is already black is
    left unchanged.

    Attributes:
        max_noise: the largest amplitude of noise. Stronger variation is treated as ink, which is
            important for drawings without margins.
    """

    title: ClassVar[str] = "background subtracted"
    max_noise: int = added_later(255)

    def __post_init__(self) -> None:
        check_size(self, max_noise=self.max_noise)

    def __call__(self, X: Pixels) -> Pixels:
        background = self._background(X)
        ink = X - np.minimum(X, background)
        low, middle = percentile(ink, 16), percentile(ink, 50)  # most pixels of a drawing are paper
        noise = min(middle + 3 * (middle - low), self.max_noise)
        return ink - np.minimum(ink, noise).astype(np.uint8)

    @staticmethod
    def _background(X: Pixels) -> Pixels:
        """Return the lightness of the background at each pixel, (H, W, 1)."""
        H, W, _ = X.shape
        small = resized(X, *fitted(X, _SIDE, _SIDE)) if max(H, W) > _SIDE else X
        eroded = _eroded(small[:, :, 0])
        if not eroded.any():  # so that the dilated image is black as well
            return np.zeros_like(X)
        opened = 255 - _eroded(255 - eroded)
        return resized(smoothed(opened[:, :, None], _RADIUS), H, W)


def _eroded(X: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the minimum over the square of `_MAX_STROKE` pixels around each pixel, (H, W).

    Pixels outside the image are ignored.
    """
    for _ in range(2):  # along columns, then along rows
        padding = np.full((_MAX_STROKE // 2, X.shape[1]), 255, np.uint8)
        X = np.concatenate([padding, X, padding])
        length = 1  # each pixel holds the minimum over so many pixels
        while length < _MAX_STROKE:
            step = min(length, _MAX_STROKE - length)
            X = np.minimum(X[:-step], X[step:])
            length += step
        X = X.T
    return X
