"""Choose a preprocessing from a sample of the images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.decode import decode, without_warnings
from handgrad.errors import DataError
from handgrad.preprocess import Preprocessing, light, plain
from handgrad.preprocess.pixels import Background

SAMPLE = 64  # the number of images that are inspected
LARGEST = 64  # the largest side that is kept, in pixels
GREY_SIDE, COLOUR_SIDE = 28, 32  # the side of the result for larger or mixed sizes

_MIN_TINT = 16  # of 255: pixels whose channels differ by less are grey
_MIN_COLOURED = 0.01  # the fraction of coloured pixels that makes an image a colour image
_DARK = 32  # of 255


def default_preprocessing(paths: Sequence[Path], side: int | None = None) -> Preprocessing:
    """Return a "plain" preprocessing whose channels, size and background suit the files.

    Colour images keep their colours. If all images have the same size and no side is longer than 64
    pixels, this size is kept; otherwise the images are resized to 28x28 if they are grey, or to
    32x32 if they are in colour. The background behind transparent pixels is white for dark images
    and black for light images.

    Args:
        paths: the image files. A sample of them is decoded.
        side: the height and width to which images are resized, or None to choose the size as
            described above.
    """
    sample = paths[:: max(1, len(paths) // SAMPLE)][:SAMPLE]
    facts = list(filter(None, map(_Facts.of_file, sample)))
    colour = any(image.colour for image in facts)
    sizes = {image.size for image in facts}
    one_size = len(sizes) == 1 and max(*sizes, (0, 0)) <= (LARGEST, LARGEST)
    usual = COLOUR_SIDE if colour else GREY_SIDE
    H, W = (side, side) if side else (sizes.pop() if one_size else (usual, usual))
    return plain((3 if colour else 1, H, W), background=_background(facts))


def preprocessing_for_arrays(images: NDArray[Any]) -> Preprocessing | None:
    """Return the preprocessing that converts an image file to the form of these arrays.

    Args:
        images: the images, (N, C, H, W) uint8 with 1 or 3 channels. For images of any other kind,
            the result is None.
    """
    _, C, H, W = images.shape
    if images.dtype != np.uint8 or C not in (1, 3):
        return None
    sample = images[:: max(1, len(images) // SAMPLE)]
    corners = sample[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    dark = float(np.median(corners)) < _DARK
    return light((C, H, W)) if C == 1 and dark else plain((C, H, W))


class _Facts:
    """The size, colour, transparency and mean lightness of one image."""

    def __init__(self, X: NDArray[np.uint8]) -> None:
        self.size = X.shape[:2]
        pixels = X.reshape(*self.size, -1).astype(np.int16)
        has_alpha = pixels.shape[2] in (2, 4)
        alpha = pixels[:, :, -1] if has_alpha else np.full(self.size, 255, np.int16)
        pixels = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1]
        visible = alpha > 0
        tint = (pixels.max(axis=2) - pixels.min(axis=2))[visible]
        self.colour = tint.size > 0 and (tint > _MIN_TINT).mean() > _MIN_COLOURED
        self.transparent = bool((alpha < 255).any())
        self.lightness = float(pixels[visible].mean()) if tint.size else 0.0

    @classmethod
    def of_file(cls, path: Path) -> _Facts | None:
        """Return the facts about an image file, or None if it cannot be read."""
        try:
            with without_warnings():
                return cls(decode(path))
        except DataError:
            return None


def _background(facts: Sequence[_Facts]) -> Background:
    """Return the background colour that contrasts with the transparent images."""
    lightness = [image.lightness for image in facts if image.transparent]
    if not lightness:
        return "contrast"
    return "white" if np.mean(lightness) < 128 else "black"
