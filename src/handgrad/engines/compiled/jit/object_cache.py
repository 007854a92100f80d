"""The object cache, which saves compiled kernels to disk and loads them if this is safe."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from handgrad.posix import belongs_to_others, is_writable_by_others

MAX_VERSIONS = 4  # more are removed, except those used recently
RECENT = 7 * 24 * 60 * 60  # seconds

_DIGEST = hashlib.sha256().digest_size
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_VERSION = re.compile("[0-9a-f]{16}")


def read(version: str, name: str) -> bytes | None:
    """Return a kernel's object code, or None if the code is not cached or is corrupted.

    Args:
        version: the cache key, a hash of everything that the code depends on.
        name: the symbol name of the machine code.
    """
    folder = _folder(version)
    if folder is None:
        return None
    try:
        content = (folder / f"{name}.o").read_bytes()
    except OSError:
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    return code if hashlib.sha256(code).digest() == digest else None


def is_available(version: str) -> bool:
    """Return whether compiled kernels can be cached on this machine."""
    return _folder(version) is not None


def write(version: str, name: str, code: bytes) -> None:
    """Write object code to the cache atomically, so that no reader sees an incomplete file."""
    folder = _folder(version)
    if folder is None:
        return
    temporary = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # another process may have removed it
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            temporary = file.name
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(temporary, folder / f"{name}.o")
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        _warn_once(f"in {folder} ({error.strerror or error})")
        return
    _remove_old(folder)


@cache
def _remove_old(folder: Path) -> None:
    """Remove old versions of the cache, and temporary files left by killed processes.

    The newest versions and recently used versions are kept.
    """
    now = time.time()
    with suppress(OSError):  # another process may be removing the same
        others = [
            path
            for path in folder.parent.iterdir()
            if _VERSION.fullmatch(path.name) and path != folder and not path.is_symlink()
        ]
        others.sort(key=_last_used, reverse=True)
        for old in others[MAX_VERSIONS - 1 :]:
            if now - _last_used(old) > RECENT:
                shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):
        for path in folder.glob("tmp*"):
            if now - _last_used(path) > RECENT:
                path.unlink()


def _last_used(path: Path) -> float:
    """Return the time of a cache version's last use in seconds since 1970, or 0 if it is gone."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


@cache
def _folder(version: str) -> Path | None:
    """Return a version's cache folder, or None if it cannot be created or is not trusted.

    The cache folder may be read-only. For example, root may own it in a container image that
    includes compiled kernels.
    """
    chosen = os.environ.get("HANDGRAD_CACHE")
    try:
        root = Path(chosen).expanduser() if chosen else user_cache_path("handgrad")
    except RuntimeError:
        _warn_once("without a home folder")
        return None
    folder = root / "kernels" / version
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        for path in (root, folder.parent, folder):
            path.mkdir(mode=0o700, exist_ok=True)
            if path == folder.parent or (path == root and not chosen):
                _remove_write_permission(path)
            _check_permissions(path, folder)
    except OSError as error:
        _warn_once(f"in {folder} ({error.strerror or error})")
        return None
    with suppress(OSError):  # the folder may be read-only
        os.utime(folder)  # marks the version as used
    return folder


def _remove_write_permission(path: Path) -> None:
    """Remove the write permission of other users from a folder that handgrad created."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS_MAY_WRITE:
            path.chmod(mode & ~_OTHERS_MAY_WRITE)


def _check_permissions(path: Path, folder: Path) -> None:
    """Raise a PermissionError if another user could replace the code in a folder.

    Parent folders may be writable by other users if the sticky bit is set, as for /tmp.
    """
    status = path.stat()
    is_open = is_writable_by_others(status)
    if path != folder and status.st_mode & stat.S_ISVTX:
        is_open = False
    if is_open or belongs_to_others(status):
        which = "it" if path == folder else str(path)
        raise PermissionError(f"other users can write to {which}")


@cache
def _warn_once(place: str) -> None:
    logging.getLogger("handgrad").warning(
        "handgrad: compiled kernels cannot be cached %s; each process compiles them again. "
        "Set HANDGRAD_CACHE to a folder that only you can write to",
        place,
    )
