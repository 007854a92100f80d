"""Read images and labels from an NPZ file. Sizes are checked first, and nothing is unpickled."""

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

from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Contents, ImagesAndLabels
from handgrad.errors import DataError
from handgrad.files import check_is_file

MAX_BYTES = 1 << 31  # of one array
_MAX_HEADER = 10_000  # bytes
_MAX_RATIO = 1100  # bytes that one compressed byte can expand to; DEFLATE reaches 1032

_NAMES = {
    TRAIN: (
        ("x_train", "y_train"),
        ("train_images", "train_labels"),
        ("x", "y"),
        ("images", "labels"),
        ("pictures", "labels"),  # language: ok
    ),
    TEST: (("x_test", "y_test"), ("test_images", "test_labels")),
    VALIDATION: (
        ("x_val", "y_val"),
        ("x_valid", "y_valid"),
        ("x_validation", "y_validation"),
        ("val_images", "val_labels"),
    ),
}

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
    """Return whether the path ends in .npz."""
    return path.suffix.lower() == ".npz"


def read(path: Path) -> Contents:
    """Read the training set, and the test and validation sets if the file contains them.

    Args:
        path: an NPZ file with the arrays x_train and y_train, x_test and y_test, x_val and y_val,
            or with x and y. The images are (N, H, W), (N, C, H, W) or (N, H, W, C), and the labels
            are (N,) or (N, 1).

    Raises:
        DataError: if the file is corrupted or does not contain images and labels in this form.
    """
    try:
        check_is_file(path)
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            pairs = {split: _first_present(pairs, members) for split, pairs in _NAMES.items()}
            splits = {split: _read_pair(archive, *pair) for split, pair in pairs.items() if pair}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except _BROKEN as error:
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path}: corrupted NPZ file ({reason}); get the file again") from None
    if TRAIN not in splits:
        held = ", ".join(sorted(members)[:8]) or "nothing"
        raise DataError(
            f"{path}: contains {held}; images and labels must be called x_train and y_train, "
            "x_test and y_test, or x and y"
        )
    return Contents(splits)


def _first_present(
    pairs: Sequence[tuple[str, str]], members: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the first pair of names that the archive contains, or None."""
    found = (pair for pair in pairs if members.keys() >= {*pair})
    return next(((members[images], members[labels]) for images, labels in found), None)


def _read_pair(archive: zipfile.ZipFile, images: str, labels: str) -> ImagesAndLabels:
    """Read images and their labels."""
    X, y = _read_array(archive, images), _read_array(archive, labels)
    return ImagesAndLabels(X, y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y)


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array, after checking that all stated sizes agree."""
    info = archive.getinfo(name)
    if info.file_size > MAX_BYTES or info.file_size > _MAX_RATIO * (info.compress_size + 1):
        raise ValueError(f"{name} claims to have {info.file_size:,} bytes, which is impossible")
    with archive.open(info) as member:
        start = member.read(min(info.file_size, _MAX_HEADER + 12))
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
                f"{name} has dtype {dtype}, which is neither numbers nor strings; "
                "save labels .astype(str) and images .astype(np.uint8)"
            )
        if any(n < 0 for n in shape) or size != info.file_size - header.tell():
            raise ValueError(f"{name} does not have the length in its header")
        content = start[header.tell() :] + member.read()
    array = np.frombuffer(content, dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
