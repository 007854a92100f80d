"""Fifteen ways in which images are damaged on their way to a network, at random but seeded.

Images (N, C, H, W) uint8 come in and go out. How much is done is fixed, so that two networks can
be compared; lengths are shares of the side, lightness is of 255.
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
    """Return damaged copies of images, always the same for the same seed.

    Args:
        images: (N, C, H, W) uint8.
        name: which of `CORRUPTIONS`.
        seed: decides what is at random.
    """
    damage, number = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    parts = [
        damage(images[at : at + _BATCH], generator(seed, "augment", number, at))
        for at in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


def _noise(X: Images, rng: np.random.Generator) -> Images:
    """Add normal noise of 38."""
    return _clipped(X + rng.normal(0, 38, X.shape))


def _specks(X: Images, rng: np.random.Generator) -> Images:
    """Make one pixel of 20 black, one of 20 white."""
    drawn = rng.random(X[:, :1].shape)
    return np.where(drawn < 0.05, 0, np.where(drawn > 0.95, 255, X)).astype(np.uint8)


def _blur(X: Images, rng: np.random.Generator) -> Images:
    """Average each pixel twice with those beside it, weighed 1 2 1."""
    A = X.astype(np.float32)
    for axis in (2, 3, 2, 3):
        A = (_moved(A, -1, axis) + 2 * A + _moved(A, 1, axis)) / 4
    return _clipped(A)


def _pixelated(X: Images, rng: np.random.Generator) -> Images:
    """Give each square of four pixels their mean."""
    _, _, H, W = X.shape
    rows, columns = np.arange(H) // 2 * 2, np.arange(W) // 2 * 2
    A = X.astype(np.float32)
    down, right = np.minimum(rows + 1, H - 1), np.minimum(columns + 1, W - 1)
    above, below = A[:, :, rows], A[:, :, down]
    return _clipped((above + below)[..., columns] / 4 + (above + below)[..., right] / 4)


def _shift(X: Images, rng: np.random.Generator) -> Images:
    """Move by up to a seventh of the side, in both directions."""
    return _warped(X, _turned(0 * rng.random(len(X))), rng.uniform(-1 / 7, 1 / 7, (len(X), 2)))


def _rotated(X: Images, rng: np.random.Generator) -> Images:
    """Turn by 10 to 25 degrees, either way."""
    return _warped(X, _turned(np.deg2rad(rng.uniform(10, 25, len(X)) * _signs(X, rng))))


def _larger(X: Images, rng: np.random.Generator) -> Images:
    """Enlarge to 115 to 130 %."""
    return _warped(X, np.eye(2) / rng.uniform(1.15, 1.3, (len(X), 1, 1)))


def _smaller(X: Images, rng: np.random.Generator) -> Images:
    """Shrink to 65 to 85 %."""
    return _warped(X, np.eye(2) / rng.uniform(0.65, 0.85, (len(X), 1, 1)))


def _sheared(X: Images, rng: np.random.Generator) -> Images:
    """Slant by 0.2 to 0.4 of the height, either way."""
    M = np.tile(np.eye(2), (len(X), 1, 1))
    M[:, 1, 0] = rng.uniform(0.2, 0.4, len(X)) * _signs(X, rng)
    return _warped(X, M)


def _thicker(X: Images, rng: np.random.Generator) -> Images:
    """Make what is light a pixel wider."""
    beside = [_moved(X, by, axis) for axis in (2, 3) for by in (-1, 1)]
    return np.maximum.reduce([X, *beside])


def _thinner(X: Images, rng: np.random.Generator) -> Images:
    """Make what is light narrower: halfway to a pixel less on each side."""
    beside = [_moved(X, by, axis) for axis in (2, 3) for by in (-1, 1)]
    least = np.minimum.reduce([X, *beside]).astype(np.float32)
    return _clipped((least + X) / 2)


def _occluded(X: Images, rng: np.random.Generator) -> Images:
    """Cover a square of three tenths of the side with grey."""
    N, _, H, W = X.shape
    side = max(1, round(0.3 * min(H, W)))
    top, left = rng.integers(0, H - side + 1, N), rng.integers(0, W - side + 1, N)
    rows, columns = np.arange(H) - top[:, None], np.arange(W) - left[:, None]
    inside = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[
        :, None
    ]
    return np.where(inside[:, None], 128, X).astype(np.uint8)


def _paler(X: Images, rng: np.random.Generator) -> Images:
    """Bring the contrast down to 30 to 50 %, around each image's mean."""
    mean = X.mean(axis=(1, 2, 3), keepdims=True)
    return _clipped(mean + (X - mean) * rng.uniform(0.3, 0.5, mean.shape))


def _brighter(X: Images, rng: np.random.Generator) -> Images:
    """Make lighter by 50 to 100."""
    return _clipped(X + rng.uniform(50, 100, (len(X), 1, 1, 1)))


def _inverted(X: Images, rng: np.random.Generator) -> Images:
    """Make light what is dark."""
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
    """Return images seen through a matrix each, around their middle; edges go on outside.

    Args:
        X: (N, C, H, W).
        matrices: from a place (y, x) in the new image to that in the old, (N, 2, 2).
        shifts: what is added to the place in the old, in shares of the side, (N, 2).
    """
    N, _, H, W = X.shape
    places = np.mgrid[0:H, 0:W].reshape(2, -1) - [[(H - 1) / 2], [(W - 1) / 2]]
    old = matrices @ places + [[(H - 1) / 2], [(W - 1) / 2]]  # (N, 2, H W)
    if shifts is not None:
        old = old + (shifts * [H, W])[:, :, None]
    y, x = old[:, 0].clip(0, H - 1), old[:, 1].clip(0, W - 1)
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = (y - top)[:, None], (x - left)[:, None]
    under, beside = np.minimum(top + 1, H - 1), np.minimum(left + 1, W - 1)
    n = np.arange(N)[:, None]

    def at(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
        return X[n, :, rows, columns].transpose(0, 2, 1)  # (N, C, H W)

    upper = at(top, left) * (1 - right) + at(top, beside) * right
    lower = at(under, left) * (1 - right) + at(under, beside) * right
    return _clipped(upper * (1 - down) + lower * down).reshape(X.shape)


def _turned(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices of rotations, (N, 2, 2)."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)


def _moved(A: NDArray[Any], by: int, axis: int) -> NDArray[Any]:
    """Return images moved by one pixel, the edge repeated."""
    places = np.arange(A.shape[axis]) - by
    return A.take(places.clip(0, A.shape[axis] - 1), axis)


def _signs(X: Images, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return 1 or -1 for each image, (N,)."""
    return rng.choice([-1.0, 1.0], len(X))


def _clipped(A: NDArray[Any]) -> Images:
    """Return numbers as lightness."""
    return np.rint(A).clip(0, 255).astype(np.uint8)
