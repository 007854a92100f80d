"""Pictures and labels in NumPy's archive, read without trusting it: sizes first, never pickle."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from handgrad.data.dataset import Dataset
from handgrad.data.look import suited_to_arrays
from handgrad.errors import DataError
from handgrad.files import check_is_file

MOST_BYTES = 1 << 31  # of one array
_LONGEST_HEADER = 10_000
_DENSEST = 1100  # bytes that one byte of a zip can stand for, with some to spare

_PAIRS = (
    *(("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y")),
    *(("pictures", "labels"), ("images", "labels")),
)
_TESTS = (("x_test", "y_test"), ("test_images", "test_labels"))

# What zipfile and the headers of arrays raise at a broken file.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError, EOFError, LookupError, MemoryError),
    *(NotImplementedError, OverflowError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(AttributeError, struct.error),
)


def read(path: Path) -> tuple[Dataset, Dataset | None]:
    """Return training and test set, the second being None where it is missing.

    Args:
        path: an NPZ file with x_train, y_train, x_test and y_test, or with x and y; the pictures
            (N, H, W), (N, C, H, W) or (N, H, W, C), the labels (N,) or (N, 1).

    Raises:
        DataError: if it is broken, or holds something else.
    """
    try:
        check_is_file(path)
        with zipfile.ZipFile(path) as archive:
            arrays = {name.removesuffix(".npy"): name for name in archive.namelist()}
            train = _pair(archive, arrays, _PAIRS, path.stem)
            test = _pair(archive, arrays, _TESTS, f"{path.stem} test", train)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _BROKEN as error:
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path}: broken NPZ file ({reason}); get the file again") from None
    if train is None:
        held = ", ".join(sorted(arrays)[:8]) or "nothing"
        raise DataError(
            f"{path}: holds {held}; pictures and labels must be called x_train and y_train, "
            "x_test and y_test, or x and y"
        )
    return train, test


def _pair(
    archive: zipfile.ZipFile,
    arrays: dict[str, str],
    pairs: Sequence[tuple[str, str]],
    name: str,
    train: Dataset | None = None,
) -> Dataset | None:
    """Return the data set of the first pair of arrays that there is."""
    for pictures, labels in pairs:
        if pictures in arrays and labels in arrays:
            X = _as_pictures(_array(archive, arrays[pictures]))
            y = _array(archive, arrays[labels])
            y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
            data = Dataset.from_arrays(X, y, train.classes if train else None, name)
            suits = suited_to_arrays(data.pictures)
            return Dataset(data.pictures, data.labels, data.classes, name, suits)
    return None


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return one array, once its sizes have been found to agree."""
    info = archive.getinfo(name)
    if info.file_size > MOST_BYTES or info.file_size > _DENSEST * (info.compress_size + 1):
        raise ValueError(f"{name} claims {info.file_size:,} bytes, more than can be")
    with archive.open(info) as member:
        beginning = member.read(min(info.file_size, _LONGEST_HEADER + 12))
        header = io.BytesIO(beginning)
        version = npy.read_magic(header)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{name} is of version {version}")
        width = 2 if version == (1, 0) else 4
        length = int.from_bytes(beginning[8 : 8 + width], "little")
        if length > _LONGEST_HEADER:
            raise ValueError(f"the header of {name} is too long")
        reading = npy.read_array_header_1_0 if width == 2 else npy.read_array_header_2_0
        shape, fortran, kind = reading(header)
        size = math.prod(shape) * kind.itemsize
        if kind.hasobject or kind.kind not in "buifU" or any(n < 0 for n in shape):
            raise ValueError(f"{name} holds {kind}, neither numbers nor strings")
        if size != info.file_size - header.tell():
            raise ValueError(f"{name} is not as long as its header says")
        content = beginning[header.tell() :] + member.read()
    array = np.frombuffer(content, kind)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _as_pictures(X: NDArray[Any]) -> NDArray[Any]:
    """Return pictures (N, H, W) or (N, C, H, W), uint8 where they are whole numbers 0..255."""
    if X.ndim == 4 and X.shape[1] not in (1, 3) and X.shape[3] in (1, 3):
        X = X.transpose(0, 3, 1, 2)
    if X.dtype.kind == "b":
        return X.astype(np.uint8) * 255
    if X.dtype.kind in "iu" and X.dtype != np.uint8 and X.size and 0 <= X.min() <= X.max() <= 255:
        X = X.astype(np.uint8)
    return np.ascontiguousarray(X)
