"""Object code, kept for later processes in a folder that only the user can write to."""

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

MOST = 4  # versions that are kept, beside those used lately
LATELY = 7 * 24 * 60 * 60  # seconds

_DIGEST = hashlib.sha256().digest_size
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_VERSION = re.compile("[0-9a-f]{16}")


def read(version: str, name: str) -> bytes | None:
    """Return the object code kept under a name; None: there is none, or it is damaged.

    Args:
        version: what changes with all that the code depends on.
        name: the name.
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


def possible(version: str) -> bool:
    """Say whether anything can be kept."""
    return _folder(version) is not None


def write(version: str, name: str, code: bytes) -> None:
    """Keep object code under a name; a reader sees all of it or nothing."""
    folder = _folder(version)
    if folder is None:
        return
    temporary = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # another may have removed it
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
    _forget_old(folder)


@cache
def _forget_old(folder: Path) -> None:
    """Remove what other versions kept that were not used lately, but for the last few.

    Whoever uses one of them after all compiles anew.
    """
    now = time.time()
    with suppress(OSError):  # another process does the same
        others = [
            path
            for path in folder.parent.iterdir()
            if _VERSION.fullmatch(path.name) and path != folder and not path.is_symlink()
        ]
        others.sort(key=_used, reverse=True)
        for old in others[MOST - 1 :]:
            if now - _used(old) > LATELY:
                shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):  # and what killed processes left of this one
        for path in folder.glob("tmp*"):
            if now - _used(path) > LATELY:
                path.unlink()


def _used(path: Path) -> float:
    """Return when a version was used last, in seconds since 1970; 0: it is gone."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


@cache
def _folder(version: str) -> Path | None:
    """Return the folder of kept object code, or None where there is none to be trusted.

    It may be one that can only be read, such as root's in an image with kernels for all.
    """
    named = os.environ.get("HANDGRAD_CACHE")
    try:
        root = Path(named).expanduser() if named else user_cache_path("handgrad")
    except RuntimeError:
        _warn_once("without a home folder")
        return None
    folder = root / "kernels" / version
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        for path in (root, folder.parent, folder):
            path.mkdir(mode=0o700, exist_ok=True)
            if path == folder.parent or (path == root and not named):
                _close(path)
            _check_is_own(path, folder)
    except OSError as error:
        _warn_once(f"in {folder} ({error.strerror or error})")
        return None
    with suppress(OSError):  # it can only be read
        os.utime(folder)  # the version that was not used for longest goes first
    return folder


def _close(path: Path) -> None:
    """Let nobody else write to a folder of handgrad's own, made perhaps where all may."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _BY_OTHERS:
            path.chmod(mode & ~_BY_OTHERS)


def _check_is_own(path: Path, folder: Path) -> None:
    """Raise a PermissionError where another user could put code in place of ours.

    Above the folder that the code lies in, it does where nobody can move what is another's, as
    under /tmp.
    """
    status = path.stat()
    is_open = is_writable_by_others(status)
    if path != folder and status.st_mode & stat.S_ISVTX:
        is_open = False
    if is_open or belongs_to_others(status):
        which = "it" if path == folder else str(path)
        raise PermissionError(f"others can write to {which}")


@cache
def _warn_once(where: str) -> None:
    logging.getLogger("handgrad").warning(
        "handgrad: compiled kernels cannot be kept %s: they are compiled anew in each process; "
        "set HANDGRAD_CACHE to a folder that only you can write to",
        where,
    )
