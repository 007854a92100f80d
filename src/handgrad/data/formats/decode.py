"""Decode an image file into an array of pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from handgrad.errors import DataError
from handgrad.files import check_is_file

FORMATS = ("PNG", "JPEG", "GIF", "BMP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".gif", ".bmp")

MAX_BYTES = 1 << 28
MAX_PIXELS = 100_000_000
_SAFE_PIXELS = 1_000_000  # always decoded, however short the file is
_PIXELS_PER_BYTE = 1000  # the compression of an almost empty drawing

# The exceptions besides OSError that decoders raise for a broken file.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """Read the pixels of an image file, or of the first frame of an animation.

    The EXIF orientation and the palette are applied, and 16-bit values are scaled to 8 bits.

    Args:
        path: a PNG, JPEG, GIF or BMP file.

    Returns:
        (H, W) uint8 if the image is grey, otherwise (H, W, C) uint8 with C = 2 (grey, alpha),
        3 (red, green, blue) or 4 (red, green, blue, alpha).

    Raises:
        DataError: if the file cannot be read as an image.
    """
    with without_warnings():
        return decode(path)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress the decoders' warnings. Enter this once, before threads call `decode`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(path: Path) -> NDArray[np.uint8]:
    """Read the pixels of an image file like `read_pixels`, but without suppressing warnings."""
    try:
        with open_image(path) as image:
            return _pixels(image)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; give the path of an image") from None
    except OSError as error:
        raise _unreadable(path, error.strerror) from None
    except _BROKEN:
        raise _unreadable(path) from None


def open_image(path: Path) -> Image.Image:
    """Open an image file without decoding its pixels.

    Raises:
        DataError: if the image has more pixels than can be decoded safely.
        OSError: if the file is not an image. A corrupted file may raise other exceptions too.
    """
    too_large = DataError(f"{path}: the image is too large to be decoded safely; make it smaller")
    check_is_file(path)
    with path.open("rb") as file:
        content = file.read(min(MAX_BYTES, path.stat().st_size) + 1)
    if len(content) > MAX_BYTES:
        raise too_large
    try:  # from memory: from a file, a decoder could request 4 GB
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise too_large from None
    pixels = image.width * image.height
    if pixels > MAX_PIXELS or pixels > max(_SAFE_PIXELS, _PIXELS_PER_BYTE * len(content)):
        raise too_large
    return image


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image after applying its orientation."""
    image.load()
    return np.array(_in_eight_bits(_upright(image)), np.uint8)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation of an image; an invalid orientation is ignored."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, *_BROKEN):
        return image


def _in_eight_bits(image: Image.Image) -> Image.Image | NDArray[Any]:
    """Convert an image to grey or RGB with 8 bits per channel, with alpha if it is transparent."""
    if image.mode.startswith("I") or image.mode == "F":  # `convert` would clip them
        deep = np.clip(np.asarray(image), 0, 65535).astype(np.int64)
        grey, transparent = (deep + 128) // 257, image.info.get("transparency")
        if not isinstance(transparent, int):
            return grey
        return np.stack([grey, np.where(deep == transparent, 0, 255)], axis=-1)
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _unreadable(path: Path, reason: str | None = None) -> DataError:
    reason = reason or "not a complete PNG, JPEG, GIF or BMP image"
    return DataError(f"{path}: cannot be read ({reason}); give another file")
