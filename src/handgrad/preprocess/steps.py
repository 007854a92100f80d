"""Steps for any image: transparency, colour, size.

A step takes an image (H, W, C) uint8, C being 1 for grey, 3 for red, green and blue, with one more
where there is transparency, and returns one. It changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.pixels import (
    Ground,
    Pixels,
    check_size,
    check_word,
    edge_colour,
    resized,
)

_UNEVEN = 4  # from this factor on blocks may differ by a pixel, as in 8 pixels made 100


@dataclass(frozen=True)
class OnGround:
    """Lays what is transparent on a ground.

    Attributes:
        ground: "white"; "black"; "contrast": black under light ink and white under dark, as each
            image needs it to be seen.
    """

    title: ClassVar[str] = "on its ground"
    ground: Ground = "contrast"

    def __post_init__(self) -> None:
        check_word(self, "ground", self.ground, ("white", "black", "contrast"))

    def __call__(self, X: Pixels) -> Pixels:
        if X.shape[2] not in (2, 4):
            return X
        ink, alpha = X[:, :, :-1].astype(np.uint16), X[:, :, -1:].astype(np.uint16)
        below = 255 if self.ground == "white" or (self._is_dark(ink, alpha)) else 0
        return ((ink * alpha + below * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _is_dark(self, ink: np.ndarray, alpha: np.ndarray) -> bool:
        """Say whether a ground for contrast must be white."""
        if self.ground != "contrast":
            return False
        seen = int(alpha.sum()) * ink.shape[2]
        return int((ink * alpha.astype(np.int64)).sum()) <= 127.5 * seen


@dataclass(frozen=True)
class Grey:
    """Turns colours into grey, as ITU-R 601-2 weighs them."""

    title: ClassVar[str] = "grey"

    def __call__(self, X: Pixels) -> Pixels:
        if X.shape[2] == 1:
            return X
        red, green, blue = (X[:, :, k].astype(np.uint32) for k in range(3))
        luma = red * 19595 + green * 38470 + blue * 7471 + (1 << 15)
        return (luma >> 16).astype(np.uint8)[:, :, None]


@dataclass(frozen=True)
class Colours:
    """Gives a grey image three channels, red, green and blue."""

    title: ClassVar[str] = "colours"

    def __call__(self, X: Pixels) -> Pixels:
        return X if X.shape[2] == 3 else np.repeat(X, 3, axis=2)


@dataclass(frozen=True)
class Invert:
    """Makes light what is dark, and dark what is light."""

    title: ClassVar[str] = "inverted"

    def __call__(self, X: Pixels) -> Pixels:
        return 255 - X


@dataclass(frozen=True)
class OwnSize:
    """Takes back an enlargement that only repeated pixels: each block becomes one pixel again."""

    title: ClassVar[str] = "own size"

    def __call__(self, X: Pixels) -> Pixels:
        rows, columns = _runs(X), _runs(X.transpose(1, 0, 2))
        inner = np.concatenate([rows[1:-1], columns[1:-1]])  # margins are of any size
        if inner.size == 0 or inner.min() == 1:
            return X
        factor = float(inner.min())
        for _ in range(2):
            factor = inner.sum() / np.rint(inner / factor).sum()
        uneven = 1 if factor >= _UNEVEN else 0
        if (abs(inner - factor * np.rint(inner / factor)) > uneven).any():
            return X
        return X[_one_of_each(rows, factor)][:, _one_of_each(columns, factor)]


@dataclass(frozen=True)
class Denoise:
    """Makes one pixel of each block of them where an image is grainy, as photographs are.

    An image is grainy if most pixels differ from their neighbours; a drawing is not.

    Attributes:
        side: pixels that the longer side keeps at least, and less than twice as many.
    """

    title: ClassVar[str] = "denoised"
    side: int

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        H, W, _ = X.shape
        by = min(max(H, W) // self.side, H, W)
        if by < 2 or (X[:, 1:] == X[:, :-1]).mean() > 0.5:
            return X
        return resized(X[: H // by * by, : W // by * by], H // by, W // by)


@dataclass(frozen=True)
class Shrink:
    """Brings a large image down to `side` pixels on its longer side, for later steps' sake."""

    title: ClassVar[str] = "shrunk"
    side: int

    def __post_init__(self) -> None:
        check_size(self, side=self.side)

    def __call__(self, X: Pixels) -> Pixels:
        height, width = fitted(X, self.side, self.side)
        return X if height >= X.shape[0] and width >= X.shape[1] else resized(X, height, width)


@dataclass(frozen=True)
class Resize:
    """Brings an image to one size.

    Attributes:
        height: pixels from top to bottom.
        width: pixels from left to right.
        keep: whether it keeps its proportions, and the colour at its edges fills the rest; or is
            stretched.
    """

    title: ClassVar[str] = "resized"
    height: int
    width: int
    keep: bool = True

    def __post_init__(self) -> None:
        check_size(self, height=self.height, width=self.width)
        check_word(self, "keep", self.keep, (True, False))

    def __call__(self, X: Pixels) -> Pixels:
        if not self.keep:
            return resized(X, self.height, self.width)
        inner = resized(X, *fitted(X, self.height, self.width))
        height, width, C = inner.shape
        if (height, width) == (self.height, self.width):
            return inner
        whole = np.empty((self.height, self.width, C), np.uint8)
        whole[:] = edge_colour(X)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        whole[top : top + height, left : left + width] = inner
        return whole


def fitted(X: Pixels, height: int, width: int) -> tuple[int, int]:
    """Return the largest size of an image's proportions inside another."""
    H, W, _ = X.shape
    scale = min(height / H, width / W)
    return max(1, round(H * scale)), max(1, round(W * scale))


def _runs(X: Pixels) -> NDArray[np.int64]:
    """Return how many rows are alike, one number for each run of such rows from top to bottom."""
    changes = np.flatnonzero((X[1:] != X[:-1]).any(axis=(1, 2))) + 1
    return np.diff(changes, prepend=0, append=len(X))


def _one_of_each(runs: NDArray[np.int64], factor: float) -> NDArray[np.int64]:
    """Return the places of rows such that each block of `factor` rows keeps one."""
    blocks = np.maximum(1, np.rint(runs / factor)).astype(np.int64)
    return np.repeat(np.cumsum(runs) - 1, blocks)
