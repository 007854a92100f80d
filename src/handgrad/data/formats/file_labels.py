"""Read labels from the names of the files in a folder without class folders: LABEL_NUMBER.png."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.errors import DataError

_SEPARATOR = r"[ _.\-]+"
# Each form with its name. A number may be in brackets, as in "cat (1).png".
_FORMS = (
    ("LABEL_NUMBER", re.compile(rf"(?P<label>.*[^ _.\-]){_SEPARATOR}\(?(?P<number>\d+)\)?")),
    ("LABELNUMBER", re.compile(r"(?P<label>.*[^\W\d_])(?P<number>\d+)")),
    ("NUMBER_LABEL", re.compile(rf"(?P<number>\d+){_SEPARATOR}(?P<label>.*[^ _.\-])")),
)
_MANY_NUMBERS = 4  # times as many as labels
_MAX_DIGITS = 3  # a label of more digits is rather a date or a serial number
# Words with which cameras, scanners and programs begin a name.
_SERIAL = {
    *("image", "images", "img", "imgs", "photo", "pic", "foto", "frame", "file", "page", "data"),
    *("dsc", "dscn", "dscf", "dcim", "pxl", "mvimg", "screenshot", "scan", "video", "vid", "snap"),
    *("untitled", "unnamed", "whatsapp", "capture"),
}


class FileLabels(NamedTuple):
    """The labels in file names.

    Attributes:
        labels: the label of each file.
        form: the form of the names, such as "LABEL_NUMBER".
    """

    labels: list[str]
    form: str


def labels_in_names(paths: Sequence[Path]) -> FileLabels | None:
    """Return the labels in file names, or None if the names have no labels.

    All names must have the same form, and each label must occur about twice or more.

    Raises:
        DataError: if the names can be interpreted in two ways, such as 3_7.png.
    """
    found = [form for form in _FORMS if _matches(paths, form[1]) is not None]
    if len(found) > 1:
        clear = [form for form in found if _is_clear(_matches(paths, form[1]) or [])]
        if len(clear) != 1:
            raise DataError(
                f"{paths[0].parent}: {paths[0].name} may mean {found[0][0]} or {found[1][0]}; put "
                "the images of each class into a folder of its own"
            )
        found = clear
    if not found:
        return None
    name, form = found[0]
    return FileLabels([label for label, _ in _matches(paths, form) or []], name)


def _matches(paths: Sequence[Path], form: re.Pattern[str]) -> list[tuple[str, str]] | None:
    """Return the label and the number in each name, or None if the names do not have this form."""
    matches = [form.fullmatch(path.stem) for path in paths]
    pairs = [(m["label"], m["number"]) for m in matches if m]
    labels = {label for label, _ in pairs}
    is_valid = len(pairs) == len(paths) and 2 <= len(labels) <= len(paths) / 2
    return pairs if is_valid and all(map(_may_be_label, labels)) else None


def _may_be_label(text: str) -> bool:
    """Return whether a part of a name can be a label rather than a date or a serial number."""
    if text.isdecimal():
        return len(text) <= _MAX_DIGITS
    words = re.findall(r"[^\W\d_]+", text.lower())
    return bool(words) and _SERIAL.isdisjoint(words)


def _is_clear(pairs: Sequence[tuple[str, str]]) -> bool:
    """Return whether the first of two numbers is clearly the label, and the second a serial number.

    This is clear if the first takes few values and the second takes many, or if the images of each
    label are numbered without gaps, from 0 or 1.
    """
    numbers: dict[str, list[int]] = defaultdict(list)
    for label, number in pairs:
        numbers[label].append(int(number))
    if len({number for _, number in pairs}) >= _MANY_NUMBERS * len(numbers):
        return True
    return all(
        sorted(own) == list(range(min(own), min(own) + len(own))) and min(own) <= 1
        for own in numbers.values()
    )
