"""Read a table of pixels: each line has the label and the pixels of one image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.columns import Columns, interpret
from handgrad.data.formats.image_folder import SPLIT_NAMES
from handgrad.data.formats.label_values import are_integers, as_integer, bad_label, from_one_hot
from handgrad.data.formats.parquet import is_parquet, open_parquet
from handgrad.data.formats.pixel_rows import square_layout, to_images
from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Contents, ImagesAndLabels
from handgrad.data.formats.text_table import (
    Cells,
    TextTable,
    is_text_table,
    open_table,
)
from handgrad.errors import DataError

# The values of a column such as `Usage`. FER2013 calls its two test sets public and private.
SPLIT_VALUES = {**SPLIT_NAMES, "publictest": VALIDATION, "privatetest": TEST, "dev": VALIDATION}
_SIBLINGS = ((TEST, "test"), (VALIDATION, "valid"), (VALIDATION, "val"))
_FEW = 20  # rows from which the values of a column are evidence
_MAX_CLASSES = 2000
_MANY = 100  # distinct values


class LabelledRows(NamedTuple):
    """The images in one table, before the labels are converted.

    Attributes:
        images: the images, (N, C, H, W).
        labels: the text of each label, or None if the table has no labels.
        splits: the split of each image, or None if the table does not state it.
        label: the column with the labels, if it was decided by the values.
        summary: how the table was interpreted.
    """

    images: NDArray[Any]
    labels: list[str] | None
    splits: list[str] | None
    label: int | None
    summary: str


def accepts(path: Path) -> bool:
    """Return whether the path is a text table whose columns are not files.

    Raises:
        DataError: if the file cannot be read, or its columns are ambiguous.
    """
    return is_table(path) and interpreted(path)[1].files is None


def read(path: Path) -> Contents:
    """Read the training set, and the test and validation sets if there are any.

    If the file name contains "train", the test set is the file in the same folder whose name has
    "test" instead of "train". A table without labels contains images to predict.

    Args:
        path: a table as a CSV or TSV file, possibly gzipped. The header names the label; without a
            header, the label is the first column, or the last one if only that can be the label.
            The images are square, unless the names of the pixels state their rows and columns.

    Raises:
        DataError: if a cell cannot be read; the message names the file, the line and the column.
    """
    main = read_rows(path)
    if main.labels is None:
        return Contents({}, _without_labels(main), main.summary)
    if main.splits is not None:
        is_in = {split: np.array(main.splits) == split for split in dict.fromkeys(main.splits)}
        parts = {
            split: main._replace(
                images=main.images[chosen],
                labels=[main.labels[i] for i in np.flatnonzero(chosen)],
            )
            for split, chosen in is_in.items()
        }
        return Contents(with_labels(parts), None, main.summary)
    parts, unlabelled = {TRAIN: main}, None
    for split, sibling in siblings(path):
        other = read_rows(sibling, main.label)
        if other.labels is not None:
            parts[split] = other
        elif unlabelled is None:
            unlabelled = _without_labels(other)
    return Contents(with_labels(parts), unlabelled, main.summary)


def is_table(path: Path) -> bool:
    """Return whether a file is a text table or a Parquet file, according to its name."""
    return is_text_table(path) or is_parquet(path)


def interpreted(path: Path) -> tuple[TextTable, Columns]:
    """Open a table and decide what each column contains.

    Raises:
        DataError: if the file cannot be read, or its columns are ambiguous.
    """
    table = open_parquet(path) if is_parquet(path) else open_table(path)
    try:
        return table, interpret(table.names, table.sample, SPLIT_VALUES)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def siblings(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the split and the path of the files that belong to a file with "train" in its name.

    They are in the same folder, or in a folder whose name differs in the same way.
    """
    found: set[str] = set()
    for split, name in _SIBLINGS:

        def renamed(match: re.Match[str], name: str = name) -> str:
            text = match[0]
            return name.upper() if text.isupper() else name.title() if text[0].isupper() else name

        change = partial(re.sub, "train", renamed, flags=re.IGNORECASE)
        files = [path.with_name(change(string=path.name))]
        if path.parent.name:
            folder = path.parent.with_name(change(string=path.parent.name))
            files.append(folder / files[0].name)
        for file in files:
            if file != path and file.is_file() and split not in found:
                found.add(split)
                yield split, file


def with_labels(parts: Mapping[str, LabelledRows]) -> dict[str, ImagesAndLabels]:
    """Convert the labels of all splits to integers if all represent integers."""
    integers = all(are_integers(part.labels or ()) for part in parts.values())
    splits = {}
    for split, part in parts.items():
        labels = part.labels or []
        y = np.array([as_integer(text) for text in labels] if integers else labels)
        splits[split] = ImagesAndLabels(part.images, y)
    return splits


def read_rows(path: Path, label: int | None = None) -> LabelledRows:
    """Read one table.

    Args:
        path: the file.
        label: 0 if the first column is the label, or -1 if it is the last one; None to decide this
            by the values. It has no effect if the table names the label.

    Raises:
        DataError: if the table cannot be read.
    """
    table, columns = interpreted(path)
    decided = None
    if columns.undecided:
        square_layout(len(columns.pixels) - 1, str(path))
        ends = (columns.pixels[0], columns.pixels[-1])
        decided = _choose_label(table, ends) if label is None else label
        at = ends[decided]
        columns = replace(columns, label=at, pixels=tuple(k for k in columns.pixels if k != at))
    texts = [k for k in (columns.label, columns.split, *columns.one_hot) if k is not None]
    cells = table.cells(texts, columns.pixels, columns.packed)
    if not len(cells.lines):
        raise DataError(f"{path}: contains no images; add one line per image")
    images, size = to_images(cells.values, columns.layout, str(path))
    found = dict(zip(texts, cells.texts, strict=True))
    labels = _labels(table, columns, cells, found)
    summary = [label_summary(table, columns, labels is not None), size]
    splits = None
    if columns.split is not None:
        splits = _splits(table, columns.split, cells, found[columns.split])
        summary.append(f"split: {table.column(columns.split)}")
    if columns.skipped:
        summary.append(f"skipped: {', '.join(map(table.column, columns.skipped[:5]))}")
    return LabelledRows(images, labels, splits, decided, "; ".join(summary))


def _labels(
    table: TextTable, columns: Columns, cells: Cells, texts: Mapping[int, list[str]]
) -> list[str] | None:
    """Return the label of each row, or None if the table has no labels."""
    if columns.one_hot:
        return one_hot_labels(table, columns.one_hot, cells.lines, texts)
    if columns.label is None:
        return None
    return checked_labels(table, columns.label, cells.lines, texts[columns.label])


def one_hot_labels(
    table: TextTable,
    columns: Sequence[int],
    lines: NDArray[np.int64],
    texts: Mapping[int, list[str]],
) -> list[str]:
    """Return the label of each row of one-hot columns; `texts` contains their cells.

    Raises:
        DataError: if a row is not one-hot.
    """
    assert table.names is not None
    names = [table.names[k] for k in columns]
    labels = from_one_hot([texts[k] for k in columns], names)
    if isinstance(labels, int):
        raise DataError(
            f"{table.place(lines[labels])}, {_range(table, columns)}: "
            "exactly one of these one-hot labels must be 1, and the others 0; correct the row"
        )
    return labels


def checked_labels(
    table: TextTable, column: int, lines: NDArray[np.int64], labels: list[str]
) -> list[str] | None:
    """Return the labels unchanged, or None if all are missing.

    Raises:
        DataError: if a label is missing, or is not a whole number although the others are.
    """
    if not any(labels):
        return None
    if bad := bad_label(labels):
        row, reason = bad
        raise DataError(f"{table.place(lines[row])}, {table.column(column)}: {reason}")
    return labels


def _splits(table: TextTable, column: int, cells: Cells, texts: Sequence[str]) -> list[str]:
    """Return the split of each row."""
    for line, text in zip(cells.lines, texts, strict=True):
        if text.lower() not in SPLIT_VALUES:
            raise DataError(
                f"{table.place(line)}, {table.column(column)}: {text[:40]!r} is not a split; "
                "write train, test or validation"
            )
    return [SPLIT_VALUES[text.lower()] for text in texts]


def _choose_label(table: TextTable, ends: tuple[int, int]) -> int:
    """Return 0 if the first of two columns is the label, or -1 if the second one is.

    Raises:
        DataError: if both or neither can be the label.
    """
    first, last = (_LabelEvidence(column) for column in table.cells(ends, ()).texts)
    if first.is_label and not last.is_label:
        return 0
    if last.is_label and not first.is_label:
        return -1
    if first.is_label and last.is_label:
        if first.classes * 3 <= last.classes > _MANY:
            return 0
        if last.classes * 3 <= first.classes > _MANY:
            return -1
        if first.is_contiguous and not last.is_contiguous:
            return 0
    elif first.classes and (first.rows < _FEW or first.classes == last.classes == 1):
        return 0
    raise DataError(
        f"{table.path}: it is unclear whether the label is column {ends[0] + 1} or column "
        f"{ends[1] + 1}; add a header that calls it label"
    )


class _LabelEvidence:
    """Whether the values of a column can be labels rather than the pixel in a corner."""

    def __init__(self, texts: Sequence[str]) -> None:
        values = [as_integer(text) for text in texts]
        whole = [value for value in values if value is not None]
        is_whole = len(whole) == len(values)
        counts = np.unique(whole if is_whole else [], return_counts=True)[1]
        self.rows, self.classes = len(values), len(counts)
        varies = 2 <= self.classes <= min(self.rows / 2, _MAX_CLASSES)
        # A corner has the same value in nearly all images.
        self.is_label = self.rows >= _FEW and varies and counts.max() < 0.9 * self.rows
        self.is_contiguous = varies and max(whole) - min(whole) == self.classes - 1


def _without_labels(rows: LabelledRows) -> ImagesAndLabels:
    return ImagesAndLabels(rows.images, np.empty(0, np.int64))


def label_summary(table: TextTable, columns: Columns, has_labels: bool) -> str:
    """Describe where the labels are."""
    if columns.one_hot:
        return f"label: {_range(table, columns.one_hot)}, one-hot"
    if not has_labels or columns.label is None:
        return "no labels"
    return f"label: {table.column(columns.label)}"


def _range(table: TextTable, columns: Sequence[int]) -> str:
    return f"{table.column(columns[0])} to {table.column(columns[-1])}"
