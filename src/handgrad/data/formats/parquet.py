"""Read the columns of a Parquet file as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.data.formats.text_table import Cells, Numbers, TextTable
from handgrad.errors import DataError
from handgrad.files import check_is_file

_SAMPLE = 20  # rows
_MAX_ROWS = 10_000_000
_MAX_BYTES = 1 << 33  # of all values, before compression


@dataclass(frozen=True)
class ParquetTable(TextTable):
    """A Parquet file. In `sample`, an encoded image is replaced by the name of a file."""

    def cells(
        self, texts: Sequence[int], numbers: Sequence[int], packed: int | None = None
    ) -> Cells:
        """Read some columns of all rows: see `read_parquet_cells`."""
        return read_parquet_cells(self, texts, numbers, packed)

    def place(self, line: int) -> str:
        """Describe a row, for error messages."""
        return f"{self.path}, row {line}"


def is_parquet(path: Path) -> bool:
    """Return whether a file is a Parquet file, according to its name."""
    return path.suffix.lower() in (".parquet", ".pq") and path.is_file()


def open_parquet(path: Path) -> ParquetTable:
    """Read the names and the first rows of a Parquet file.

    Raises:
        DataError: if the file cannot be read, or pyarrow is not installed.
    """
    with opened(path) as file:
        names = tuple(map(str, file.schema_arrow.names))
        for batch in file.iter_batches(batch_size=_SAMPLE):
            columns = [_sample(column) for column in batch.columns]
            return ParquetTable(path, "", ".", names, tuple(zip(*columns, strict=True)))
    raise DataError(f"{path}: contains no images; add one row per image")


def read_parquet_cells(
    table: TextTable, texts: Sequence[int], numbers: Sequence[int], packed: int | None = None
) -> Cells:
    """Read some columns as text, and others as numbers, like `text_table.read_cells`.

    Raises:
        DataError: if a cell is not a number; the message names the row and the column.
    """
    found = Numbers(table, numbers, packed)
    columns: list[list[str]] = [[] for _ in texts]
    rows = 0
    with opened(table.path) as file:
        class_names = _class_names(file)
        for batch in file.iter_batches(batch_size=4096):
            for texts_read, k in zip(columns, texts, strict=True):
                names = class_names.get(file.schema_arrow.names[k], ())
                texts_read += [_text(cell, names) for cell in batch.column(k).to_pylist()]
            at = range(rows + 1, rows + 1 + batch.num_rows)
            rows += batch.num_rows
            if packed is not None:
                _keep_lists(found, at, batch.column(packed))
            elif numbers:
                block = np.empty((len(at), len(numbers)))
                for i, k in enumerate(numbers):
                    block[:, i] = _floats(batch.column(k))
                _check_finite(found, at, block)
                found.keep(at, block)
    return Cells(np.arange(1, rows + 1), columns, found.values())


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a Parquet file, and check how large it is.

    Raises:
        DataError: if the file is corrupted or too large, or pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{path}: reading a Parquet file needs pyarrow; run pip install 'handgrad[tables]', or "
            "save the table as a CSV file"
        ) from None
    try:
        check_is_file(path)
        with parquet.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            size = sum(file.metadata.row_group(k).total_byte_size for k in groups)
            if file.metadata.num_rows > _MAX_ROWS or not 0 <= size <= _MAX_BYTES:
                raise DataError(f"{path}: states {size:,} bytes of values, which are too many")
            yield file
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        reason = str(error).split("\n")[0][:80]
        raise DataError(f"{path}: corrupted Parquet file ({reason}); get the file again") from None


def _sample(column: Any) -> list[str]:
    """Return the cells of a column as text."""
    return [_text(cell) for cell in column.to_pylist()]


def _text(cell: Any, names: Sequence[str] = ()) -> str:
    """Return a cell as text; a number is an index into `names`, if there are any."""
    if cell is None:
        return ""
    if isinstance(cell, bytes) or (isinstance(cell, dict) and "bytes" in cell):
        return "image.png"
    if isinstance(cell, list):
        return " ".join(map(str, _flat(cell)))
    if names and isinstance(cell, int) and 0 <= cell < len(names):
        return names[cell]
    return str(cell).strip()


def _flat(cell: Any) -> Iterator[Any]:
    """Yield the numbers in a list, or in a list of lists."""
    for value in cell:
        if isinstance(value, list):
            yield from _flat(value)
        else:
            yield value


def _floats(column: Any) -> Any:
    """Return the numbers of a column as float64; a missing or other value is NaN."""
    import pyarrow

    try:
        return column.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowException:
        return np.full(len(column), np.nan)


def _keep_lists(found: Numbers, at: Sequence[int], column: Any) -> None:
    """Append the numbers of a column whose cells contain lists, or lists as text."""
    block = np.empty((len(at), found.width))
    for i, cell in enumerate(column.to_pylist()):
        values = _text(cell).strip("[]() ").replace(",", " ").split()
        if len(values) != found.width:
            assert found.packed is not None
            raise found.error(at[i], found.packed, f"{len(values):,} numbers, not {found.width:,}")
        try:
            block[i] = np.array(values, np.float64)
        except ValueError:
            block[i] = np.nan
    _check_finite(found, at, block)
    found.keep(at, block)


def _check_finite(found: Numbers, at: Sequence[int], block: Any) -> None:
    """Raise a DataError if a number is missing or not finite."""
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):
        row, k = bad[0].tolist()
        raise found.error(at[row], found.columns[k], "the cell is empty or not a number")


def _class_names(file: Any) -> dict[str, list[str]]:
    """Return the class names of each column, as Hugging Face's datasets stores them."""
    stored = (file.schema_arrow.metadata or {}).get(b"huggingface")
    try:
        features = json.loads(stored or b"{}")["info"]["features"]
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
