"""Reads and writes generated sections of Markdown documents, each enclosed by two marks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from handgrad.errors import DataError
from handgrad.files import replacing


def write(section: str, text: str, path: Path) -> None:
    """Replace a section of a document, or append the section; a missing document is created.

    Args:
        section: the name of the section, which is part of the two marks.
        text: the new content of the section, in Markdown.
        path: the Markdown file.

    Raises:
        DataError: if the document has only one of the two marks around the section.
    """
    before, _, after = _parted(section, path)
    begin, end = _marks(section)
    with replacing(path) as temporary:
        new = f"{before}{begin}\n\n{text}\n{end}{after or chr(10)}"
        temporary.write_text(new, encoding="utf-8")


def read(section: str, path: Path) -> str:
    """Return the content of a section, or an empty string if the section is missing.

    Raises:
        DataError: if the document has only one of the two marks around the section.
    """
    return _parted(section, path)[1].strip()


def table(headings: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table; columns whose heading begins with > are right-aligned."""
    lines = [
        [heading.removeprefix(">") for heading in headings],
        ["--:" if heading.startswith(">") else "---" for heading in headings],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parted(section: str, path: Path) -> tuple[str, str, str]:
    """Return the text before a section, its content, and the text after it."""
    (begin, end), old = _marks(section), path.read_text("utf-8") if path.exists() else ""
    before, begun, rest = old.partition(begin)
    inside, ended, after = rest.partition(end)
    if bool(begun) != bool(ended) or end in before:
        raise DataError(f"{path}: restore the marks {begin} and {end}, or remove both")
    if not begun and before:
        before = before.rstrip("\n") + "\n\n"
    return before, inside, after


def _marks(section: str) -> tuple[str, str]:
    return f"<!-- begin: {section} -->", f"<!-- end: {section} -->"
