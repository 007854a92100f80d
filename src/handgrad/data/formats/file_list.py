"""Which image files a folder or a table holds, and what each shows."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.class_names import Label, is_text
from handgrad.data.formats.decode import SUFFIXES
from handgrad.data.inspect.issue import counted
from handgrad.errors import DataError
from handgrad.files import check_is_file

TRAIN, TEST, VALIDATION = "train", "test", "validation"
_SPLITS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing"), TEST),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
}
_WHOLE = re.compile("0|[1-9][0-9]{0,8}")
TABLE = "metadata.csv"
_FILES = ("file_name", "filename", "file", "path", "image", "image")
LABELS = ("label", "class", "category", "target")
_SPLIT = ("split", "set", "subset")
_LONGEST_TABLE = 1 << 28  # bytes
_FORMS = (
    "a folder holds FOLDER/CLASS/*.png, FOLDER/train/CLASS/*.png beside FOLDER/test/CLASS/*.png, "
    f"or {TABLE} with the columns file_name and label"
)


class Found(NamedTuple):
    """The image files of one split.

    Attributes:
        paths: where they lie.
        labels: what each shows.
    """

    paths: list[Path]
    labels: list[Label]


def list_images(place: Path) -> dict[str, Found]:
    """Return the image files of each split: "train", "test", "validation", as there are.

    Where nothing says which is which, all are "train". Names that begin with a point, and files
    that are no PNG, JPEG, GIF or BMP by their names, are passed over. Classes whose names are all
    whole numbers are numbers.

    Args:
        place: a folder of folders, a folder with `metadata.csv`, or such a table itself.

    Raises:
        DataError: if there are no images, the table is none, or a class has no readable name.
    """
    try:
        table = place / TABLE if place.is_dir() else place
        splits = _in_folders(place) if table.is_dir() or not table.exists() else _in_table(table)
    except OSError as error:
        raise DataError(
            f"{error.filename or place} cannot be read ({error.strerror}); make it readable, or "
            "give another folder"
        ) from None
    if not any(found.paths for found in splits.values()):
        raise DataError(f"{place} holds no images{_others(place)}; {_FORMS}")
    for label in dict.fromkeys(label for found in splits.values() for label in found.labels):
        if not is_text(str(label)):
            raise DataError(f"{place}: the class {label!r} is no text in UTF-8; rename it")
    return _numbered(splits)


def file_and_label(columns: Sequence[str]) -> tuple[str, str] | None:
    """Return the columns of a table that hold files and labels; None: there are none."""
    file, label = _first(columns, _FILES), _first(columns, LABELS)
    return (file, label) if file and label else None


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """Return the folders with the classes of each split; a folder without splits is "train".

    What lies beside a folder of training images, and is no split, is in none.
    """
    inside = _folders(folder)
    splits: dict[str, list[Path]] = {}
    named = [below for below in inside if _is_split(below)]
    for below in named:
        splits.setdefault(_SPLITS[below.name.lower()], []).extend(_folders(below))
    return splits if TRAIN in splits or (named and named == inside) else {TRAIN: inside}


def beside_splits(folder: Path) -> list[Path]:
    """Return the folders with images that are passed over, for they lie beside splits."""
    inside = _folders(folder)
    if class_folders(folder) == {TRAIN: inside}:
        return []
    others = [below for below in inside if not _is_split(below)]
    return [below for below in others if any(map(is_image, files_below(below)))]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files in a folder and those below it, in order, without hidden ones."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            continue
        if entry.is_dir():
            yield from files_below(Path(entry.path))
        else:
            yield Path(entry.path)


def is_image(path: Path) -> bool:
    """Say whether a file is an image, by its name."""
    return path.suffix.lower() in SUFFIXES


def _is_split(folder: Path) -> bool:
    """Say whether a folder is a split, and no class that is called so: it holds no images."""
    if folder.name.lower() not in _SPLITS:
        return False
    return bool(_folders(folder)) or not any(map(is_image, folder.iterdir()))


def _in_folders(folder: Path) -> dict[str, Found]:
    """Return the images that lie in folders named as their classes."""
    splits = {}
    for split, classes in class_folders(folder).items():
        found = Found([], [])
        for below in classes:
            images = [path for path in files_below(below) if is_image(path)]
            found.paths.extend(images)
            found.labels.extend([below.name] * len(images))
        splits[split] = found
    return splits


def _in_table(table: Path) -> dict[str, Found]:
    """Return the images that a table names, with paths from where it lies."""
    columns, rows = _rows(table)
    names = file_and_label(columns)
    if names is None:
        raise DataError(f"{table} lacks the columns file_name and label; name them so")
    if not rows:
        raise DataError(f"{table} has no rows; give one for each image")
    file, label = names
    split = _first(columns, _SPLIT)
    splits: dict[str, Found] = {}
    for number, row in rows:
        name, shows = row[file] or "", row[label] or ""
        named = (row[split] or "") if split else TRAIN
        of = _SPLITS.get(named.strip().lower())
        if not name or not shows or of is None or "\0" in name:
            raise DataError(
                f"{table}, line {number}: a file, a label and a split such as train are wanted, "
                f"not {name[:60]!r}, {shows[:60]!r} and {named[:60]!r}"
            )
        found = splits.setdefault(of, Found([], []))
        found.paths.append(table.parent / name)
        found.labels.append(shows)
    return splits


def _rows(table: Path) -> tuple[list[str], list[tuple[int, dict[str, str | None]]]]:
    """Return the columns of a table, and its rows with the lines that they end on."""
    check_is_file(table)
    if table.stat().st_size > _LONGEST_TABLE:
        raise DataError(f"{table} is too large for a table of files; is it another file?")
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = [name for name in reader.fieldnames or () if name]
            return columns, [(reader.line_num, row) for row in reader]
    except (csv.Error, ValueError) as error:
        raise DataError(
            f"{table} is no table ({error}); give a CSV file in UTF-8, an NPZ file, or a folder of "
            "images or of IDX files"
        ) from None


def _others(place: Path) -> str:
    """Return how many files of other kinds were met, in words."""
    files = files_below(place) if place.is_dir() else ()
    others = [path for path in files if not is_image(path)]
    kinds = ", ".join(sorted({path.suffix.lower() for path in others if path.suffix})[:5])
    told = counted(
        len(others), "file of a kind that is not read", "files of kinds that are not read"
    )
    return f", but {told} ({kinds}); convert them to PNG" if kinds else ""


def _numbered(splits: dict[str, Found]) -> dict[str, Found]:
    """Return the same with whole numbers for labels, if all are such."""
    names = {str(label) for found in splits.values() for label in found.labels}
    if not all(_WHOLE.fullmatch(name) for name in names):
        return splits
    return {
        split: Found(found.paths, [int(label) for label in found.labels])
        for split, found in splits.items()
    }


def _folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, in order, without hidden ones."""
    return [
        Path(entry.path)
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if entry.is_dir() and not entry.name.startswith(".") and entry.name != "__MACOSX"
    ]


def _first(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first of the wanted names that is a column, whatever its case."""
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in wanted if name in by_name), None)
