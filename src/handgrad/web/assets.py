"""The page's files, held in memory: a request names one of them, and never a path on the disk."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOLDERS = ("page", "runtime")


class Asset(NamedTuple):
    """A file of the page.

    Attributes:
        content: the bytes of the file.
        content_type: the value of the header `Content-Type`.
    """

    content: bytes
    content_type: str


@cache
def load_assets() -> dict[str, Asset]:
    """Return every file of the page and of the JavaScript runtime, by its path in the URL."""
    root = files("handgrad.web")
    found: dict[str, Asset] = {}
    for folder in FOLDERS:
        found |= _files(root / folder, f"/{folder}")
    return {"/": found["/page/index.html"]} | found


def _files(folder: Traversable, prefix: str) -> dict[str, Asset]:
    """Return the files of a folder and of the folders inside it, by their path in the URL."""
    found: dict[str, Asset] = {}
    for entry in folder.iterdir():
        path = f"{prefix}/{entry.name}"
        suffix = entry.name[entry.name.rfind(".") :]
        if entry.is_dir():
            found |= _files(entry, path)
        elif suffix in CONTENT_TYPES:
            found[path] = Asset(entry.read_bytes(), CONTENT_TYPES[suffix])
    return found
