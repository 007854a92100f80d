"""What images are like, by a look at some of them, and the preprocessing that suits them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.decode import decode, undisturbed
from handgrad.errors import DataError
from handgrad.preprocess import Preprocessing, light, plain
from handgrad.preprocess.pixels import Ground

MOST_LOOKS = 64
LARGEST = 64  # pixels on a side that a network is given without being asked
SIDE, SIDE_IN_COLOUR = 28, 32  # of what becomes of larger images, or such of several sizes

_TINT = 16  # of 255: what differs less between red, green and blue is grey
_FEW = 0.01  # of the pixels
_DARK = 32  # of 255


def suited(paths: Sequence[Path], side: int | None = None) -> Preprocessing:
    """Return the plain preprocessing that suits image files.

    Colours stay if there are any. Images of one size, of at most 64 pixels, keep it; others
    become 28x28, or 32x32 in colour. Under transparent images of dark things lies white, under
    those of light things black.

    Args:
        paths: the files; some are looked at.
        side: the height and width to bring them to; None: as said.
    """
    some = paths[:: max(1, len(paths) // MOST_LOOKS)][:MOST_LOOKS]
    looks = list(filter(None, map(_Look.at, some)))
    colours = any(look.colours for look in looks)
    sizes = {look.size for look in looks}
    one_size = len(sizes) == 1 and max(*sizes, (0, 0)) <= (LARGEST, LARGEST)
    usual = SIDE_IN_COLOUR if colours else SIDE
    H, W = (side, side) if side else (sizes.pop() if one_size else (usual, usual))
    return plain((3 if colours else 1, H, W), ground=_ground(looks))


def suited_to_arrays(images: NDArray[Any]) -> Preprocessing | None:
    """Return the preprocessing that brings image files to the form of these images.

    Args:
        images: (N, C, H, W) uint8; None is returned for others.
    """
    _, C, H, W = images.shape
    if images.dtype != np.uint8 or C not in (1, 3):
        return None
    some = images[:: max(1, len(images) // MOST_LOOKS)]
    corners = some[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    dark = float(np.median(corners)) < _DARK
    return light((C, H, W)) if C == 1 and dark else plain((C, H, W))


class _Look:
    """What one image is like."""

    def __init__(self, X: NDArray[np.uint8]) -> None:
        self.size = X.shape[:2]
        ink = X.reshape(*self.size, -1).astype(np.int16)
        opacity = ink[:, :, -1] if ink.shape[2] in (2, 4) else np.full(self.size, 255, np.int16)
        ink = ink[:, :, :3] if ink.shape[2] >= 3 else ink[:, :, :1]
        seen = opacity > 0
        tint = (ink.max(axis=2) - ink.min(axis=2))[seen]
        self.colours = tint.size > 0 and (tint > _TINT).mean() > _FEW
        self.transparent = bool((opacity < 255).any())
        self.lightness = float(ink[seen].mean()) if tint.size else 0.0

    @classmethod
    def at(cls, path: Path) -> _Look | None:
        """Look at a file; None: it cannot be read."""
        try:
            with undisturbed():
                return cls(decode(path))
        except DataError:
            return None


def _ground(looks: Sequence[_Look]) -> Ground:
    """Return what lies best under all images."""
    lightness = [look.lightness for look in looks if look.transparent]
    if not lightness:
        return "contrast"
    return "white" if np.mean(lightness) < 128 else "black"
