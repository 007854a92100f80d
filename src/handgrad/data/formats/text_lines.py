"""Read the lines of a text file, and recognize files that are no tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from handgrad.data.formats.idx import open_content
from handgrad.errors import DataError

_MAX_LINE = 1 << 20  # characters
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_EMPTY = " \t\r\n,;|\0"  # a line with nothing else has no cells


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that contains more than separators.

    Raises:
        DataError: if the file is not UTF-8 text, or UTF-16 text that states its byte order.
    """
    try:
        with open_content(path) as content:
            start = content.read(2)
        with open_content(path) as content:
            encoding = "utf-16" if start in _UTF_16 else "utf-8-sig"
            file = io.TextIOWrapper(cast("IO[bytes]", content), encoding)
            number = 0
            while line := file.readline(_MAX_LINE + 1):
                number += 1
                while line.count('"') % 2 and len(line) <= _MAX_LINE:  # a cell with a line break
                    if not (more := file.readline(_MAX_LINE + 1)):
                        break
                    line, number = line + more, number + 1
                if len(line) > _MAX_LINE:
                    raise DataError(
                        f"{path}, line {number}: is longer than {_MAX_LINE:,} characters; give a "
                        "table with one image per line"
                    )
                if line.strip(_EMPTY):
                    yield number, line.rstrip("\r\n")
    except ValueError:
        raise DataError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def check_is_table(path: Path, first: str) -> None:
    """Raise a DataError if the first line of a file shows that the file is no table."""
    if re.match(r"\s*<(!doctype|html|\?xml)", first, re.IGNORECASE):
        raise DataError(f"{path}: is a web page, not a table; download the table again")
    if first.startswith("version https://git-lfs"):
        raise DataError(
            f"{path}: contains only a Git LFS pointer; fetch the table itself with git lfs pull"
        )


def preamble(lines: Sequence[str]) -> int:
    """Return how many lines before the header are not rows: "sep=;" from Excel, and comments.

    NumPy writes a header as a comment, which is a row.
    """
    count = 0
    for line in lines[:-1]:
        is_title = line.startswith("#") and not re.search(r"[,;\t|]", line)
        is_header = is_title and len(line.split()) >= len(lines[-1].split()) > 1
        if not re.fullmatch(r"sep=.", line) and (not is_title or is_header):
            break
        count += 1
    return count
