"""Read images and labels from NPZ and NPY files. Sizes are checked, and nothing is unpickled."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from handgrad.data.formats.array_pairs import Arrays, contents_of
from handgrad.data.formats.reader import Contents
from handgrad.errors import DataError
from handgrad.files import check_is_file

MAX_BYTES = 1 << 31  # of one array
_MAX_HEADER = 10_000  # bytes
_MAX_RATIO = 1100  # bytes that one compressed byte can expand to; DEFLATE reaches 1032

# The exceptions that zipfile and NumPy's header parser raise for a broken file.
_BROKEN = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def accepts(path: Path) -> bool:
    """Return whether the path ends in .npz, and is not a folder."""
    return path.suffix.lower() == ".npz" and not path.is_dir()


def read(path: Path) -> Contents:
    """Read the training set, and the test and validation sets if the file contains them.

    Args:
        path: an NPZ file with arrays such as x_train and y_train, x_test and y_test, x_val and
            y_val, or x and y; `array_pairs.contents_of` lists the names. The images are (N, H, W),
            (N, C, H, W), (N, H, W, C) or rows (N, P), and the labels are (N,), (N, 1) or one-hot
            (N, K). A file with one array is read together with the other files next to it.

    Raises:
        DataError: if the file is corrupted or does not contain images and labels in this form.
    """
    with opened(path) as arrays:
        return contents_of(arrays)


@contextmanager
def opened(path: Path) -> Iterator[Arrays]:
    """Open an NPZ file, and yield a function that loads each of its arrays.

    Raises:
        DataError: if the file is corrupted, or an array in it cannot be used.
    """
    try:
        check_is_file(path)
        with zipfile.ZipFile(path) as archive:
            yield {
                name.removesuffix(".npy"): cache(partial(_read_member, archive, name))
                for name in archive.namelist()
            }
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except _BROKEN as error:
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path}: corrupted NPZ file ({reason}); get the file again") from None


def read_npy(path: Path) -> NDArray[Any]:
    """Read the array in an NPY file.

    Raises:
        DataError: if the file is corrupted, or contains neither numbers nor strings; the message
            starts with the name of the file.
    """
    try:
        check_is_file(path)
        with path.open("rb") as file:
            return _read_array(file, path.name, path.stat().st_size)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or error})") from None
    except _BROKEN as error:
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path.name} is corrupted ({reason}); get the file again") from None


def _read_member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array, after checking that all stated sizes agree."""
    info = archive.getinfo(name)
    if info.file_size > _MAX_RATIO * (info.compress_size + 1):
        raise ValueError(f"{name} claims to have {info.file_size:,} bytes, which is impossible")
    with archive.open(info) as member:
        return _read_array(member, name, info.file_size)


def _read_array(file: IO[bytes], name: str, file_size: int) -> NDArray[Any]:
    """Read an array of `file_size` bytes, after checking its header."""
    if file_size > MAX_BYTES:
        raise ValueError(f"{name} claims to have {file_size:,} bytes, which is too many")
    start = file.read(min(file_size, _MAX_HEADER + 12))
    header = io.BytesIO(start)
    version = npy.read_magic(header)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{name} has the unknown version {version}")
    width = 2 if version == (1, 0) else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > _MAX_HEADER:
        raise ValueError(f"the header of {name} is too long")
    parse = npy.read_array_header_1_0 if width == 2 else npy.read_array_header_2_0
    shape, fortran, dtype = parse(header)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or dtype.kind not in "buifU":
        raise DataError(
            f"{name} has dtype {dtype}, which is neither numbers nor strings; save the images as "
            "an array of numbers, and the labels as an array of integers or strings"
        )
    if any(n < 0 for n in shape) or size != file_size - header.tell():
        raise ValueError(f"{name} does not have the length in its header")
    array = np.frombuffer(start[header.tell() :] + file.read(), dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
