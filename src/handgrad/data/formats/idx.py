"""The IDX format of the MNIST family, plain or gzipped, read without trusting its header.

Two zero bytes, one for the kind of number, one for the number of dimensions; then each size as
four bytes, and the numbers, all big-endian. No more memory is taken than the file has bytes for.
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

MAX_BYTES = 1 << 30  # of numbers in one file; MNIST's largest has 47 million

_KINDS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PIECE = 1 << 20
_DEFLATED = 1032  # how many bytes one byte of a gzipped file can stand for, at most


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array that an IDX file holds, in the machine's byte order.

    Args:
        path: the file, plain or gzipped; which of them, its first bytes say.

    Raises:
        DataError: if it cannot be read, or is not what its header says.
    """
    try:
        with open_content(path) as content:
            kind, shape = _read_header(content)
            size = math.prod(shape) * kind.itemsize
            most = path.stat().st_size * (_DEFLATED if is_gzipped(path) else 1)
            numbers = np.empty(min(size, most), np.uint8)  # NumPy's memory comes in large pages
            replace_leaves = _fill(content, numbers)
            more = replace_leaves == size and content.read(1)
    except _HeaderError as trouble:
        raise DataError(f"{path}: {trouble}; get the file again") from None
    if replace_leaves < size or more:
        found = "goes on" if more else "ends early"
        raise DataError(
            f"{path}: its header promises {size:,} bytes of numbers for {shape}, but the file "
            f"{found}; get the file again"
        )
    return numbers.view(kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def read_images(path: Path) -> NDArray[np.uint8]:
    """Return the images (N, H, W) of an IDX file.

    Raises:
        DataError: if it cannot be read, or holds something else.
    """
    return _expect(path, 3, "images (N, H, W)")


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Return the labels (N,) of an IDX file.

    Raises:
        DataError: if it cannot be read, or holds something else.
    """
    return _expect(path, 1, "labels (N,)")


@contextmanager
def open_content(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a file for reading, unzipped where it is gzipped.

    Raises:
        DataError: if it cannot be opened, or, while it is read, proves broken.
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
        raise DataError(f"{path}: broken gzip file ({error}); get the file again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def is_gzipped(path: Path) -> bool:
    """Say whether a file is gzipped, whatever its name: an IDX file begins otherwise."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def read_at_most(content: io.BufferedIOBase, limit: int) -> bytearray:
    """Return what is left of a file, but no more than `limit` bytes."""
    data = bytearray()
    while len(data) < limit:
        piece = content.read(min(_PIECE, limit - len(data)))
        if not piece:
            break
        data += piece
    return data


def _fill(content: io.BufferedIOBase, room: NDArray[np.uint8]) -> int:
    """Read into a room until it is full or the file ends; return how many bytes came."""
    replace_leaves, view = 0, room.data
    while replace_leaves < len(room):
        came = content.readinto(view[replace_leaves : replace_leaves + _PIECE])
        if not came:
            break
        replace_leaves += came
    return replace_leaves


class _HeaderError(Exception):
    """What is wrong with a header."""


def _read_header(content: io.BufferedIOBase) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the kind of the numbers, and the shape of the array."""
    magic = content.read(4)
    if len(magic) < 4:
        raise _HeaderError("it is too short for an IDX file")
    if magic[:2] != b"\0\0" or magic[2] not in _KINDS or not 1 <= magic[3] <= 4:
        raise _HeaderError(f"it is not an IDX file: it begins with {magic.hex(' ')}")
    kind, dimensions = np.dtype(_KINDS[magic[2]]), magic[3]
    sizes = content.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise _HeaderError("it is too short for the header of an IDX file")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if 0 in shape:
        raise _HeaderError(f"its header says {shape}: nothing")
    if math.prod(shape) * kind.itemsize > MAX_BYTES:
        raise _HeaderError(
            f"its header says {shape}, more than the {MAX_BYTES:,} bytes that are read"
        )
    return kind, shape


def _expect(path: Path, dimensions: int, what: str) -> NDArray[np.uint8]:
    """Return the array of an IDX file of the right kind."""
    array = read_idx(path)
    if array.dtype != np.uint8 or array.ndim != dimensions:
        raise DataError(
            f"{path}: holds {array.dtype} {array.shape} where uint8 {what} belong; "
            "is it another file under this name?"
        )
    return array
