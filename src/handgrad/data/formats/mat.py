"""Read images and labels from a MATLAB file up to version 7. Only plain arrays are read."""

from __future__ import annotations

import io
import math
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.array_pairs import contents_of
from handgrad.data.formats.reader import Contents
from handgrad.data.formats.unsupported import recognised
from handgrad.errors import DataError
from handgrad.files import check_is_file

_ITEM_BYTES = {
    **dict.fromkeys(("int8", "uint8", "logical", "char"), 1),
    **dict.fromkeys(("int16", "uint16"), 2),
    **dict.fromkeys(("int32", "uint32", "single"), 4),
    **dict.fromkeys(("int64", "uint64", "double"), 8),
}
_MAX_BYTES = 1 << 31  # of the file, and of one array
_MAX_RATIO = 1100  # bytes that one compressed byte can expand to


def accepts(path: Path) -> bool:
    """Return whether the path ends in .mat, and is not a file of MATLAB 7.3."""
    return path.suffix.lower() == ".mat" and path.is_file() and recognised(path) is None


def read(path: Path) -> Contents:
    """Read the arrays of a MATLAB file.

    Args:
        path: a file with arrays such as X and y; `array_pairs.contents_of` lists the names.

    Raises:
        DataError: if the file is corrupted or does not contain images and labels in this form.
    """
    import scipy.io

    check_is_file(path)
    if path.stat().st_size > _MAX_BYTES:
        raise DataError(f"{path}: is larger than {_MAX_BYTES:,} bytes; save it as an NPZ file")
    content = path.read_bytes()  # from a file, scipy could request gigabytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = scipy.io.whosmat(io.BytesIO(content))
    except Exception as error:  # scipy raises exceptions of many kinds for a corrupted file
        raise _corrupted(path, error) from None
    sizes = {
        name: math.prod(shape) * _ITEM_BYTES[kind]
        for name, shape, kind in found
        if kind in _ITEM_BYTES
    }
    limit = min(_MAX_BYTES, len(content) * _MAX_RATIO)
    if any(not 0 <= size <= limit for size in sizes.values()):
        raise _corrupted(path, ValueError("an array is too large"))
    others = [f"`{name}` ({kind})" for name, _, kind in found if kind not in _ITEM_BYTES]
    if not sizes:
        raise DataError(
            f"{path}: contains {', '.join(others[:5]) or 'nothing'}, but no plain array; save the "
            "images as x and the labels as y"
        )
    try:
        return contents_of({name: partial(_load, content, name) for name in sizes})
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _load(content: bytes, name: str) -> NDArray[Any]:
    """Load one array; characters become strings without the spaces at their ends."""
    import scipy.io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = scipy.io.loadmat(io.BytesIO(content), variable_names=[name])[name]
    except Exception as error:
        raise DataError(f"{name} is corrupted ({_reason(error)}); get the file again") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buifU":
        raise DataError(f"{name} is not a plain array; save the images as x and the labels as y")
    return np.char.rstrip(array) if array.dtype.kind == "U" else array


def _corrupted(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: corrupted MATLAB file ({_reason(error)}); get the file again")


def _reason(error: Exception) -> str:
    return str(error)[:80] or type(error).__name__
