"""Class names, which are strings or integers."""

from __future__ import annotations

from collections.abc import Sequence

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
