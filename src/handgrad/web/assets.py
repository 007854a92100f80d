"""The page's files, held in memory: a request names one of them, and never a path on the disk."""

from __future__ import annotations

from collections.abc import Iterable
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
    return found | {"/": _with_preloads(found["/page/index.html"], sorted(found))}


def _with_preloads(page: Asset, paths: Iterable[str]) -> Asset:
    """Return the page with a link to each module, so that the browser loads all of them at once.

    Otherwise, it learns of a module only when it has loaded the module that imports it.
    """
    links = "".join(f'<link rel="modulepreload" href="{p}">\n' for p in paths if p.endswith(".js"))
    return page._replace(content=page.content.replace(b"</head>", links.encode() + b"</head>"))


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
