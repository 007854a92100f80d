"""Choose a preprocessing from a sample of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.decode import decode, without_warnings
from handgrad.errors import DataError
from handgrad.preprocess import (
    CompositeAlpha,
    Grayscale,
    Invert,
    Preprocessing,
    drawing,
    light,
    plain,
)
from handgrad.preprocess.pixels import Background
from handgrad.preprocess.problems import Ink, ink_of

SAMPLE = 64  # the number of images that are inspected
LARGEST = 64  # the largest side that is kept, in pixels
GREY_SIDE, COLOUR_SIDE = 28, 32  # the side of the result for larger or mixed sizes

_MIN_TINT = 16  # of 255: pixels whose channels differ by less are grey
_MIN_COLOURED = 0.01  # the fraction of coloured pixels that makes an image a colour image
_DARK = 32  # of 255
_MIN_PREPARED = 16  # pixels: smaller images are not prepared like those of MNIST


def default_preprocessing(paths: Sequence[Path], side: int | None = None) -> Preprocessing:
    """Return a "plain" preprocessing whose channels, size and background suit the files.

    Colour images keep their colours. If all images have the same size and no side is longer than 64
    pixels, this size is kept; otherwise the images are resized to 28x28 if they are grey, or to
    32x32 if they are in colour. The background behind transparent pixels is white for dark images
    and black for light images.

    If the images were prepared like MNIST, the result is the "drawing" preprocessing instead.

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
    if one_size and not colour:
        grey = np.stack([image.grey for image in facts])
        if max(H, W) <= LARGEST and grey.shape[1:] == (H, W) and (like_mnist := _like_mnist(grey)):
            return drawing(H, like_mnist.box)
    found = plain((3 if colour else 1, H, W), background=_background(facts))
    return replace(found, ink=_common_ink([image.ink for image in facts]))


def preprocessing_for_arrays(images: NDArray[Any]) -> Preprocessing | None:
    """Return the preprocessing that converts an image file to the form of these arrays.

    Args:
        images: the images, (N, C, H, W) uint8 with 1 or 3 channels. For images of any other kind,
            the result is None. If they were prepared like MNIST, it is the "drawing" preprocessing.
    """
    _, C, H, W = images.shape
    if images.dtype != np.uint8 or C not in (1, 3) or not len(images):
        return None
    sample = images[:: max(1, len(images) // SAMPLE)]
    if C == 1 and (like_mnist := _like_mnist(sample[:, 0])):
        found = drawing(H, like_mnist.box)
        steps = found.steps if like_mnist.is_light else (*found.steps, Invert())
        return replace(found, steps=steps)
    corners = sample[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    dark = float(np.median(corners)) < _DARK
    if C == 1 and dark:
        return light((C, H, W))
    common = _common_ink([ink_of(x.transpose(1, 2, 0)) for x in sample])
    return replace(plain((C, H, W)), ink=common)


class _LikeMnist(NamedTuple):
    """How images were prepared that look like those of MNIST.

    Attributes:
        box: the side of the square that the ink fits, in pixels.
        is_light: whether the ink is light, as in MNIST, or dark.
    """

    box: int
    is_light: bool


def _like_mnist(X: NDArray[np.uint8]) -> _LikeMnist | None:
    """Return how images (N, H, W) were prepared, or None if they were not prepared like MNIST.

    Images like those of MNIST are square and have a uniform black background, or a white one. The
    longer side of the ink's bounding box has the same length in nearly all images, between a half
    and nine tenths of the image's side. The centre of mass of the ink is in the middle.
    """
    _, side, width = X.shape
    is_light = float(np.median(X[:, 0])) < _DARK
    ink = X if is_light else 255 - X
    has_ink = ink.any(axis=(1, 2))
    if side != width or side < _MIN_PREPARED or 10 * int(has_ink.sum()) < 9 * len(X):
        return None
    ink = ink[has_ink].astype(np.int64)
    extents = [_extent(np.asarray((ink > _DARK).any(axis=axis))) for axis in (1, 2)]
    boxes = np.maximum(*extents)
    box = int(np.median(boxes))
    places = 2 * np.arange(side) + 1  # of the pixels' centres, in half pixels
    mass = ink.sum(axis=(1, 2))
    centres = [(ink.sum(axis=axis) @ places) // (2 * mass) for axis in (1, 2)]
    is_prepared = np.abs(boxes - box) <= 1
    for centre in centres:
        is_prepared &= np.abs(centre - side // 2) <= 1
    if 10 * int(is_prepared.sum()) < 9 * len(ink) or not side <= 2 * box <= 1.8 * side:
        return None
    return _LikeMnist(box, is_light)


def _extent(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the distance from the first to the last true value of each row, plus 1, (N,)."""
    first, last = ink.argmax(axis=1), ink.shape[1] - ink[:, ::-1].argmax(axis=1)
    return np.asarray(last - first)


def _common_ink(found: Sequence[Ink | None]) -> Ink | None:
    """Return the ink of nearly all images, or None if there is none."""
    for ink in ("dark", "light"):
        if found and 20 * found.count(ink) >= 19 * len(found):
            return ink
    return None


class _Facts:
    """The size, colour, transparency, mean lightness, lightness and ink of one image."""

    def __init__(self, X: NDArray[np.uint8]) -> None:
        self.size = X.shape[:2]
        opaque = CompositeAlpha()(X.reshape(*self.size, -1))
        self.grey = Grayscale()(opaque)[:, :, 0]
        self.ink = ink_of(opaque)
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
        """Return the properties of an image file, or None if it cannot be read."""
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
