"""Divide a text file into rows and cells, and convert cells to numbers.

The values are the same whether or not pyarrow is installed. pyarrow only converts them faster.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.columns import LIST, NUMBER_PATTERN, Names, has_header, kind_of
from handgrad.data.formats.text_lines import check_is_table, lines_of, preamble
from handgrad.errors import DataError
from handgrad.pixel_range import PixelRange

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data")

_DELIMITERS = (",", ";", "\t", "|")
_MAX_ROWS = 10_000_000
_SAMPLE = 20  # rows
_BLOCK = 1 << 22  # characters
_NUMBER = re.compile(NUMBER_PATTERN)
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+")
_BRACKETS = str.maketrans(",;[]()", "      ")


@dataclass(frozen=True)
class TextTable:
    """How a text file is divided into cells.

    Attributes:
        path: the file.
        delimiter: the character between two cells.
        decimal: the decimal separator of numbers, a point or a comma.
        names: the column names in the header, or None if there is no header.
        sample: the cells of the first rows.
        skip: the number of lines before the header that are no rows.
    """

    path: Path
    delimiter: str
    decimal: str
    names: Names | None
    sample: tuple[tuple[str, ...], ...]
    skip: int = 0

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.names or self.sample[0])

    def cells(
        self, texts: Sequence[int], numbers: Sequence[int], packed: int | None = None
    ) -> Cells:
        """Read some columns of all rows: see `read_cells`."""
        return read_cells(self, texts, numbers, packed)

    def place(self, line: int) -> str:
        """Describe a row by its line number, for error messages."""
        return f"{self.path}, line {line}"

    def column(self, index: int) -> str:
        """Describe a column, such as "column 785 `label`"."""
        name = self.names[index] if self.names else ""
        return f"column {index + 1}" + (f" `{name[:60]}`" if name else "")


class Cells(NamedTuple):
    """The cells of a table.

    Attributes:
        lines: the line number of each row, (N,) int64.
        texts: the text of each row, for each requested column.
        values: the numbers, (N, P): uint8 if all are integers 0..255, int32 if all are integers of
            another range of pixels, and otherwise float32.
    """

    lines: NDArray[np.int64]
    texts: list[list[str]]
    values: NDArray[Any]


def is_text_table(path: Path) -> bool:
    """Return whether a file is a text table, possibly gzipped, according to its name."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in SUFFIXES and path.is_file()


def open_table(path: Path) -> TextTable:
    """Find the delimiter and the header of a text file from its first lines.

    Raises:
        DataError: if the file cannot be read, is not UTF-8 text or contains no rows.
    """
    lines = [line for _, line in islice(lines_of(path), _SAMPLE + 1)]
    if not lines:
        raise DataError(f"{path}: contains no images; add one line per image")
    check_is_table(path, lines[0])
    skip = preamble(lines)
    lines = lines[skip:]
    delimiter = max(_DELIMITERS, key=lambda mark: _agreement(lines, mark))
    if " " in lines[0].strip() and not any(mark in lines[0] for mark in _DELIMITERS):
        delimiter = " "  # the default of numpy.savetxt
    rows = [tuple(_cells(line, delimiter)) for line in lines]
    decimal = "."
    if delimiter != "," and any(_COMMA.fullmatch(cell) for row in rows for cell in row):
        decimal = ","
        rows = [tuple(_with_point(cell) for cell in row) for row in rows]
    _check_separators(path, rows)
    names: Names | None = None
    if has_header(rows):
        if len(rows) == 1:
            raise DataError(f"{path}: contains no images, only a header; add one line per image")
        names = _complete_names(rows.pop(0), rows)
    width = len(names or rows[0])
    sample = tuple(row for row in rows if len(row) == width)
    if not sample:
        raise DataError(
            f"{path}: the header has {width:,} cells, but the first row has {len(rows[0]):,}; "
            "correct it"
        )
    return TextTable(path, delimiter, decimal, names, sample[:_SAMPLE], skip)


def read_cells(
    table: TextTable, texts: Sequence[int], numbers: Sequence[int], packed: int | None = None
) -> Cells:
    """Read some columns of all rows as text, and others as numbers.

    Args:
        table: the file.
        texts: the indices of the columns to read as text.
        numbers: the indices of the columns to read as numbers, in the order of the result.
        packed: the index of a column with all numbers of a row in one cell, instead of `numbers`.

    Raises:
        DataError: if a cell is not a number, or a row has a different number of cells; the message
            names the line and the column.
    """
    found = Numbers(table, numbers, packed)
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in texts]
    for at, block in _blocks(table):
        _check_widths(table, at, block)
        for row in (_pick(table, line, texts) for line in block):
            for column, text in zip(columns, row, strict=True):
                column.append(text)
        found.add(at, block)
        lines += at
    return Cells(np.array(lines, np.int64), columns, found.values())


class Numbers:
    """The numbers of a table, collected block by block."""

    def __init__(self, table: TextTable, columns: Sequence[int], packed: int | None) -> None:
        self.table, self.columns, self.packed = table, columns, packed
        self.width = table.width
        if packed is not None:
            self.width = len(table.sample[0][packed].translate(_BRACKETS).split())
            self.columns = range(self.width)
        self.blocks: list[NDArray[Any]] = []
        self.outside: DataError | None = None  # the first integer that is not in 0..255
        self.fractions = False
        self.rows = self.rows_outside = 0

    def add(self, at: Sequence[int], lines: Sequence[str]) -> None:
        """Convert the numbers of a block of lines; `at` contains their line numbers."""
        if not self.columns:
            return
        delimiter = self.table.delimiter
        if self.packed is not None:
            delimiter = " "
            cells = (_pick(self.table, line, [self.packed])[0] for line in lines)
            lines = [" ".join(cell.translate(_BRACKETS).split()) for cell in cells]
            for line, text in zip(at, lines, strict=True):
                if (count := len(text.split())) != self.width:
                    raise self.error(line, self.packed, f"{count:,} numbers, not {self.width:,}")
        if self.table.decimal == ",":
            lines = [line.replace(",", ".") for line in lines]
        block = parse(lines, delimiter, self.columns, self.width)
        if block is None or not np.isfinite(block).all():
            raise self._bad_cell(at, lines, delimiter)
        self.keep(at, block)

    def keep(self, at: Sequence[int], block: NDArray[np.float64]) -> None:
        """Add the numbers (n, P) of n rows."""
        self.rows += len(block)
        low, high = block.min(), block.max()
        small = block.astype(np.uint8) if 0 <= low <= high <= 255 else None
        if small is not None and np.array_equal(small, block):
            self.blocks.append(small)
            return
        whole = block == np.floor(block)
        self.fractions = self.fractions or not whole.all()
        outside = (block < 0) | (block > 255)
        self.rows_outside += int(outside.any(axis=1).sum())
        if outside.any() and self.outside is None:
            row, k = np.unravel_index(int(outside.argmax()), block.shape)
            self.outside = self.error(
                at[int(row)],
                self.columns[int(k)],
                f"{block[row, k]:.15g} is out of range; whole numbers must be 0..255",
            )
        self.blocks.append(block.astype(np.float32))

    def values(self) -> NDArray[Any]:
        """Return the numbers of all blocks."""
        if not self.blocks:
            return np.empty((0, len(self.columns)), np.uint8)
        values = np.concatenate(self.blocks)
        if self.outside is None or self.fractions:
            return values
        values = values.astype(np.int32 if np.abs(values).max() < 1 << 24 else np.float64)
        is_typical = self.rows_outside * 2 >= self.rows  # otherwise it is a mistake in a cell
        if not is_typical or not PixelRange.of(values).is_known:
            raise self.outside
        return values

    def _bad_cell(self, at: Sequence[int], lines: Sequence[str], delimiter: str) -> DataError:
        """Return the error for the first cell that is not a finite number."""
        for line, text in zip(at, lines, strict=True):
            cells = _cells(text, delimiter)
            for k in self.columns:
                cell = cells[k]
                if not _NUMBER.fullmatch(cell) or not np.isfinite(float(cell)):
                    found = f"{cell[:40]!r} is not a number" if cell else "the cell is empty"
                    return self.error(line, k, found)
        return self.error(at[0], self.columns[0], "a number from here on cannot be read")

    def error(self, line: int, column: int, found: str) -> DataError:
        """Return the error for a cell."""
        place = self.table.column(column if self.packed is None else self.packed)
        if self.packed is not None and column != self.packed:
            place += f", number {column + 1}"
        return DataError(f"{self.table.place(line)}, {place}: {found}; correct it")


def parse(
    lines: Sequence[str], delimiter: str, columns: Sequence[int], width: int
) -> NDArray[np.float64] | None:
    """Convert some columns of rows with `width` cells to (n, P) float64, or return None.

    The result is None if a cell is not a number, but "NaN" and "inf" are converted.
    """
    values = _parse_with_arrow(lines, delimiter, columns, width)
    if values is not None:
        return values
    with suppress(ValueError, OverflowError, IndexError):
        return np.loadtxt(
            lines,
            np.float64,
            delimiter=delimiter,
            usecols=columns,
            comments=None,
            quotechar='"',
            ndmin=2,
        )
    return None


def _parse_with_arrow(
    lines: Sequence[str], delimiter: str, columns: Sequence[int], width: int
) -> NDArray[np.float64] | None:
    """Do the same as `parse` with pyarrow; return None if it is not installed or cannot do this."""
    try:
        import pyarrow
        from pyarrow import csv as arrow
    except ImportError:
        return None
    names = [str(k) for k in range(width)]
    chosen = [names[k] for k in columns]
    try:
        table = arrow.read_csv(
            pyarrow.py_buffer("\n".join(lines).encode()),
            arrow.ReadOptions(column_names=names),
            arrow.ParseOptions(delimiter=delimiter),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(chosen, pyarrow.float64()),
                include_columns=chosen,
                null_values=[],
            ),
        )
    except (pyarrow.ArrowException, ValueError):
        return None
    if table.num_rows != len(lines):
        return None
    values = np.empty((len(lines), len(chosen)))
    for k, column in enumerate(table.columns):
        values[:, k] = column.to_numpy()
    return values


def _blocks(table: TextTable) -> Iterator[tuple[list[int], list[str]]]:
    """Yield the line numbers and the lines of the rows, in blocks of similar size."""
    rows = lines_of(table.path)
    for _ in range(table.skip + (table.names is not None)):
        next(rows, None)
    numbers: list[int] = []
    lines: list[str] = []
    size = count = 0
    for number, line in rows:
        numbers.append(number)
        lines.append(line)
        size, count = size + len(line), count + 1
        if count > _MAX_ROWS:
            raise DataError(f"{table.path}: has more than {_MAX_ROWS:,} rows; split the file")
        if size > _BLOCK:
            yield numbers, lines
            numbers, lines, size = [], [], 0
    if lines:
        yield numbers, lines


def _check_widths(table: TextTable, at: Sequence[int], lines: Sequence[str]) -> None:
    """Raise a DataError unless each line has as many cells as the table has columns."""
    for number, line in zip(at, lines, strict=True):
        quoted = '"' in line
        width = len(_cells(line, table.delimiter)) if quoted else line.count(table.delimiter) + 1
        if width != table.width:
            raise DataError(
                f"{table.place(number)}: expected {table.width:,} cells, not {width:,}; correct it"
            )


def _pick(table: TextTable, line: str, columns: Sequence[int]) -> list[str]:
    """Return the cells of a line in some columns, without dividing the rest of the line."""
    if '"' in line:
        cells = _cells(line, table.delimiter)
        return [cells[k] for k in columns]
    picked = []
    for k in columns:
        if k < table.width // 2:
            cell = line.split(table.delimiter, k + 1)[k]
        else:
            cell = line.rsplit(table.delimiter, table.width - k)[k - table.width]
        picked.append(cell.strip())
    return picked


def _cells(line: str, delimiter: str) -> list[str]:
    """Return all cells of a line, without quotes and surrounding spaces."""
    if '"' in line:
        with suppress(csv.Error):
            lines = line.splitlines(keepends=True)
            row = next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), [""])
            return [cell.strip() for cell in row]
    return [cell.strip() for cell in line.split(delimiter)]


def _with_point(cell: str) -> str:
    """Return a cell with a decimal point if it is a number with a decimal comma."""
    return cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell


def _check_separators(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise a DataError if a comma or point in a number may separate thousands."""
    cells = {cell for row in rows for cell in row}
    marked = [cell for cell in cells if _COMMA.fullmatch(cell)]
    points = [cell for cell in cells if "." in cell and _NUMBER.fullmatch(cell)]
    if all(map(_THOUSANDS.fullmatch, points)) and any(
        cell.isascii() and cell.isdigit() and int(cell[:9]) > 255 for cell in cells
    ):
        marked += points
    if marked:
        raise DataError(
            f"{path}: it is unclear what {min(marked)[:40]!r} means; write numbers with a decimal "
            "point, and without a separator of thousands"
        )


def _complete_names(first: Sequence[str], rows: Sequence[Sequence[str]]) -> Names:
    """Return the names in a header; add an empty name if all rows have one cell more.

    The program R writes such tables: the first column, which contains row names, has no heading.
    """
    names = (first[0].lstrip("# "), *first[1:])  # NumPy writes a header as a comment
    if all(len(row) == len(names) + 1 for row in rows):
        is_trailing = all(not row[-1] for row in rows)
        return (*names, "") if is_trailing else ("", *names)
    return names


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[bool, int]:
    """Rate a delimiter: whether all lines have equally many cells, and how many."""
    rows = [_cells(line, delimiter) for line in lines]
    widths = {len(row) for row in rows}
    packed = any(kind_of(cell) == LIST for cell in rows[-1])
    return len(widths) == 1 and (min(widths) > 1) and not (packed and min(widths) == 1), max(widths)
