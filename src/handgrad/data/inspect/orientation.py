"""Detects transposed digits, whose rows and columns are exchanged, as in EMNIST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.inspect.image_facts import THUMB, ImageFacts
from handgrad.data.inspect.issue import Issue
from handgrad.data.named.digits import load_digits
from handgrad.preprocess.resize import resized

MIN_IMAGES = 50
# The mean correlation of the classes' mean images with those of scikit-learn's digits: MNIST has
# 0.70 upright and 0.39 transposed, Fashion-MNIST 0.55 and 0.43.
MIN_CORRELATION, MIN_DIFFERENCE = 0.62, 0.15
_DIGITS = (set(map(str, range(10))), set(map(str, range(1, 11))))
_MARGINS = (0, 1, 2)  # pixels of a thumbnail around a digit


def find_transposed(readable: Sequence[ImageFacts]) -> Iterator[Issue]:
    """Yield an issue if the classes are 0 to 9 and the images look like transposed digits.

    The classes may be 1 to 10, where 10 stands for 0, as in MATLAB.
    """
    pairs = [(str(image.label), image) for image in readable if image.thumb is not None]
    known = {label for label, _ in pairs}
    if len(pairs) < MIN_IMAGES or known not in _DIGITS:
        return
    labels = np.array([int(label) % 10 for label, _ in pairs])
    thumbs = np.stack([_ink(image) for _, image in pairs])
    own = _class_means(thumbs, labels)
    digits, _ = load_digits()
    means = _class_means(digits.images[:, 0].astype(np.float64), digits.labels)
    templates = [_framed(means, margin) for margin in _MARGINS]
    upright = max(_correlation(own, T) for T in templates)
    transposed = max(_correlation(own, T.swapaxes(1, 2)) for T in templates)
    if transposed >= MIN_CORRELATION and transposed - upright >= MIN_DIFFERENCE:
        yield Issue(
            "transposed",
            "warning",
            "the digits look transposed: rows and columns are exchanged, as in EMNIST "
            f"(correlation with digits {transposed:.2f} transposed, {upright:.2f} as they are)",
            "exchange the two axes, such as X.swapaxes(1, 2) for (N, H, W); EMNIST's own files "
            "emnist-*-ubyte are turned upright automatically",
        )


def _ink(image: ImageFacts) -> NDArray[np.float64]:
    """Return the thumbnail of an image as light ink on a dark background."""
    thumb = np.asarray(image.thumb, np.float64)
    return 255 - thumb if image.background > 127 else thumb


def _class_means(X: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean image of each class, (10, H, W)."""
    return np.stack([X[labels == k].mean(axis=0) for k in range(10)])


def _framed(means: NDArray[np.float64], margin: int) -> NDArray[np.float64]:
    """Return images resized to thumbnails with a margin, (10, THUMB, THUMB)."""
    side = THUMB - 2 * margin
    small = [resized(np.rint(X)[:, :, None].astype(np.uint8), side, side)[:, :, 0] for X in means]
    return np.pad(np.stack(small).astype(np.float64), ((0, 0), (margin, margin), (margin, margin)))


def _correlation(A: NDArray[np.float64], B: NDArray[np.float64]) -> float:
    """Return the mean over the classes of the correlation between the pixels of two images."""
    a, b = (X.reshape(10, -1) - X.reshape(10, -1).mean(axis=1, keepdims=True) for X in (A, B))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / np.where(norms > 0, norms, 1)).mean())
