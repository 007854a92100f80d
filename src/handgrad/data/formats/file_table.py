"""Read a table of image files: a CSV file such as metadata.csv, or a pandas DataFrame."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handgrad.data.formats.columns import Columns
from handgrad.data.formats.folder_files import visible_files
from handgrad.data.formats.folder_tree import is_image
from handgrad.data.formats.image_folder import TABLE, with_checked_labels
from handgrad.data.formats.pixel_table import (
    SPLIT_VALUES,
    interpreted,
    label_summary,
    one_hot_labels,
    siblings,
)
from handgrad.data.formats.reader import TRAIN, Contents, FileList, Skipped
from handgrad.data.formats.text_table import TextTable, is_text_table
from handgrad.errors import DataError


def accepts(path: Path) -> bool:
    """Return whether the path is a table of files, or a folder that contains metadata.csv.

    Raises:
        DataError: if the file cannot be read, or its columns are ambiguous.
    """
    table = _table_at(path)
    return is_text_table(table) and (path.is_dir() or interpreted(table)[1].files is not None)


def read(path: Path) -> Contents:
    """List the image files that a table names.

    The table has a column with files, a column with labels, and optionally a column with splits.
    The names of the files may lack the suffix. They are relative to the folder of the table, or to
    a folder inside it such as images/. A table without labels lists images to predict. If the name
    of the table contains "train", the test set is listed in the table with "test" instead.

    Args:
        path: the table, or a folder that contains a table named metadata.csv.

    Raises:
        DataError: if the file is not a table with these columns, or a file cannot be found.
        OSError: if a folder cannot be read.
    """
    table = _table_at(path)
    splits, unlabelled, summary = _read_one(table)
    skipped = []
    if splits.keys() == {TRAIN}:
        for split, sibling in siblings(table):
            try:
                labelled, others, _ = _read_one(sibling)
            except DataError as error:
                skipped.append(Skipped(sibling.name, str(error)))
                continue
            if others is None:
                splits[split] = labelled[TRAIN]
            else:
                unlabelled = unlabelled or others
    return Contents(splits, unlabelled, summary, tuple(skipped))


def _read_one(path: Path) -> tuple[dict[str, FileList], FileList | None, str]:
    """Return the labelled files of each split of one table, those without labels, and a summary."""
    table, columns = interpreted(path)
    if columns.files is None:
        raise DataError(f"{table.path} has no columns file_name and label; rename its columns")
    wanted = [k for k in (columns.files, columns.label, columns.split) if k is not None]
    wanted += columns.one_hot
    cells = table.cells(wanted, ())
    texts = dict(zip(wanted, cells.texts, strict=True))
    files = _found_files(table, columns.files, cells.lines.tolist(), texts[columns.files])
    summary = _summary(table, columns)
    labels = texts.get(columns.label) if columns.label is not None else None
    if columns.one_hot:
        labels = one_hot_labels(table, columns.one_hot, cells.lines, texts)
    if labels is None:
        return {}, FileList(files, []), summary
    splits: dict[str, FileList] = {}
    names = texts[columns.split] if columns.split is not None else [TRAIN] * len(files)
    for line, file, label, split in zip(cells.lines, files, labels, names, strict=True):
        if not label or split.lower() not in SPLIT_VALUES:
            column = columns.split if label and columns.split is not None else columns.label
            assert column is not None, "labels from one-hot columns are complete"
            found = f"{split[:60]!r} is not a split" if label else "the label is missing"
            raise DataError(
                f"{table.path}, line {line}, {table.column(column)}: {found}; correct it"
            )
        listed = splits.setdefault(SPLIT_VALUES[split.lower()], FileList([], []))
        listed.paths.append(file)
        listed.labels.append(label)
    return with_checked_labels(splits, path), None, summary


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


def names_existing_files(path: Path) -> bool:
    """Return whether a table lists labelled files, and the first one exists."""
    table, columns = interpreted(path)
    if columns.files is None or (columns.label is None and not columns.one_hot):
        return False
    name = table.sample[0][columns.files]
    if not name or "\0" in name:
        return False
    return (path.parent / name).is_file() or bool(_searched(path.parent, [name])[1])


def _table_at(path: Path) -> Path:
    return path / TABLE if path.is_dir() else path


def _found_files(
    table: TextTable, column: int, lines: Sequence[int], names: Sequence[str]
) -> list[Path]:
    """Return the path of each named file."""
    folder = table.path.parent

    def error(row: int, reason: str) -> DataError:
        place = f"{table.path}, line {lines[row]}, {table.column(column)}"
        return DataError(f"{place}: {reason}")

    for row, name in enumerate(names):
        if not name or "\0" in name:
            raise error(row, f"expected the name of an image file, not {name[:60]!r}; correct it")
    if is_image(Path(names[0])) and (folder / names[0]).is_file():
        return [folder / _portable(folder, name) for name in names]
    names, places = _searched(folder, names)
    if not places:
        if all(is_image(Path(name)) for name in names):  # the missing file is reported later
            return [folder / name for name in names]
        raise error(
            0,
            f"there is no image {names[0][:60]!r} in {folder} or its folders, with or without a "
            "suffix such as .png; correct the name",
        )
    found = max(places.values(), key=len)
    for row, name in enumerate(names):
        if len(files := found.get(name, [])) != 1:
            problem = f"{len(files)} images are" if files else "there is no image"
            raise error(row, f"{problem} called {name[:60]!r} in {folder}; correct the name")
    return [found[name][0] for name in names]


def _portable(folder: Path, name: str) -> str:
    """Return a name with / instead of the separator of Windows, unless a file has this name."""
    return name if "\\" not in name or (folder / name).exists() else name.replace("\\", "/")


def _searched(
    folder: Path, names: Sequence[str]
) -> tuple[list[str], Mapping[Path, dict[str, list[Path]]]]:
    """Search for named images, and for the ends of their names if they are on another computer.

    Returns:
        The part of each name that was searched for, and the images in each folder.
    """
    parts = [re.split(r"/+", _portable(folder, name).strip("/")) for name in names]
    parts = [[part for part in some if part != "."] for some in parts]
    for left_out in range(max(map(len, parts))):
        ends = ["/".join(some[min(left_out, len(some) - 1) :]) for some in parts]
        if places := _places(folder, ends):
            return ends, places
    return list(names), {}


def _places(folder: Path, names: Sequence[str]) -> Mapping[Path, dict[str, list[Path]]]:
    """Search for named images in a folder and in the folders below it.

    Returns:
        For each folder with at least one of the images, the paths of each name. A name may include
        folders, and may lack the suffix.
    """
    wanted, depths = set(names), {len(Path(name).parts) for name in names}
    lower = {name.lower(): name for name in names}
    places: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    others: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for file in visible_files(folder):
        if not is_image(file):
            continue
        parts = file.relative_to(folder).parts
        for depth in depths:
            name = "/".join(parts[len(parts) - depth :]) if depth <= len(parts) else ""
            place = folder.joinpath(*parts[: len(parts) - depth])
            for form in (name, name.removesuffix(file.suffix)):
                if form in wanted:
                    places[place][form].append(file)
                elif form.lower() in lower:  # Windows ignores the case of names
                    others[place][lower[form.lower()]].append(file)
    return places or others


def _summary(table: TextTable, columns: Columns) -> str:
    """Describe how the table was interpreted."""
    assert columns.files is not None
    has_labels = columns.label is not None or bool(columns.one_hot)
    parts = [label_summary(table, columns, has_labels), f"files: {table.column(columns.files)}"]
    if columns.split is not None:
        parts.append(f"split: {table.column(columns.split)}")
    if columns.skipped:
        parts.append(f"skipped: {', '.join(map(table.column, columns.skipped[:5]))}")
    return "; ".join(parts)
