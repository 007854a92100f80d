"""Read a table of image files: a CSV file such as metadata.csv, or a pandas DataFrame."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handgrad.data.formats.image_folder import SPLIT_NAMES, TABLE, with_checked_labels
from handgrad.data.formats.reader import TRAIN, Contents, FileList
from handgrad.errors import DataError
from handgrad.files import check_is_file

LABELS = ("label", "class", "category", "target")
_FILES = ("file_name", "filename", "file", "path", "image", "picture")  # language: ok
_SPLIT = ("split", "set", "subset")
_MAX_BYTES = 1 << 28


def accepts(path: Path) -> bool:
    """Return whether the path is a file or a folder that contains metadata.csv."""
    table = _table_at(path)
    return table.exists() and not table.is_dir()


def read(path: Path) -> Contents:
    """List the image files that a CSV file names by paths relative to its own folder.

    The file has a column with paths, a column with labels, and optionally a column with splits.

    Args:
        path: the CSV file, or a folder that contains a CSV file named metadata.csv.

    Raises:
        DataError: if the file is not a table with these columns.
        OSError: if the file cannot be read.
    """
    table = _table_at(path)
    columns, rows = _read_rows(table)
    names = file_and_label(columns)
    if names is None:
        raise DataError(f"{table} has no columns file_name and label; rename its columns")
    if not rows:
        raise DataError(f"{table} has no rows; it must have one row per image")
    file_column, label_column = names
    split_column = _first_match(columns, _SPLIT)
    splits: dict[str, FileList] = {}
    for line, row in rows:
        file, label = row[file_column] or "", row[label_column] or ""
        split = (row[split_column] or "") if split_column else TRAIN
        name = SPLIT_NAMES.get(split.strip().lower())
        if not file or not label or name is None or "\0" in file:
            raise DataError(
                f"{table}, line {line}: expected a file, a label and a split such as train, "
                f"not {file[:60]!r}, {label[:60]!r} and {split[:60]!r}"
            )
        files = splits.setdefault(name, FileList([], []))
        files.paths.append(table.parent / file)
        files.labels.append(label)
    return Contents(with_checked_labels(splits, path))


def read_frame(
    frame: Any, path: str, label: str, folder: str | os.PathLike[str], name: str
) -> FileList:
    """List the image files in a pandas DataFrame.

    Args:
        frame: the DataFrame.
        path: the name of the column with the paths.
        label: the name of the column with the labels.
        folder: the folder that relative paths refer to.
        name: the name that error messages use for the data.

    Raises:
        DataError: if `frame` is not a DataFrame, a column is missing, or a path is missing.
    """
    columns = getattr(frame, "columns", None)
    if columns is None:
        raise DataError(
            f"{name}: expected a pandas DataFrame, not a {type(frame).__name__}; make one with "
            "pandas.DataFrame(table)"
        )
    for column in (path, label):
        if (count := list(columns).count(column)) != 1:
            known = ", ".join(map(str, columns))
            number = "no column" if not count else f"{count} columns"
            raise DataError(f"{name}: the DataFrame has {number} {column!r}; it has {known}")
    files = frame[path].tolist()
    if not files:
        raise DataError(f"{name}: the DataFrame has no rows; it must have at least one")
    for row, file in enumerate(files):
        if not isinstance(file, str | os.PathLike) or "\0" in os.fspath(file):
            raise DataError(
                f"{name}: the path in row {row} is {file!r}; correct it or drop the row"
            )
    return FileList([Path(folder, file) for file in files], frame[label].tolist())


def file_and_label(columns: Sequence[str]) -> tuple[str, str] | None:
    """Return the names of the columns with files and labels, or None if one of them is missing."""
    file, label = _first_match(columns, _FILES), _first_match(columns, LABELS)
    return (file, label) if file and label else None


def _table_at(path: Path) -> Path:
    return path / TABLE if path.is_dir() else path


def _read_rows(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str | None]]]]:
    """Read the column names of a table, and each row with the number of its last line."""
    check_is_file(table)
    if table.stat().st_size > _MAX_BYTES:
        raise DataError(f"{table} is too large for a table of files; is it something else?")
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = [name for name in reader.fieldnames or () if name]
            return columns, [(reader.line_num, row) for row in reader]
    except (csv.Error, ValueError) as error:
        raise DataError(
            f"{table} is not a table ({error}); give a CSV file in UTF-8, an NPZ file, or a "
            "folder of images or of IDX files"
        ) from None


def _first_match(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Try the names in order, and return the first column that matches one, ignoring case."""
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in names if name in by_name), None)
