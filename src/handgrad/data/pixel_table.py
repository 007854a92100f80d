"""Pictures in a CSV file: on each line a label, then the pixels."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handgrad.data.dataset import Dataset
from handgrad.data.listing import file_and_label
from handgrad.data.look import suited_to_arrays
from handgrad.errors import DataError
from handgrad.files import check_is_file
from handgrad.labels import Label

_LONGEST = 1 << 20  # characters of a line
_BATCH = 1000
_PIXEL = re.compile(" *0*([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]) *")


def is_one(place: Path) -> bool:
    """Say whether this is a CSV file that holds no names of files.

    Raises:
        DataError: if it cannot be read.
    """
    if place.suffix.lower() != ".csv" or not place.is_file():
        return False
    return file_and_label(_cells(next(_lines(place), ""))) is None


def read(path: Path) -> tuple[Dataset, Dataset | None]:
    """Return training and test set, the second being None where it is missing.

    The test set of a file with "train" in its name lies beside it, under the same name with "test".

    Args:
        path: a CSV file; a first line with names of columns is passed over. As many pixels as a
            square has are grey, three times as many are red, green and blue, plane by plane.

    Raises:
        DataError: if a line is no label and its pixels.
    """
    train = _read(path, path.stem, None)
    beside = path.with_name(path.name.replace("train", "test"))
    if beside == path or not beside.is_file():
        return train, None
    return train, _read(beside, f"{path.stem} test", train.classes)


def _read(path: Path, name: str, classes: Sequence[Label] | None) -> Dataset:
    """Return the data set of one file."""
    lines = _lines(path)
    first = next(lines, "")
    labels: list[str] = []
    parts: list[NDArray[np.uint8]] = []
    count = len(_cells(first)) - 1
    heading = _is_heading(first)
    lines = chain([] if heading else [first], lines)
    at = 1 + heading
    while batch := list(islice(lines, _BATCH)):
        parts.append(_pixels(batch, count, path, at))
        labels += [_cells(line[:_LONGEST].partition(",")[0])[0] for line in batch]
        at += len(batch)
    if not parts:
        raise DataError(f"{path}: holds no pictures; each line is a label and its pixels")
    X = np.concatenate(parts).reshape(len(labels), *_shape(count, path))
    whole = all(label.isdecimal() and label.isascii() and len(label) < 10 for label in labels)
    data = Dataset.from_arrays(X, [int(k) for k in labels] if whole else labels, classes, name)
    return Dataset(data.pictures, data.labels, data.classes, name, suited_to_arrays(X))


def _pixels(lines: Sequence[str], count: int, path: Path, at: int) -> NDArray[np.uint8]:
    """Return the pixels on some lines, (n, count); `at` is the number of the first."""
    rows = [line.partition(",")[2].strip() for line in lines]
    if all(rows):  # NumPy warns where there is nothing
        with suppress(ValueError, OverflowError, IndexError):
            X = np.loadtxt(rows, np.int64, delimiter=",", comments=None, ndmin=2)
            if X.shape == (len(lines), count) and X.min() >= 0 and X.max() <= 255:
                return X.astype(np.uint8)
    bad = next((n for n, row in enumerate(rows, at) if not _is_good(row, count)), at)
    raise DataError(
        f"{path}, line {bad}: a label and {count:,} whole numbers 0..255 are wanted; correct it"
    )


def _is_good(row: str, count: int) -> bool:
    """Say whether these are so many pixels."""
    cells = row.split(",")
    return len(cells) == count and all(_PIXEL.fullmatch(cell) for cell in cells)


def _shape(count: int, path: Path) -> tuple[int, int, int]:
    """Return the shape of square pictures of so many pixels."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side and channels * side * side == count:
            return channels, side, side
    raise DataError(f"{path}: {count:,} pixels on a line make no square picture, grey or in colour")


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file that are not empty."""
    try:
        check_is_file(path)
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(_LONGEST):
                if line.strip():
                    yield line.strip()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise DataError(f"{path}: is no text in UTF-8; write it so") from None


def _cells(line: str) -> list[str]:
    """Return the cells of a line."""
    try:
        return next(csv.reader([line]), [""]) or [""]
    except csv.Error:
        return line.split(",")


def _is_heading(line: str) -> bool:
    """Say whether a line holds names of columns: its last cell is no number."""
    last = _cells(line)[-1].strip()
    return not last.lstrip("-").replace(".", "", 1).isdecimal()
