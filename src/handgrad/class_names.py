"""Class names, which are strings or integers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from handgrad.errors import DataError

Label = str | int


def is_text(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8; some file names cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def normalized(name: Label) -> Label:
    """Return a name in the Unicode normalization form NFC, in which each letter is one character.

    Some programs write a letter with an accent as two characters. The two forms look the same.
    """
    return unicodedata.normalize("NFC", name) if isinstance(name, str) else name


def as_text(name: Label) -> str:
    """Return the text by which class names are compared: 3 equals "3", and NFD equals NFC."""
    return str(normalized(name))


def same_names(names: Iterable[Label]) -> list[str]:
    """Return the names that occur in several Unicode forms, normalized and sorted."""
    seen: dict[str, set[str]] = {}
    for name in names:
        if isinstance(name, str):
            seen.setdefault(as_text(name), set()).add(name)
    return sorted(name for name, forms in seen.items() if len(forms) > 1)


def class_names(classes: Sequence[Label]) -> tuple[Label, ...]:
    """Check class names, and return them as Python strings or integers.

    Raises:
        DataError: if there are no names, if two names are equal, or if strings and numbers are
            mixed.
    """
    names = tuple(c.item() if isinstance(c, np.generic) else c for c in classes)
    if not names:
        raise DataError("there are no classes; name at least one")
    if not (all(isinstance(n, str) for n in names) or all(type(n) is int for n in names)):
        raise DataError(f"the classes must be all strings or all integers, not {names}")
    for at, name in enumerate(names):
        if name in names[:at]:
            raise DataError(f"two classes have the name {name!r}; give them different names")
    return names
