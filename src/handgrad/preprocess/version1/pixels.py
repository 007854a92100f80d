"""Functions used by the steps of version 1: resizing and the edge colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handgrad.preprocess.pixels import Pixels


def resized(X: Pixels, height: int, width: int) -> Pixels:
    """Resize an image, with a box filter if neither side grows, or else bilinearly."""
    H, W, C = X.shape
    if (height, width) == (H, W):
        return X
    shrinks = height <= H and width <= W
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    planes = X[:, :, 0] if C == 1 else X
    result = Image.fromarray(planes).resize((width, height), method)
    return np.asarray(result, np.uint8).reshape(height, width, C)


def edge_colour(X: Pixels) -> NDArray[np.uint8]:
    """Return the median colour of the pixels along the four edges, (C,)."""
    edges = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return np.median(edges, axis=0).astype(np.uint8)
