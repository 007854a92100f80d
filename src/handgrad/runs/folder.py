"""The place of a run: taken when it begins, so that it has a name if it is stopped.

Who is at work in a run's folder holds a lock there, from the first moment to the last: so what a
killed process has left is told from what another is about to fill.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from handgrad.errors import ConfigError, StorageError
from handgrad.files import is_temporary, sweep
from handgrad.signals import DeferredSignals, on_exit
from handgrad.train.checkpoint.manager import LOCK, LoadedCheckpoint, Lock, newest

RUNS = Path("runs")
MODEL = "model.safetensors"
DAY = 24 * 60 * 60
_CHECKPOINTS = "checkpoints"
_AT_WORK = "at-work"
_TOLD = "mlflow.json"  # may be there before there is a checkpoint
_TRIES = 100  # while others come and go in the same place


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
    folder: Path | None = None
    lock: Lock | None = None

    def clear() -> None:
        if folder is not None and not has_checkpoint(folder):
            shutil.rmtree(checkpoints(folder), ignore_errors=True)
            if not (folder / MODEL).exists():
                (folder / _TOLD).unlink(missing_ok=True)
        if lock is not None:
            lock.release()
        for place in made:
            with suppress(OSError):  # it is not empty, or was not made
                place.rmdir()

    with on_exit(clear):
        try:
            with (
                DeferredSignals(True) as signals,
                signals.deferred(),
            ):  # taken or not
                folder, lock = _first_free(name) if out is None else _asked_for(out)
                made = list(dict.fromkeys([folder, *made]))
            _remove_forgotten(folder.parent)
            yield folder
        finally:
            clear()


@contextmanager
def gone_on(folder: Path) -> Iterator[LoadedCheckpoint]:
    """Give where a run was stopped, and keep other processes out of its folder.

    Raises:
        ConfigError: if it was not stopped, or another process is at work there.
        StorageError: if none of its checkpoints is whole.
    """
    found = stopped(folder)
    lock = _lock(folder)
    if lock is None:
        raise ConfigError(f"{folder}: another process is at work there; wait for its end")
    try:
        yield found
    finally:
        lock.release()


def checkpoints(folder: Path) -> Path:
    """Return where the checkpoints of a run lie."""
    return folder / _CHECKPOINTS


def has_checkpoint(folder: Path) -> bool:
    """Say whether there is something to go on from."""
    return any(checkpoints(folder).glob("checkpoint-*"))


def stopped(folder: Path) -> LoadedCheckpoint:
    """Return where a run was stopped.

    Raises:
        ConfigError: if it was not.
        StorageError: if none of its checkpoints is whole, or it was begun in Python.
    """
    for place in (checkpoints(folder), folder):
        found = newest(place)
        if found is None:
            continue
        if "config" not in found.about:
            raise StorageError(
                f"{found.path}: holds no settings, for the run was begun in Python; go on there: "
                f"hg.fit(..., checkpoint={str(place)!r}, resume=True)"
            )
        if place == folder:
            raise ConfigError(f"{folder} holds the checkpoints of a run; give {folder.parent}")
        return found
    if (folder / MODEL).is_file():
        raise ConfigError(
            f"{folder} is finished, there is nothing to go on with; "
            f"`handgrad evaluate {folder}` says how good it is"
        )
    if checkpoints(folder).is_dir() and _is_free(folder):
        raise ConfigError(
            f"{folder} was stopped before its first checkpoint, there is nothing to go on with; "
            f"begin it again, with --out {folder}"
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


def _first_free(name: str) -> tuple[Path, Lock]:
    for number in itertools.count(1):
        place = RUNS / f"{name}-{number}"
        if lock := _take(place, new=True):
            return place, lock
    raise AssertionError("there are numbers enough")


def _asked_for(out: Path) -> tuple[Path, Lock]:
    if lock := _take(out):
        return out, lock
    raise ConfigError(f"{out} is there already, and no empty folder; give --out another name")


def _take(place: Path, new: bool = False) -> Lock | None:
    """Take a place; return what holds it, or None where it was not free.

    Free is one that is missing; where it need not be new, also one that is empty, or holds only
    what a run has left that was killed before its first checkpoint.
    """
    for tries in range(_TRIES, 0, -1):
        try:
            return _tried(place, new)
        except FileExistsError:
            return None
        except OSError as error:
            if tries > 1 and isinstance(error, FileNotFoundError):  # another removed what it made
                continue
            reason = error.strerror or error
            raise ConfigError(
                f"{place} cannot be written to ({reason}); give --out another place"
            ) from None
    raise AssertionError("the last try returns or raises")


def _tried(place: Path, new: bool) -> Lock | None:
    """Try once to take a place, as `_take`; what another process does there meanwhile may raise."""
    place.mkdir(parents=True, exist_ok=not new)
    if not _is_free(place):
        return None
    checkpoints(place).mkdir(exist_ok=True)
    lock = Lock(checkpoints(place) / _AT_WORK)
    if not lock.take():
        return None
    if not _is_free(place):  # another has been here, and is through
        if not has_checkpoint(place):
            shutil.rmtree(checkpoints(place), ignore_errors=True)
        lock.release()
        return None
    return lock


def _lock(folder: Path) -> Lock | None:
    """Keep other processes out of the folder of a run; None: one is at work there."""
    lock = Lock(checkpoints(folder) / _AT_WORK)
    try:
        return lock if lock.take() else None
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written to ({error.strerror or error}); let it be written to, or "
            "take another place"
        ) from None


def _is_free(place: Path) -> bool:
    """Say whether there is nothing in a place but what a run has before its first checkpoint."""
    inside = checkpoints(place)
    known = {inside, place / _TOLD} if _is_there(inside) else {inside}
    if any(path not in known for path in place.iterdir()):
        return False
    small = {inside / LOCK, inside / _AT_WORK}
    return not _is_there(inside) or all(p in small or is_temporary(p) for p in inside.iterdir())


def _is_there(place: Path) -> bool:
    try:
        place.lstat()
    except OSError:
        return False
    return True


def _remove_forgotten(parent: Path) -> None:
    """Remove what runs left that were killed before they began, a day ago or earlier."""
    for inside in parent.glob(f"*/{_CHECKPOINTS}"):
        with suppress(
            OSError, ConfigError
        ):  # another run removed it first, or it is nobody's business here
            old = time.time() - inside.stat().st_mtime > DAY
            if old and _is_free(inside.parent) and (lock := _lock(inside.parent)):
                shutil.rmtree(inside, ignore_errors=True)
                lock.release()
                (inside.parent / _TOLD).unlink(missing_ok=True)
                inside.parent.rmdir()
