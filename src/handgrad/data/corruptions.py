"""Fifteen random, seeded corruptions of images in five strengths, for measuring robustness.

Each function takes and returns images (N, C, H, W) of dtype uint8. The strengths of each corruption
are fixed, so that networks can be compared. Lengths are fractions of the image's side length.
Lightness ranges from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import ConfigError, did_you_mean
from handgrad.random import generator

Images = NDArray[np.uint8]

_BATCH = 500


class Corruption(NamedTuple):
    """One kind of corruption.

    Attributes:
        function: takes images, a random generator and one of the settings; returns the images.
        settings: the setting of each strength, from the weakest to the strongest.
        standard: the strength that `robustness` uses, 1 to 5.
    """

    function: Callable[[Images, np.random.Generator, Any], Images]
    settings: tuple[Any, Any, Any, Any, Any]
    standard: int = 3


def corrupt(images: Images, name: str, seed: int = 0, strength: int | None = None) -> Images:
    """Return corrupted copies of images. The same seed gives the same copies.

    Args:
        images: the images, (N, C, H, W) uint8.
        name: a key of `CORRUPTIONS`.
        seed: the seed of the random choices.
        strength: 1 (weak) to 5 (strong), or None for the standard strength of this corruption.

    Raises:
        ConfigError: if there is no such corruption or strength.
    """
    if name not in CORRUPTIONS:
        raise ConfigError(
            f"there is no corruption {name!r}{did_you_mean(name, CORRUPTIONS)}; the corruptions "
            f"are {', '.join(CORRUPTIONS)}"
        )
    corruption, number = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    if strength is None:
        strength = corruption.standard
    if strength not in STRENGTHS:
        raise ConfigError(f"strength must be 1, 2, 3, 4 or 5, not {strength}")
    setting = corruption.settings[strength - 1]
    parts = [
        corruption.function(
            images[at : at + _BATCH], generator(seed, "augment", number, at), setting
        )
        for at in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts) if parts else images.copy()


def _noise(X: Images, rng: np.random.Generator, deviation: float) -> Images:
    """Add Gaussian noise with a standard deviation."""
    return _clipped(X + rng.normal(0, deviation, X.shape))


def _specks(X: Images, rng: np.random.Generator, share: float) -> Images:
    """Make a share of the pixels black and an equal share white (salt-and-pepper noise)."""
    u = rng.random(X[:, :1].shape)
    return np.where(u < share, 0, np.where(u > 1 - share, 255, X)).astype(np.uint8)


def _blur(X: Images, rng: np.random.Generator, times: int) -> Images:
    """Blur several times with the kernel (1, 2, 1), horizontally and vertically."""
    A = X.astype(np.float32)
    for axis in (2, 3) * times:
        A = (_shifted(A, -1, axis) + 2 * A + _shifted(A, 1, axis)) / 4
    return _clipped(A)


def _pixelated(X: Images, rng: np.random.Generator, amount: tuple[int, float]) -> Images:
    """Mix each square block of pixels with its mean, given its side and the share of the mean."""
    side, share = amount
    _, _, H, W = X.shape
    rows, columns = np.arange(H) // side * side, np.arange(W) // side * side
    A = X.astype(np.float32)
    mean = np.zeros_like(A)
    for down in range(side):
        line = A[:, :, np.minimum(rows + down, H - 1)]
        for right in range(side):
            mean += line[..., np.minimum(columns + right, W - 1)] / side**2
    return _clipped(A + share * (mean - A))


def _shift(X: Images, rng: np.random.Generator, most: float) -> Images:
    """Shift vertically and horizontally by up to a fraction of the side length."""
    return _warped(X, _rotations(0 * rng.random(len(X))), rng.uniform(-most, most, (len(X), 2)))


def _rotated(X: Images, rng: np.random.Generator, degrees: tuple[float, float]) -> Images:
    """Rotate by an angle between two numbers of degrees, clockwise or counterclockwise."""
    return _warped(X, _rotations(np.deg2rad(rng.uniform(*degrees, len(X)) * _signs(X, rng))))


def _resized(X: Images, rng: np.random.Generator, factors: tuple[float, float]) -> Images:
    """Enlarge by a factor between two numbers; a factor below 1 shrinks."""
    return _warped(X, np.eye(2) / rng.uniform(*factors, (len(X), 1, 1)))


def _sheared(X: Images, rng: np.random.Generator, shares: tuple[float, float]) -> Images:
    """Shear by a share of the height between two numbers, to the left or right."""
    M = np.tile(np.eye(2), (len(X), 1, 1))
    M[:, 1, 0] = rng.uniform(*shares, len(X)) * _signs(X, rng)
    return _warped(X, M)


def _thicker(X: Images, rng: np.random.Generator, pixels: float) -> Images:
    """Dilate light strokes by a number of pixels."""
    return _grown(X, pixels, np.maximum)


def _thinner(X: Images, rng: np.random.Generator, pixels: float) -> Images:
    """Erode light strokes by a number of pixels on each side."""
    return _grown(X, pixels, np.minimum)


def _occluded(X: Images, rng: np.random.Generator, share: float) -> Images:
    """Cover part of the image with a grey square whose side is a share of the side length."""
    N, _, H, W = X.shape
    side = max(1, round(share * min(H, W)))
    top, left = rng.integers(0, H - side + 1, N), rng.integers(0, W - side + 1, N)
    rows, columns = np.arange(H) - top[:, None], np.arange(W) - left[:, None]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[
        :, None
    ]
    return np.where(inside[:, None], 128, X).astype(np.uint8)


def _paler(X: Images, rng: np.random.Generator, factors: tuple[float, float]) -> Images:
    """Multiply each pixel's difference from the mean of its image by a factor below 1."""
    mean = X.mean(axis=(1, 2, 3), keepdims=True)
    return _clipped(mean + (X - mean) * rng.uniform(*factors, mean.shape))


def _brighter(X: Images, rng: np.random.Generator, amounts: tuple[float, float]) -> Images:
    """Increase the lightness by an amount between two numbers."""
    return _clipped(X + rng.uniform(*amounts, (len(X), 1, 1, 1)))


def _inverted(X: Images, rng: np.random.Generator, share: float) -> Images:
    """Mix the image with its negative, in which light and dark are swapped."""
    return _clipped(X + share * (255.0 - 2.0 * X))


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption(_noise, (13, 25, 38, 60, 90)),
    "specks": Corruption(_specks, (0.015, 0.03, 0.05, 0.1, 0.17)),
    "blur": Corruption(_blur, (1, 2, 3, 5, 8), standard=2),
    "pixelated": Corruption(_pixelated, ((2, 0.5), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0)), 2),
    "shift": Corruption(_shift, (0.05, 0.1, 1 / 7, 0.2, 0.28)),
    "rotated": Corruption(_rotated, ((3, 8), (6, 16), (10, 25), (20, 40), (35, 60))),
    "larger": Corruption(_resized, ((1.05, 1.1), (1.1, 1.2), (1.15, 1.3), (1.3, 1.5), (1.5, 1.8))),
    "smaller": Corruption(
        _resized, ((0.85, 0.95), (0.75, 0.9), (0.65, 0.85), (0.5, 0.65), (0.35, 0.5))
    ),
    "sheared": Corruption(
        _sheared, ((0.05, 0.15), (0.1, 0.25), (0.2, 0.4), (0.4, 0.6), (0.6, 0.85))
    ),
    "thicker": Corruption(_thicker, (0.3, 0.6, 1, 1.5, 2)),
    "thinner": Corruption(_thinner, (0.2, 0.35, 0.5, 0.75, 1)),
    "occluded": Corruption(_occluded, (0.15, 0.22, 0.3, 0.4, 0.5)),
    "paler": Corruption(_paler, ((0.7, 0.85), (0.5, 0.7), (0.3, 0.5), (0.2, 0.3), (0.1, 0.2))),
    "brighter": Corruption(_brighter, ((10, 30), (30, 60), (50, 100), (90, 150), (140, 200))),
    "inverted": Corruption(_inverted, (0.2, 0.4, 0.6, 0.8, 1), standard=5),
}
STRENGTHS = range(1, 6)


def _grown(X: Images, pixels: float, extreme: np.ufunc) -> Images:
    """Replace pixels with the maximum or minimum of their neighbours, a number of pixels far."""
    A = X.astype(np.float32)
    while pixels > 0:
        neighbours = [_shifted(A, by, axis) for axis in (2, 3) for by in (-1, 1)]
        A = A + min(pixels, 1) * (extreme.reduce([A, *neighbours]) - A)
        pixels -= 1
    return _clipped(A)


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
