"""`Issue`: a problem found in the user's images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Issue(NamedTuple):
    """A problem in a set of images, and how to fix it.

    Attributes:
        kind: the short name of the problem, such as "unreadable".
        severity: "error" if training would fail or the test accuracy would be wrong, "warning" if
            the accuracy may be reduced, or "note" for information.
        problem: what was found.
        remedy: how to fix it.
        files: the affected files.
    """

    kind: str
    severity: Severity
    problem: str
    remedy: str
    files: tuple[str, ...] = ()


def counted(count: int, one: str, many: str) -> str:
    """Return a count followed by the given words in the singular or plural.

    >>> counted(1, "file is empty", "files are empty")
    '1 file is empty'
    """
    return f"{count:,} {one if count == 1 else many}"


def shortened(names: Sequence[str]) -> str:
    """Return the first five names, followed by the total number of names if there are more."""
    return ", ".join(names[:5]) + (f", ... ({len(names)})" if len(names) > 5 else "")
