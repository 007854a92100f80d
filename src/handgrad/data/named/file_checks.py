"""Compare the files of a built-in data set with the published files by SHA-256 checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from handgrad.data.formats.idx import is_gzipped, open_content, read_at_most
from handgrad.data.named.sources import File
from handgrad.errors import DataError

State = Literal["right", "wrong", "broken", "missing", "unknown"]


class FileCheck(NamedTuple):
    """The result of comparing one file with the published file.

    Attributes:
        path: the path of the file.
        state: "right", "wrong" (the content differs from the published file), "broken" (the file
            cannot be read or decompressed), "missing", or "unknown" (the file is not gzipped, but
            only the SHA-256 of the .gz file is published).
        expected: the published SHA-256.
        found: the SHA-256 of the file, or None if it could not be computed.
    """

    path: Path
    state: State
    expected: str
    found: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the file is identical to the published file."""
        return self.state == "right"


def check_file(file: File, path: Path) -> FileCheck:
    """Compare the file at `path` with the published file."""
    if not path.is_file():
        return FileCheck(path, "missing", file.sha256)
    try:
        if file.of == "gzip" and not is_gzipped(path):
            return FileCheck(path, "unknown", file.sha256)
        found = _sha256(file, path)
    except (DataError, OSError):
        return FileCheck(path, "broken", file.sha256)
    return FileCheck(path, "right" if found == file.sha256 else "wrong", file.sha256, found)


def require_published(name: str, checks: Sequence[FileCheck]) -> None:
    """Raise a DataError if files are missing, corrupted or different from the published files.

    Files in the state "unknown" are accepted.
    """
    bad = sum(check.state in ("wrong", "broken") for check in checks)
    missing = sum(check.state == "missing" for check in checks)
    remedy = f"run `handgrad data fetch {name}`"
    if bad:
        raise DataError(
            f"{name}: {bad} of {len(checks)} files differ from the published ones; "
            f"remove the wrong or broken files and {remedy}"
        )
    if missing:
        raise DataError(f"{name}: {missing} of {len(checks)} files are missing; {remedy}")


def _sha256(file: File, path: Path) -> str:
    """Return the SHA-256 of the content, or of the .gz file if only its checksum is published."""
    if file.of == "gzip":
        with path.open("rb") as gzipped:
            return hashlib.file_digest(gzipped, "sha256").hexdigest()
    with open_content(path) as content:  # reading one extra byte detects a longer file
        return hashlib.sha256(read_at_most(content, file.size + 1)).hexdigest()
