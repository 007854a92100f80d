"""The `Issue`: one problem found in the user's images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Issue(NamedTuple):
    """One problem in a set of images, and its remedy.

    Attributes:
        kind: its short name, such as "unreadable".
        severity: "error": training would fail, or the test accuracy would be wrong; "warning":
            the accuracy may suffer; "note": for information.
        problem: what was found.
        remedy: what to do.
        files: the files concerned.
    """

    kind: str
    severity: Severity
    problem: str
    remedy: str
    files: tuple[str, ...] = ()


def counted(count: int, one: str, many: str) -> str:
    """Return a count with the singular or plural words.

    >>> counted(1, "file is empty", "files are empty")
    '1 file is empty'
    """
    return f"{count:,} {one if count == 1 else many}"


def shortened(names: Sequence[str]) -> str:
    """Return the first five names, and the number of names if there are more."""
    return ", ".join(names[:5]) + (f", ... ({len(names)})" if len(names) > 5 else "")
