"""Images in a CSV file: on each line a label, then the pixels."""

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

from handgrad.data.formats.arrays import Arrays
from handgrad.data.formats.file_list import LABELS, TEST, TRAIN, file_and_label
from handgrad.errors import DataError
from handgrad.files import check_is_file

_LONGEST = 1 << 20  # characters of a line
_BATCH = 1000
_CURE = f"call its first column {LABELS[0]}"
_QUOTED = re.compile('"((?:[^"]|"")*)" *,')
_PIXEL = re.compile(" *0*([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]) *")


def is_one(place: Path) -> bool:
    """Say whether this is a CSV file that holds no names of files.

    Raises:
        DataError: if it cannot be read.
    """
    if place.suffix.lower() != ".csv" or not place.is_file():
        return False
    return file_and_label(_cells(next(_lines(place), ""))) is None


def read(path: Path) -> dict[str, Arrays]:
    """Return the arrays of each split: "train", and "test" where there is one.

    The test set of a file with "train" in its name lies beside it, under the same name with "test".

    Args:
        path: a CSV file; a first line with names of columns is passed over. As many pixels as a
            square has are grey, three times as many are red, green and blue, plane by plane.

    Raises:
        DataError: if a line is no label and its pixels.
    """
    tables = {TRAIN: _read(path)}
    beside = path.with_name(path.name.replace("train", "test"))
    if beside != path and beside.is_file():
        tables[TEST] = _read(beside)
    whole = all(map(_is_whole, chain(*(labels for _, labels in tables.values()))))
    return {
        split: Arrays(X, np.array([int(k) for k in labels] if whole else labels))
        for split, (X, labels) in tables.items()
    }


def _read(path: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Return the images of one file, (N, C, H, W), and their labels."""
    lines = _lines(path)
    first = next(lines, "")
    labels: list[str] = []
    parts: list[NDArray[np.uint8]] = []
    cells = _cells(first)
    if cells[0] == "" and cells[1:2] and cells[1].strip().lower() in LABELS:
        raise DataError(f"{path}: the first column numbers the lines; leave it out (index=False)")
    count = len(cells) - 1
    heading = _is_heading(first)
    lines = chain([] if heading else [first], lines)
    at = 1 + heading
    while batch := list(islice(lines, _BATCH)):
        rows = [_parted(line) for line in batch]
        parts.append(_pixels([pixels for _, pixels in rows], count, path, at))
        labels += [label for label, _ in rows]
        at += len(batch)
    if not parts:
        raise DataError(f"{path}: holds no images; each line is a label and its pixels")
    _check(labels, path, 1 + heading)
    return np.concatenate(parts).reshape(len(labels), *_shape(count, path)), labels


def _check(labels: Sequence[str], path: Path, at: int) -> None:
    """Raise a DataError if a label is missing, or only the first is no number."""
    if "" in labels:
        raise DataError(f"{path}, line {at + labels.index('')}: the label is missing; add it")
    if len(labels) > 1 and not _is_whole(labels[0]) and all(map(_is_whole, labels[1:])):
        raise DataError(
            f"{path}, line {at}: the label {labels[0]!r} stands before numbers; if this is a "
            f"heading, {_CURE}"
        )


def _pixels(rows: Sequence[str], count: int, path: Path, at: int) -> NDArray[np.uint8]:
    """Return the pixels on some lines, (n, count); `at` is the number of the first."""
    if all(rows):  # NumPy warns where there is nothing
        with suppress(ValueError, OverflowError, IndexError):
            X = np.loadtxt(rows, np.int64, delimiter=",", comments=None, ndmin=2)
            if X.shape == (len(rows), count) and X.min() >= 0 and X.max() <= 255:
                return X.astype(np.uint8)
    bad = next((n for n, row in enumerate(rows, at) if not _is_good(row, count)), at)
    raise DataError(
        f"{path}, line {bad}: a label and {count:,} whole numbers 0..255 are wanted; correct it"
        + (f", or, if it is a heading, {_CURE}" if bad == 1 else "")
    )


def _is_good(row: str, count: int) -> bool:
    """Say whether these are so many pixels."""
    cells = row.split(",")
    return len(cells) == count and all(_PIXEL.fullmatch(cell) for cell in cells)


def _shape(count: int, path: Path) -> tuple[int, int, int]:
    """Return the shape of square images of so many pixels."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side and channels * side * side == count:
            return channels, side, side
    raise DataError(f"{path}: {count:,} pixels on a line make no square image, grey or in colour")


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


def _parted(line: str) -> tuple[str, str]:
    """Return the label on a line, and the pixels behind it."""
    if quoted := _QUOTED.match(line):
        return quoted[1].replace('""', '"'), line[quoted.end() :]
    label, _, pixels = line.partition(",")
    return label.strip(), pixels.strip()


def _is_whole(label: str) -> bool:
    """Say whether a label is a whole number."""
    return label.isdecimal() and label.isascii() and len(label) < 10


def _is_heading(line: str) -> bool:
    """Say whether a line holds names of columns: the first of the labels, or the last no number."""
    cells = [cell.strip().lower() for cell in _cells(line)]
    return cells[0] in LABELS or not cells[-1].lstrip("-").replace(".", "", 1).isdecimal()
