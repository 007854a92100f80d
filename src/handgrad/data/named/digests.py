"""Whether a file is the published one, by its SHA-256."""

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
    """What a look at a file brought.

    Attributes:
        path: where it lies, or should.
        state: "right"; "wrong": other content; "broken": cannot be unzipped or read; "missing";
            "unknown": only the digest of the .gz is published, and this is unzipped.
        expected: the published SHA-256.
        found: the file's own; None where it has none to compare.
    """

    path: Path
    state: State
    expected: str
    found: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the file is the published one."""
        return self.state == "right"


def check_file(file: File, path: Path) -> FileCheck:
    """Compare what lies at `path` with what was published."""
    if not path.is_file():
        return FileCheck(path, "missing", file.sha256)
    try:
        if file.of == "gzip" and not is_gzipped(path):
            return FileCheck(path, "unknown", file.sha256)
        found = _digest(file, path)
    except (DataError, OSError):
        return FileCheck(path, "broken", file.sha256)
    return FileCheck(path, "right" if found == file.sha256 else "wrong", file.sha256, found)


def check_published(name: str, checks: Sequence[FileCheck]) -> None:
    """Raise a DataError with the cure, if files of data are missing or not the published ones.

    What nobody can compare is no fault.
    """
    bad = sum(check.state in ("wrong", "broken") for check in checks)
    missing = sum(check.state == "missing" for check in checks)
    cure = f"run `handgrad data fetch {name}`"
    if bad:
        raise DataError(
            f"{name} differs from what was published in {bad} of its {len(checks)} files; "
            f"remove what is wrong or broken and {cure}"
        )
    if missing:
        raise DataError(f"{name} lacks {missing} of its {len(checks)} files; {cure}")


def _digest(file: File, path: Path) -> str:
    """Return the SHA-256 of a file, of the content or of the .gz as `file` has it."""
    if file.of == "gzip":
        with path.open("rb") as gzipped:
            return hashlib.file_digest(gzipped, "sha256").hexdigest()
    with open_content(path) as content:  # one byte too many is enough to be another content
        return hashlib.sha256(read_at_most(content, file.size + 1)).hexdigest()
