"""Sections of a document that commands write, between two marks each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from handgrad.errors import DataError
from handgrad.files import replacing


def write(section: str, text: str, path: Path) -> None:
    """Put a section in its place in a document, or at the end of it, or into a new one.

    Args:
        section: its name, which stands in the marks.
        text: what it says, in Markdown.
        path: the document.

    Raises:
        DataError: if the document has one of the two marks around the section, but not both.
    """
    before, _, after = _parted(section, path)
    begin, end = _marks(section)
    with replacing(path) as temporary:
        new = f"{before}{begin}\n\n{text}\n{end}{after or chr(10)}"
        temporary.write_text(new, encoding="utf-8")


def read(section: str, path: Path) -> str:
    """Return what a section of a document says; nothing if it is not there.

    Raises:
        DataError: if the document has one of the two marks around the section, but not both.
    """
    return _parted(section, path)[1].strip()


def table(headings: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table; a heading that begins with > is set to the right."""
    lines = [
        [heading.removeprefix(">") for heading in headings],
        ["--:" if heading.startswith(">") else "---" for heading in headings],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parted(section: str, path: Path) -> tuple[str, str, str]:
    """Return what stands before a section, in it and after it."""
    (begin, end), old = _marks(section), path.read_text("utf-8") if path.exists() else ""
    before, begun, rest = old.partition(begin)
    inside, ended, after = rest.partition(end)
    if bool(begun) != bool(ended) or end in before:
        raise DataError(f"{path}: put back the marks {begin} and {end}, or remove both")
    if not begun and before:
        before = before.rstrip("\n") + "\n\n"
    return before, inside, after


def _marks(section: str) -> tuple[str, str]:
    return f"<!-- begin: {section} -->", f"<!-- end: {section} -->"
