"""Decode an image file into an array of pixels."""

from __future__ import annotations

import io
import os
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from handgrad.errors import DataError
from handgrad.files import check_is_file

# Pillow's names of the formats that are read. A file is identified by its content, not its name.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pbm", ".pnm", ".avif", ".heic", ".heif"),
)
FORMAT_NAMES = "PNG, JPEG, GIF, BMP, WebP, TIFF, PGM, PPM or AVIF"

MAX_BYTES = 1 << 28
MAX_PIXELS = 100_000_000
_SAFE_PIXELS = 1_000_000  # always decoded, however short the file is
_PIXELS_PER_BYTE = 1000  # the compression of an almost empty drawing

_INCOMPLETE = f"not a complete {FORMAT_NAMES} image"
_START = 256  # the number of bytes by which content is recognized
_IMAGE_CONTENT = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM|RIFF.{4}WEBP|II\*\0|MM\0\*|P[1-6]\s"
    rb"|.{4}ftyp(avif|avis|heic|heix|mif1)",
    re.DOTALL,
)
# Content that is often taken for an image, and what to do with it.
_OTHER_CONTENT = [
    (re.compile(form, re.DOTALL | re.IGNORECASE), words)
    for form, words in (
        (
            rb".{4}ftyp(heic|heix|heim|heis|hevc|mif1|msf1)",
            "a HEIC image: install handgrad[heic] to read it, or save it as JPEG",
        ),
        (rb".{4}ftyp(?!avi[fs])", "a video"),
        (rb"\s*<(!doctype html|html)", "a web page, not an image"),
        (rb"\s*(<\?xml.*)?<svg", "an SVG drawing: save it as PNG"),
        (rb"\xff\x0a|.{4}JXL ", "a JPEG XL image: save it as PNG"),
        (rb"\xff\x4f\xff\x51|.{4}jP  ", "a JPEG 2000 image: save it as PNG"),
        (rb"%PDF", "a PDF document: save its pages as PNG"),
        (rb"8BPS", "a Photoshop document: save it as PNG"),
        (rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf", "an archive: unpack it"),
        (rb"version https://git-lfs", "a Git LFS placeholder: run `git lfs pull`"),
    )
]
_TIFF_BITS, _TIFF_COLOURS = 258, 262  # tags: bits per sample; 0: the value 0 is white
_libtiff = threading.Lock()


class UnreadableError(DataError):
    """Raised if a file cannot be read as an image.

    Attributes:
        reason: why it cannot be read.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be read ({reason}); give another file")
        self.reason = reason


class _UnsupportedError(Exception):
    """Raised if an image is valid, but its pixels have an unknown range; the message says why."""


# The exceptions besides OSError that decoders raise for a broken file.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
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
        path: a PNG, JPEG, GIF, BMP, WebP, TIFF, PBM, PGM, PPM or AVIF file; a HEIC file if the
            package pillow-heif is installed.

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
    """Suppress the decoders' warnings. Enter this context once, before threads call `decode`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decode(path: Path, content: bytes | None = None) -> NDArray[np.uint8]:
    """Read the pixels of an image file like `read_pixels`, but without suppressing warnings.

    Args:
        path: the file.
        content: its content if it is known, as for `open_image`.
    """
    try:
        with open_image(path, content) as image:
            return _pixels(image)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; give the path of an image") from None
    except _UnsupportedError as error:
        raise UnreadableError(path, str(error)) from None
    except OSError as error:
        reason = error.strerror or _other_content(path) or _INCOMPLETE
        raise UnreadableError(path, reason) from None
    except _BROKEN:
        raise UnreadableError(path, _INCOMPLETE) from None


def open_image(path: Path, content: bytes | None = None) -> Image.Image:
    """Open an image file without decoding its pixels.

    Args:
        path: the file.
        content: its content if it is known, such as a cell of a table; or None to read the file.

    Raises:
        DataError: if the image has more pixels than can be decoded safely.
        OSError: if the file is not an image. A corrupted file may raise other exceptions too.
    """
    too_large = DataError(f"{path}: the image is too large to be decoded safely; make it smaller")
    if content is None:
        check_is_file(path)
        with path.open("rb") as file:
            content = file.read(min(MAX_BYTES, path.stat().st_size) + 1)
    if len(content) > MAX_BYTES:
        raise too_large
    try:  # from memory: from a file, a decoder could request 4 GB
        image = Image.open(io.BytesIO(content), formats=_formats())
    except Image.DecompressionBombError:
        raise too_large from None
    pixels = image.width * image.height
    if pixels > MAX_PIXELS or pixels > max(_SAFE_PIXELS, _PIXELS_PER_BYTE * len(content)):
        raise too_large
    return image


@cache
def _formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that can be read on this machine."""
    try:
        import pillow_heif
    except ImportError:
        return FORMATS
    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def looks_like_image(path: Path) -> bool:
    """Return whether a file has the content of an image in one of the formats."""
    try:
        check_is_file(path)
        with path.open("rb") as file:
            if not _IMAGE_CONTENT.match(file.read(_START)):
                return False
        with open_image(path):
            return True
    except (DataError, OSError, *_BROKEN):
        return False


def _other_content(path: Path) -> str | None:
    """Say what a file contains instead of an image, or return None if this is unknown."""
    with suppress(OSError):
        check_is_file(path)
        with path.open("rb") as file:
            start = file.read(_START)
        if not start:
            return "the file is empty"
        return next((words for form, words in _OTHER_CONTENT if form.match(start)), None)
    return None


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image after applying its orientation."""
    if image.format == "TIFF":
        return _tiff_pixels(image)
    if image.mode == "F":
        raise _UnsupportedError("floating point pixels: save it with 8 or 16 bits")
    image.load()
    return np.array(_in_eight_bits(_upright(image)), np.uint8)


def _tiff_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of a TIFF image after applying its orientation."""
    tags = image.getexif()
    bits = tags.get(_TIFF_BITS, 1)
    bits = set(bits) if isinstance(bits, tuple) else {bits}
    is_white = tags.get(_TIFF_COLOURS) == 0
    if not bits <= {1, 2, 4, 8, 16} or image.mode in ("I", "F"):
        raise _UnsupportedError(f"{max(bits)} bits per value: save it with 8 or 16 bits")
    with _libtiff, _without_stderr():  # libtiff prints each error in a file
        image.load()
    X = np.array(_in_eight_bits(_upright(image)), np.uint8)
    return 255 - X if is_white and image.mode.startswith("I;16") else X


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Discard what C libraries write to stderr."""
    stderr = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation of an image; an invalid orientation is ignored."""
    if image.format == "PNG" and not image.info:  # most files, and the check takes a while
        return image
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
    return image if image.mode == "L" else image.convert("L" if grey else "RGB")
