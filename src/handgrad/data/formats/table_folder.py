"""Read a folder of tables: train.csv and test.csv, or labels.csv next to the images it lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from handgrad.data.formats import encoded_images, file_table, pixel_table
from handgrad.data.formats.folder_files import contains_images
from handgrad.data.formats.parquet import is_parquet
from handgrad.data.formats.pixel_table import interpreted, is_table, siblings
from handgrad.data.formats.reader import Contents, Skipped
from handgrad.errors import DataError

_MAX_DEPTH = 5
_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


def accepts(path: Path) -> bool:
    """Return whether the path is a folder with a labelled table, whose files exist if it lists any.

    A table of pixels is ignored in a folder that contains images. The tables are searched in the
    folder inside if there is only one, or if only one with tables has "train" in its name.
    """
    return path.is_dir() and bool(_labelled(_entered(path)))


def read(path: Path) -> Contents:
    """Read the only labelled table in a folder, or the one whose name contains "train".

    The test set is the table with "test" instead of "train" in its name. If it has no labels, it is
    returned as `unlabelled`.

    Raises:
        DataError: if several tables could be the training set, or the table cannot be read.
    """
    path = _entered(path)
    labelled = _labelled(path)
    main = [table for table in labelled if "train" in table.name.lower()] or [
        table for table in labelled if not table.name.lower().startswith(("test", "val"))
    ]
    if len(main) != 1:
        names = ", ".join(table.name for table in (main or labelled)[:4])
        raise DataError(f"{path} contains several tables, {names}; give the path of one of them")
    readers = (file_table, encoded_images, pixel_table)
    reader = next(reader for reader in readers if reader.accepts(main[0]))
    contents = reader.read(main[0])
    used = {main[0], *(sibling for _, sibling in siblings(main[0]))}
    skipped = [
        Skipped(table.name, "neither the training nor the test table")
        for table in _tables(path)
        if table not in used
    ]
    return replace(contents, skipped=(*contents.skipped, *skipped))


def _entered(folder: Path) -> Path:
    """Return the folder itself, or the folder in it that contains the tables."""
    for _ in range(_MAX_DEPTH):
        inside = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__"))]
        if len(inside) != 1 or not inside[0].is_dir():
            inside = [entry for entry in inside if _is_training_folder(entry)]
            if len(inside) != 1 or any(_tables(folder)):
                break
        folder = inside[0]
    return folder


def _is_training_folder(path: Path) -> bool:
    return "train" in path.name.lower() and path.is_dir() and any(_tables(path))


def _labelled(folder: Path) -> list[Path]:
    """Return the tables with labels in a folder, in sorted order."""
    tables = [table for table in _tables(folder) if "submission" not in table.name.lower()]
    lists = [table for table in tables if _lists_existing_files(table)]
    if lists or not tables or contains_images(folder):
        return lists
    return [table for table in tables if _may_have_labels(table)]


def _lists_existing_files(table: Path) -> bool:
    """Return whether a table lists labelled images, and the first one exists."""
    try:
        return not is_parquet(table) and file_table.names_existing_files(table)
    except DataError:
        return False


def _may_have_labels(table: Path) -> bool:
    """Return whether a table has labels, or cannot be interpreted; `read` then gives the reason."""
    try:
        columns = interpreted(table)[1]
    except DataError:
        return True
    return columns.label is not None or bool(columns.one_hot) or columns.undecided


def _tables(folder: Path) -> Iterator[Path]:
    """Yield the tables in a folder in sorted order, except hidden ones."""
    for file in sorted(folder.iterdir()):
        name = file.name.lower()
        if name.endswith(_SUFFIXES) and not name.startswith(".") and is_table(file):
            yield file
