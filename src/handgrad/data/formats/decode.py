"""An image file as pixels: what it shows, whatever way it is stored."""

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

MOST_BYTES = 1 << 28
MOST_PIXELS = 100_000_000
_FEW_PIXELS = 1_000_000  # are read however short the file is
_PIXELS_A_BYTE = 1000  # what an almost empty drawing is compressed to

# What decoders raise at a broken file, beside OSError.
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
    """Return what an image file shows: the first image where there are several.

    It is turned as its EXIF entry says, palettes are looked up, 16 bits are scaled to 8.

    Args:
        path: a PNG, JPEG, GIF or BMP file.

    Returns:
        (H, W) uint8 where it is grey, else (H, W, C), C being 2 (grey, opacity), 3 (red, green,
        blue) or 4 (with opacity).

    Raises:
        DataError: if the file cannot be read as an image.
    """
    with undisturbed():
        return decode(path)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep a decoder's warnings off the screen; once around all threads that `decode`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(path: Path) -> NDArray[np.uint8]:
    """Return what `read_pixels` does, without a word on warnings."""
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
    """Return the image in a file, its pixels still to be decoded.

    Raises:
        DataError: if it has more pixels than can be read safely.
        OSError: and others, if it is none.
    """
    too_large = DataError(f"{path}: is too large to be read safely; make it smaller")
    check_is_file(path)
    with path.open("rb") as file:
        content = file.read(min(MOST_BYTES, path.stat().st_size) + 1)
    if len(content) > MOST_BYTES:
        raise too_large
    try:  # from memory: a decoder that asks a file for 4 GB is given them, empty
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise too_large from None
    pixels = image.width * image.height
    if pixels > MOST_PIXELS or pixels > max(_FEW_PIXELS, _PIXELS_A_BYTE * len(content)):
        raise too_large
    return image


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image, upright."""
    image.load()
    return np.array(_in_eight_bits(_upright(image)), np.uint8)


def _upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF entry says; one that makes no sense says nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, *_BROKEN):
        return image


def _in_eight_bits(image: Image.Image) -> Image.Image | NDArray[Any]:
    """Return an image in grey or in colours, with opacity where something is seen through."""
    if image.mode.startswith("I") or image.mode == "F":  # `convert` would clip them
        deep = np.clip(np.asarray(image), 0, 65535).astype(np.int64)
        grey, clear = (deep + 128) // 257, image.info.get("transparency")
        if not isinstance(clear, int):
            return grey
        return np.stack([grey, np.where(deep == clear, 0, 255)], axis=-1)
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return image.convert("LA" if grey else "RGBA")
    return image.convert("L" if grey else "RGB")


def _unreadable(path: Path, reason: str | None = None) -> DataError:
    why = reason or "not a whole PNG, JPEG, GIF or BMP image"
    return DataError(f"{path}: cannot be read ({why}); give another file")
