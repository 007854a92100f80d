"""Read a CSV file of pixels: each line has a label, followed by the pixels of one image."""

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

from handgrad.data.formats.file_table import LABELS, file_and_label
from handgrad.data.formats.reader import TEST, TRAIN, Contents, ImagesAndLabels
from handgrad.errors import DataError
from handgrad.files import check_is_file

_MAX_LINE = 1 << 20  # characters
_BATCH = 1000  # lines
_REMEDY = f"call its first column {LABELS[0]}"
_QUOTED = re.compile('"((?:[^"]|"")*)" *,')
_PIXEL = re.compile(" *0*([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]) *")


def accepts(path: Path) -> bool:
    """Return whether the path is a CSV file without columns for file names and labels.

    Raises:
        DataError: if the file cannot be read.
    """
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    return file_and_label(_cells(next(_lines(path), ""))) is None


def read(path: Path) -> Contents:
    """Read the training set, and the test set if there is one.

    If the file name contains "train", the test set is the file in the same folder whose name has
    "test" instead of "train".

    Args:
        path: a CSV file. A header line is skipped. The images are square, with H·H grey pixels, or
            3·H·H pixels with all red values first, then green, then blue.

    Raises:
        DataError: if a line is not a label followed by pixels.
    """
    tables = {TRAIN: _read_table(path)}
    test_path = path.with_name(path.name.replace("train", "test"))
    if test_path != path and test_path.is_file():
        tables[TEST] = _read_table(test_path)
    are_integers = all(map(_is_integer, chain(*(labels for _, labels in tables.values()))))
    return Contents(
        {
            split: ImagesAndLabels(
                X, np.array([int(k) for k in labels] if are_integers else labels)
            )
            for split, (X, labels) in tables.items()
        }
    )


def _read_table(path: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """Read the images of one file, (N, C, H, W), and their labels."""
    lines = _lines(path)
    first = next(lines, "")
    labels: list[str] = []
    batches: list[NDArray[np.uint8]] = []
    cells = _cells(first)
    if cells[0] == "" and cells[1:2] and cells[1].strip().lower() in LABELS:
        raise DataError(f"{path}: the first column contains line numbers; remove it (index=False)")
    count = len(cells) - 1
    has_header = _is_header(first)
    lines = chain([] if has_header else [first], lines)
    line_number = 1 + has_header
    while batch := list(islice(lines, _BATCH)):
        rows = [_split_line(line) for line in batch]
        batches.append(_pixels([pixels for _, pixels in rows], count, path, line_number))
        labels += [label for label, _ in rows]
        line_number += len(batch)
    if not batches:
        raise DataError(f"{path}: contains no images; each line must have a label and its pixels")
    _check_labels(labels, path, 1 + has_header)
    return np.concatenate(batches).reshape(len(labels), *_shape(count, path)), labels


def _check_labels(labels: Sequence[str], path: Path, at: int) -> None:
    """Raise a DataError if a label is missing, or if all labels except the first are numbers."""
    if "" in labels:
        raise DataError(f"{path}, line {at + labels.index('')}: the label is missing; add it")
    if len(labels) > 1 and not _is_integer(labels[0]) and all(map(_is_integer, labels[1:])):
        raise DataError(
            f"{path}, line {at}: the label {labels[0]!r} is followed by numbers; if this line is a "
            f"header, {_REMEDY}"
        )


def _pixels(rows: Sequence[str], count: int, path: Path, at: int) -> NDArray[np.uint8]:
    """Parse the pixels on n lines into (n, count); `at` is the number of the first line."""
    if all(rows):  # NumPy warns about empty rows
        with suppress(ValueError, OverflowError, IndexError):
            X = np.loadtxt(rows, np.int64, delimiter=",", comments=None, ndmin=2)
            if X.shape == (len(rows), count) and X.min() >= 0 and X.max() <= 255:
                return X.astype(np.uint8)
    bad = next((n for n, row in enumerate(rows, at) if not _is_good(row, count)), at)
    raise DataError(
        f"{path}, line {bad}: expected a label and {count:,} integers 0..255; correct it"
        + (f", or, if it is a header, {_REMEDY}" if bad == 1 else "")
    )


def _is_good(row: str, count: int) -> bool:
    """Return whether a line contains exactly `count` pixels."""
    cells = row.split(",")
    return len(cells) == count and all(_PIXEL.fullmatch(cell) for cell in cells)


def _shape(count: int, path: Path) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of square images with `count` values."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side and channels * side * side == count:
            return channels, side, side
    raise DataError(f"{path}: {count:,} pixels per line do not form a square grey or colour image")


def _lines(path: Path) -> Iterator[str]:
    """Yield the non-empty lines of a file."""
    try:
        check_is_file(path)
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(_MAX_LINE):
                if line.strip():
                    yield line.strip()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise DataError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def _cells(line: str) -> list[str]:
    """Return the cells of a line."""
    try:
        return next(csv.reader([line]), [""]) or [""]
    except csv.Error:
        return line.split(",")


def _split_line(line: str) -> tuple[str, str]:
    """Return the label on a line, and the text of the pixels."""
    if quoted := _QUOTED.match(line):
        return quoted[1].replace('""', '"'), line[quoted.end() :]
    label, _, pixels = line.partition(",")
    return label.strip(), pixels.strip()


def _is_integer(label: str) -> bool:
    """Return whether a label is an integer of at most nine digits."""
    return label.isdecimal() and label.isascii() and len(label) < 10


def _is_header(line: str) -> bool:
    """Return whether a line is a header: it starts with "label" or does not end with a number."""
    cells = [cell.strip().lower() for cell in _cells(line)]
    return cells[0] in LABELS or not cells[-1].lstrip("-").replace(".", "", 1).isdecimal()
