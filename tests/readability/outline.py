"""Prints the first docstring line of each file in some packages, for new readers.

python -m tests.readability.outline engines/compiled train
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "src/handgrad"
PLACES = ("engines/compiled", "train")


def outline(places: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (path, first docstring line) of each module, sorted by path."""
    for place in places:
        for path in sorted((PACKAGE / place).rglob("*.py")):
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            yield path.relative_to(PACKAGE).as_posix(), docstring.partition("\n")[0]


if __name__ == "__main__":
    for name, line in outline(sys.argv[1:] or PLACES):
        sys.stdout.write(f"{name:50} {line}\n")
