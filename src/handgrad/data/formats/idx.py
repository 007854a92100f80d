"""Reads the IDX format of MNIST and similar data sets, and checks the header first.

A file contains two zero bytes, one byte for the dtype, one for the number of dimensions, each size
as four bytes, and the values, all big-endian. It may be gzipped. The amount of memory allocated is
limited by the size of the file.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.errors import DataError
from handgrad.files import check_is_file

MAX_BYTES = 1 << 30  # of values in one file; MNIST's largest has 47 million

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CHUNK = 1 << 20  # bytes
_MAX_RATIO = 1032  # bytes that one byte of a gzipped file can expand to


def read_idx(path: Path) -> NDArray[Any]:
    """Read the array in an IDX file, in the machine's byte order.

    Args:
        path: the file. The file may be gzipped; its first bytes show whether it is.

    Raises:
        DataError: if the file cannot be read or does not match its header.
    """
    try:
        with open_content(path) as content:
            dtype, shape = _read_header(content)
            size = math.prod(shape) * dtype.itemsize
            limit = path.stat().st_size * (_MAX_RATIO if is_gzipped(path) else 1)
            buffer = np.empty(min(size, limit), np.uint8)  # NumPy allocates large pages
            filled = _fill(content, buffer)
            more = filled == size and content.read(1)
    except _HeaderError as error:
        raise DataError(f"{path}: {error}; get the file again") from None
    if filled < size or more:
        length = "is longer" if more else "ends early"
        raise DataError(
            f"{path}: its header states {size:,} bytes of values for {shape}, but the file "
            f"{length}; get the file again"
        )
    return buffer.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_images(path: Path) -> NDArray[np.uint8]:
    """Read the images (N, H, W) of an IDX file.

    Raises:
        DataError: if the file cannot be read or contains other data.
    """
    return _expect(path, 3, "images (N, H, W)")


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Read the labels (N,) of an IDX file.

    Raises:
        DataError: if the file cannot be read or contains other data.
    """
    return _expect(path, 1, "labels (N,)")


@contextmanager
def open_content(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file for reading, and decompress it if it is gzipped.

    Raises:
        DataError: if the file cannot be opened, or is found to be corrupted while it is read.
    """
    try:
        check_is_file(path)
        with path.open("rb") as file:
            if is_gzipped(path):
                with gzip.GzipFile(fileobj=file) as content:
                    yield content
            else:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: corrupted gzip file ({error}); get the file again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def is_gzipped(path: Path) -> bool:
    """Return whether a file is gzipped. Its first bytes determine this, not its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def read_at_most(content: io.BufferedIOBase, limit: int) -> bytearray:
    """Read the rest of a file, up to `limit` bytes."""
    data = bytearray()
    while len(data) < limit:
        chunk = content.read(min(_CHUNK, limit - len(data)))
        if not chunk:
            break
        data += chunk
    return data


def _fill(content: io.BufferedIOBase, buffer: NDArray[np.uint8]) -> int:
    """Read until a buffer is full or the file ends, and return the number of bytes read."""
    filled, view = 0, buffer.data
    while filled < len(buffer):
        count = content.readinto(view[filled : filled + _CHUNK])
        if not count:
            break
        filled += count
    return filled


class _HeaderError(Exception):
    """Raised if the header of an IDX file is invalid; the message says why."""


def _read_header(content: io.BufferedIOBase) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the header, and return the dtype and the shape of the array."""
    magic = content.read(4)
    if len(magic) < 4:
        raise _HeaderError("it is too short for an IDX file")
    if magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= 4:
        raise _HeaderError(f"it is not an IDX file: it starts with {magic.hex(' ')}")
    dtype, dimensions = np.dtype(_DTYPES[magic[2]]), magic[3]
    sizes = content.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _HeaderError("it is too short for the header of an IDX file")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if 0 in shape:
        raise _HeaderError(f"its header states the empty shape {shape}")
    if math.prod(shape) * dtype.itemsize > MAX_BYTES:
        raise _HeaderError(f"its header states {shape}, which exceeds {MAX_BYTES:,} bytes")
    return dtype, shape


def _expect(path: Path, dimensions: int, what: str) -> NDArray[np.uint8]:
    """Read the array of an IDX file, and check that it is uint8 with `dimensions` axes."""
    array = read_idx(path)
    if array.dtype != np.uint8 or array.ndim != dimensions:
        raise DataError(
            f"{path}: expected uint8 {what}, found {array.dtype} {array.shape}; "
            "does the file contain other data?"
        )
    return array
