"""Fifteen random, seeded corruptions of images, for measuring robustness.

Each function takes and returns images (N, C, H, W) of dtype uint8. The strength of each corruption
is fixed, so that networks can be compared. Lengths are fractions of the image's side length.
Lightness ranges from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.random import generator

Images = NDArray[np.uint8]
Corruption = Callable[[Images, np.random.Generator], Images]

_BATCH = 500


def corrupt(images: Images, name: str, seed: int = 0) -> Images:
    """Return corrupted copies of images. The same seed gives the same copies.

    Args:
        images: the images, (N, C, H, W) uint8.
        name: a key of `CORRUPTIONS`.
        seed: the seed of the random choices.
    """
    corruption, number = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    parts = [
        corruption(images[at : at + _BATCH], generator(seed, "augment", number, at))
        for at in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


def _noise(X: Images, rng: np.random.Generator) -> Images:
    """Add Gaussian noise with a standard deviation of 38."""
    return _clipped(X + rng.normal(0, 38, X.shape))


def _specks(X: Images, rng: np.random.Generator) -> Images:
    """Make 5% of the pixels black and 5% of them white (salt-and-pepper noise)."""
    u = rng.random(X[:, :1].shape)
    return np.where(u < 0.05, 0, np.where(u > 0.95, 255, X)).astype(np.uint8)


def _blur(X: Images, rng: np.random.Generator) -> Images:
    """Blur twice with the kernel (1, 2, 1), horizontally and vertically."""
    A = X.astype(np.float32)
    for axis in (2, 3, 2, 3):
        A = (_shifted(A, -1, axis) + 2 * A + _shifted(A, 1, axis)) / 4
    return _clipped(A)


def _pixelated(X: Images, rng: np.random.Generator) -> Images:
    """Replace each 2x2 block with its mean."""
    _, _, H, W = X.shape
    rows, columns = np.arange(H) // 2 * 2, np.arange(W) // 2 * 2
    A = X.astype(np.float32)
    down, right = np.minimum(rows + 1, H - 1), np.minimum(columns + 1, W - 1)
    above, below = A[:, :, rows], A[:, :, down]
    return _clipped((above + below)[..., columns] / 4 + (above + below)[..., right] / 4)


def _shift(X: Images, rng: np.random.Generator) -> Images:
    """Shift vertically and horizontally by up to one seventh of the side length."""
    return _warped(X, _rotations(0 * rng.random(len(X))), rng.uniform(-1 / 7, 1 / 7, (len(X), 2)))


def _rotated(X: Images, rng: np.random.Generator) -> Images:
    """Rotate by 10 to 25 degrees, clockwise or counterclockwise."""
    return _warped(X, _rotations(np.deg2rad(rng.uniform(10, 25, len(X)) * _signs(X, rng))))


def _larger(X: Images, rng: np.random.Generator) -> Images:
    """Enlarge by a factor between 1.15 and 1.3."""
    return _warped(X, np.eye(2) / rng.uniform(1.15, 1.3, (len(X), 1, 1)))


def _smaller(X: Images, rng: np.random.Generator) -> Images:
    """Shrink by a factor between 0.65 and 0.85."""
    return _warped(X, np.eye(2) / rng.uniform(0.65, 0.85, (len(X), 1, 1)))


def _sheared(X: Images, rng: np.random.Generator) -> Images:
    """Shear by 0.2 to 0.4 of the height, to the left or right."""
    M = np.tile(np.eye(2), (len(X), 1, 1))
    M[:, 1, 0] = rng.uniform(0.2, 0.4, len(X)) * _signs(X, rng)
    return _warped(X, M)


def _thicker(X: Images, rng: np.random.Generator) -> Images:
    """Dilate light strokes by one pixel."""
    neighbours = [_shifted(X, by, axis) for axis in (2, 3) for by in (-1, 1)]
    return np.maximum.reduce([X, *neighbours])


def _thinner(X: Images, rng: np.random.Generator) -> Images:
    """Erode light strokes by half a pixel on each side."""
    neighbours = [_shifted(X, by, axis) for axis in (2, 3) for by in (-1, 1)]
    least = np.minimum.reduce([X, *neighbours]).astype(np.float32)
    return _clipped((least + X) / 2)


def _occluded(X: Images, rng: np.random.Generator) -> Images:
    """Cover part of the image with a grey square of three tenths of the side length."""
    N, _, H, W = X.shape
    side = max(1, round(0.3 * min(H, W)))
    top, left = rng.integers(0, H - side + 1, N), rng.integers(0, W - side + 1, N)
    rows, columns = np.arange(H) - top[:, None], np.arange(W) - left[:, None]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[
        :, None
    ]
    return np.where(inside[:, None], 128, X).astype(np.uint8)


def _paler(X: Images, rng: np.random.Generator) -> Images:
    """Multiply each pixel's difference from the mean of its image by 0.3 to 0.5."""
    mean = X.mean(axis=(1, 2, 3), keepdims=True)
    return _clipped(mean + (X - mean) * rng.uniform(0.3, 0.5, mean.shape))


def _brighter(X: Images, rng: np.random.Generator) -> Images:
    """Increase the lightness by between 50 and 100."""
    return _clipped(X + rng.uniform(50, 100, (len(X), 1, 1, 1)))


def _inverted(X: Images, rng: np.random.Generator) -> Images:
    """Swap light and dark."""
    return 255 - X


CORRUPTIONS: dict[str, Corruption] = {
    "noise": _noise,
    "specks": _specks,
    "blur": _blur,
    "pixelated": _pixelated,
    "shift": _shift,
    "rotated": _rotated,
    "larger": _larger,
    "smaller": _smaller,
    "sheared": _sheared,
    "thicker": _thicker,
    "thinner": _thinner,
    "occluded": _occluded,
    "paler": _paler,
    "brighter": _brighter,
    "inverted": _inverted,
}


def _warped(
    X: Images, matrices: NDArray[np.float64], shifts: NDArray[np.float64] | None = None
) -> Images:
    """Transform images linearly around their centre, with edge pixels repeated as padding.

    Args:
        X: the images, (N, C, H, W).
        matrices: the linear maps from positions (y, x) in the new image to positions in the old
            image, (N, 2, 2).
        shifts: the offsets added to positions in the old image, as fractions of the side length,
            (N, 2).
    """
    N, _, H, W = X.shape
    positions = np.mgrid[0:H, 0:W].reshape(2, -1) - [[(H - 1) / 2], [(W - 1) / 2]]
    old = matrices @ positions + [[(H - 1) / 2], [(W - 1) / 2]]  # (N, 2, H W)
    if shifts is not None:
        old = old + (shifts * [H, W])[:, :, None]
    y, x = old[:, 0].clip(0, H - 1), old[:, 1].clip(0, W - 1)
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = (y - top)[:, None], (x - left)[:, None]
    under, neighbours = np.minimum(top + 1, H - 1), np.minimum(left + 1, W - 1)
    n = np.arange(N)[:, None]

    def at(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
        return X[n, :, rows, columns].transpose(0, 2, 1)  # (N, C, H W)

    upper = at(top, left) * (1 - right) + at(top, neighbours) * right
    lower = at(under, left) * (1 - right) + at(under, neighbours) * right
    return _clipped(upper * (1 - down) + lower * down).reshape(X.shape)


def _rotations(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rotation matrices, (N, 2, 2)."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)


def _shifted(A: NDArray[Any], by: int, axis: int) -> NDArray[Any]:
    """Shift images by a few pixels, with edge pixels repeated as padding."""
    indices = np.arange(A.shape[axis]) - by
    return A.take(indices.clip(0, A.shape[axis] - 1), axis)


def _signs(X: Images, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random sign, 1 or -1, for each image, (N,)."""
    return rng.choice([-1.0, 1.0], len(X))


def _clipped(A: NDArray[Any]) -> Images:
    """Round values, and clip them to 0..255."""
    return np.rint(A).clip(0, 255).astype(np.uint8)
