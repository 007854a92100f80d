"""The place of a run: taken when it begins, so that it has a name if it is stopped."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from handgrad.errors import ConfigError
from handgrad.files import sweep
from handgrad.training.keeper import LOCK, Found, newest

RUNS = Path("runs")
MODEL = "model.safetensors"
DAY = 24 * 60 * 60
_CHECKPOINTS = "checkpoints"


@contextmanager
def begun(out: Path | None, name: str) -> Iterator[Path]:
    """Give a folder of its own to a run that begins.

    A run that fails before its first checkpoint leaves nothing behind; one that fails later can
    go on in its folder.

    Args:
        out: the place, which must be free; None: the first free one of ``runs/NAME-1``,
            ``runs/NAME-2`` and so on.
        name: what to call it there.

    Raises:
        ConfigError: if the place is taken or cannot be written to.
    """
    made = [p for p in (out or RUNS, *(out or RUNS).parents) if not _is_there(p)]
    folder = None
    try:
        if out is None:
            made.insert(0, folder := _first_free(name))
        else:
            folder = _asked_for(out)
        _remove_forgotten(folder.parent)
        yield folder
    finally:
        if folder is not None and not has_checkpoint(folder):
            shutil.rmtree(checkpoints(folder), ignore_errors=True)
        for place in made:
            with suppress(OSError):  # it is not empty, or was not made
                place.rmdir()


def checkpoints(folder: Path) -> Path:
    """Return where the checkpoints of a run lie."""
    return folder / _CHECKPOINTS


def has_checkpoint(folder: Path) -> bool:
    """Say whether there is something to go on from."""
    return any(checkpoints(folder).glob("checkpoint-*"))


def stopped(folder: Path) -> Found:
    """Return where a run was stopped.

    Raises:
        ConfigError: if it was not.
        StorageError: if none of its checkpoints is whole.
    """
    found = newest(checkpoints(folder))
    if found is not None:
        return found
    if (folder / MODEL).is_file():
        raise ConfigError(
            f"{folder} is finished, there is nothing to go on with; "
            f"`handgrad evaluate {folder}` says how good it is"
        )
    raise ConfigError(
        f"{folder} is no run that was stopped: there is no checkpoint in it; "
        "give the folder that `handgrad train` named"
    )


def finish(folder: Path) -> None:
    """Remove the checkpoints of a run that has all its files, and what killed processes left."""
    for part in (folder, *(p for p in folder.iterdir() if p.is_dir())):
        sweep(part)
    shutil.rmtree(checkpoints(folder), ignore_errors=True)


def _first_free(name: str) -> Path:
    return next(
        place
        for number in itertools.count(1)
        if _takes(place := RUNS / f"{name}-{number}", new=True)
    )


def _asked_for(out: Path) -> Path:
    if not _takes(out):
        raise ConfigError(f"{out} is there already, and no empty folder; give --out another name")
    return out


def _takes(place: Path, new: bool = False) -> bool:
    """Take a place; say whether it was free: missing, or where it need not be new, empty."""
    try:
        place.mkdir(parents=True, exist_ok=not new)
        if next(place.iterdir(), None) is not None:
            return False
        checkpoints(place).mkdir()  # of several that found it empty, one can do this
        if [*place.iterdir()] != [checkpoints(place)]:  # another has been here, and is through
            checkpoints(place).rmdir()
            return False
    except FileExistsError:
        return False
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(
            f"{place} cannot be written to ({reason}); give --out another place"
        ) from None
    return True


def _is_there(place: Path) -> bool:
    try:
        place.lstat()
    except OSError:
        return False
    return True


def _remove_forgotten(parent: Path) -> None:
    """Remove what runs left that were killed before they began, a day ago or earlier."""
    for folder in parent.glob(f"*/{_CHECKPOINTS}"):
        with suppress(OSError):  # it is not empty, or another run removed it first
            if time.time() - folder.stat().st_mtime > DAY and {*folder.iterdir()} <= {
                folder / LOCK
            }:
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()
                folder.parent.rmdir()
