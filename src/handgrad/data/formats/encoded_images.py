"""Read a Parquet file in which each row contains an encoded image, such as a PNG, and a label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.decode import decode, without_warnings
from handgrad.data.formats.parquet import (
    ParquetTable,
    is_parquet,
    opened,
)
from handgrad.data.formats.pixel_table import (
    LabelledRows,
    checked_labels,
    interpreted,
    siblings,
    with_labels,
)
from handgrad.data.formats.reader import TRAIN, Contents, ImagesAndLabels
from handgrad.errors import DataError


def accepts(path: Path) -> bool:
    """Return whether the path is a Parquet file with a column of encoded images."""
    return is_parquet(path) and interpreted(path)[1].files is not None


def read(path: Path) -> Contents:
    """Decode the images, which all have the same size.

    If the file name contains "train", the test set is the file with "test" instead.

    Raises:
        DataError: if the file is corrupted, or an image cannot be decoded or has another size.
    """
    main = _read_one(path)
    if main.labels is None:
        return Contents({}, ImagesAndLabels(main.images, np.empty(0, np.int64)), main.summary)
    parts = {TRAIN: main}
    for split, sibling in siblings(path):
        other = _read_one(sibling)
        if other.labels is not None:
            parts[split] = other
    return Contents(with_labels(parts), None, main.summary)


def _read_one(path: Path) -> LabelledRows:
    """Read one file."""
    table, columns = interpreted(path)
    assert isinstance(table, ParquetTable)
    assert columns.files is not None
    images = _decoded(table, columns.files)
    H, W = images.shape[1:3]
    summary = f"images: {table.column(columns.files)}, {H}x{W}"
    if columns.label is None:
        return LabelledRows(images, None, None, None, f"no labels; {summary}")
    cells = table.cells([columns.label], ())
    labels = checked_labels(table, columns.label, cells.lines, cells.texts[0])
    label = f"label: {table.column(columns.label)}; "
    return LabelledRows(images, labels, None, None, label + summary)


def _decoded(table: ParquetTable, column: int) -> NDArray[np.uint8]:
    """Decode the images of a column into (N, H, W), or (N, H, W, C) if one is in colour."""
    assert table.names
    images: list[NDArray[np.uint8]] = []
    with opened(table.path) as file, without_warnings():
        for batch in file.iter_batches(batch_size=256, columns=[table.names[column]]):
            for cell in batch.column(0).to_pylist():
                images.append(_decode(cell, table, len(images) + 1))
    sizes = [image.shape[:2] for image in images]
    for row, size in enumerate(sizes, 1):
        if size != sizes[0]:
            raise DataError(
                f"{table.place(row)}: the image has {size[0]}x{size[1]} pixels, but the first one "
                f"has {sizes[0][0]}x{sizes[0][1]}; save the images as files FOLDER/CLASS/*.png"
            )
    channels = max(image.shape[2] if image.ndim == 3 else 1 for image in images)
    if channels == 1:
        return np.stack(images)
    return np.stack(
        [image if image.ndim == 3 else np.stack([image] * channels, axis=-1) for image in images]
    )


def _decode(cell: Any, table: ParquetTable, row: int) -> NDArray[np.uint8]:
    """Decode the image in one cell."""
    content, place = cell.get("bytes") if isinstance(cell, dict) else cell, table.place(row)
    if not isinstance(content, bytes):
        raise DataError(f"{place}: the image is missing; remove the row")
    try:
        image = decode(table.path, content)
    except DataError:
        raise DataError(f"{place}: the image cannot be decoded; remove the row") from None
    if image.ndim == 3 and image.shape[2] != 3:
        raise DataError(f"{place}: the image has an alpha channel; save the images without it")
    return image
