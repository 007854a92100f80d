"""Writes predictions to a CSV file with the columns that a user chooses."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

from handgrad.errors import ConfigError, did_you_mean
from handgrad.files import replacing
from handgrad.prediction.answers import Prediction

_RANKED = re.compile(r"(label|probability)([1-9][0-9]{0,5})")

# The value of each column, given the index of the image and the prediction.
COLUMNS: dict[str, Callable[[int, Prediction], Any]] = {
    "file": lambda _, found: found.image,
    "name": lambda _, found: PurePath(found.image).name,
    "stem": lambda _, found: PurePath(found.image).stem,
    "index": lambda index, _: index,
    "id": lambda index, _: index + 1,
    "true": lambda _, found: "" if found.label is None else found.label,
    "label": lambda _, found: _ranked(found, 1, 0),
    "probability": lambda _, found: _ranked(found, 1, 1),
    "sure": lambda _, found: str(found.is_confident).lower() if found.top else "",
    "reason": lambda _, found: found.error or found.reason,
}


def default_columns(top: int, has_labels: bool) -> str:
    """Return the default columns.

    Args:
        top: the number of most probable classes, K.
        has_labels: whether a label of an image is known.
    """
    names = ["file", *(["true"] if has_labels else []), "label", "probability", "sure", "reason"]
    for rank in range(2, top + 1):
        names += [f"label{rank}", f"probability{rank}"]
    return ",".join(names)


def check_columns(columns: str, top: int) -> list[tuple[str, str]]:
    """Return the heading and the name of each column in a text such as "ImageId=id,Label=label".

    Args:
        columns: column names, separated by commas; HEADING= before a name sets the column's
            heading.
        top: the number of most probable classes in a prediction, K.

    Raises:
        ConfigError: if there is no column with a given name.
    """
    found = []
    for part in columns.split(","):
        heading, is_set, name = (text.strip() for text in part.rpartition("="))
        ranked = _RANKED.fullmatch(name)
        if ranked and int(ranked[2]) > top:
            raise ConfigError(
                f"the column {name} needs the {ranked[2]} most probable classes, but there are "
                f"{top}; add --top {ranked[2]}, which must not be more than the number of classes"
            )
        if name not in COLUMNS and not ranked:
            raise ConfigError(
                f"there is no column {name!r}; choose from {', '.join(COLUMNS)}, label2, "
                f"probability2, ...{did_you_mean(name, COLUMNS)}"
            )
        found.append((heading if is_set else name, name))
    return found


def write_csv(
    path: Path, predictions: Iterable[Prediction], columns: Sequence[tuple[str, str]]
) -> None:
    """Write predictions to a CSV file. On an error, an existing file is left unchanged.

    Args:
        path: the file, in UTF-8 with a line feed at the end of each line.
        predictions: the predictions, one per line.
        columns: the heading and the name of each column, from `check_columns`.

    Raises:
        StorageError: if the file cannot be written.
    """
    values = [_column(name) for _, name in columns]
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow([heading for heading, _ in columns])
        for index, found in enumerate(predictions):
            table.writerow([value(index, found) for value in values])


def _column(name: str) -> Callable[[int, Prediction], Any]:
    """Return the function that computes the value of a column."""
    if name in COLUMNS:
        return COLUMNS[name]
    kind, rank = name.rstrip("0123456789"), int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return lambda _, found: _ranked(found, rank, int(kind == "probability"))


def _ranked(found: Prediction, rank: int, part: int) -> Any:
    """Return the class or the probability with a rank, or "" if the image cannot be read."""
    if rank > len(found.top):
        return ""
    value = found.top[rank - 1][part]
    return f"{value:.6f}" if part else value
