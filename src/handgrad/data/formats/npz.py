"""Images and labels in NumPy's archive, read without trusting it: sizes first, never pickle."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from handgrad.data.formats.arrays import Arrays
from handgrad.data.formats.file_list import TEST, TRAIN, VALIDATION
from handgrad.errors import DataError
from handgrad.files import check_is_file

MOST_BYTES = 1 << 31  # of one array
_LONGEST_HEADER = 10_000
_DENSEST = 1100  # bytes that one byte of a zip can stand for, with some to spare

_NAMES = {
    TRAIN: (
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
        ("x", "y"),
        ("images", "labels"),
        ("images", "labels"),
    ),
    TEST: (("x_test", "y_test"), ("test_images", "test_labels")),
    VALIDATION: (
        ("x_val", "y_val"),
        ("x_valid", "y_valid"),
        ("x_validation", "y_validation"),
        ("val_images", "val_labels"),
    ),
}

# What zipfile and the headers of arrays raise at a broken file.
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


def read(path: Path) -> dict[str, Arrays]:
    """Return the arrays of each split: "train", "test", "validation", as there are.

    Args:
        path: an NPZ file with x_train and y_train, x_test and y_test, x_val and y_val, or with x
            and y; the images (N, H, W), (N, C, H, W) or (N, H, W, C), the labels (N,) or (N, 1).

    Raises:
        DataError: if it is broken, or holds something else.
    """
    try:
        check_is_file(path)
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            pairs = {split: _first_of(pairs, members) for split, pairs in _NAMES.items()}
            splits = {split: _arrays(archive, *pair) for split, pair in pairs.items() if pair}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except _BROKEN as error:
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path}: broken NPZ file ({reason}); get the file again") from None
    if TRAIN not in splits:
        held = ", ".join(sorted(members)[:8]) or "nothing"
        raise DataError(
            f"{path}: holds {held}; images and labels must be called x_train and y_train, "
            "x_test and y_test, or x and y"
        )
    return splits


def _first_of(
    pairs: Sequence[tuple[str, str]], members: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the members that hold images and labels; None: there are none."""
    found = (pair for pair in pairs if members.keys() >= {*pair})
    return next(((members[images], members[labels]) for images, labels in found), None)


def _arrays(archive: zipfile.ZipFile, images: str, labels: str) -> Arrays:
    """Return images and their labels."""
    X, y = _array(archive, images), _array(archive, labels)
    return Arrays(X, y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)


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
        if kind.hasobject or kind.kind not in "buifU":
            raise DataError(
                f"{name} holds {kind}, neither numbers nor strings; save labels .astype(str), "
                "images .astype(np.uint8)"
            )
        if any(n < 0 for n in shape) or size != info.file_size - header.tell():
            raise ValueError(f"{name} is not as long as its header says")
        content = beginning[header.tell() :] + member.read()
    array = np.frombuffer(content, kind)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
