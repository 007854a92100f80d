"""What the doctor of a folder finds."""

from __future__ import annotations

from typing import Literal, NamedTuple

Weight = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """Something about the images that one should know.

    Attributes:
        kind: a word for it, such as "unreadable".
        weight: "error": training would fail or deceive; "warning": it may do worse; "note".
        what: what was found, a sentence.
        cure: what to do, a sentence.
        files: the files concerned.
    """

    kind: str
    weight: Weight
    what: str
    cure: str
    files: tuple[str, ...] = ()


def counted(count: int, one: str, many: str) -> str:
    """Return how many there are, with the words for one or for many.

    >>> counted(1, "file is empty", "files are empty")
    '1 file is empty'
    """
    return f"{count:,} {one if count == 1 else many}"
