"""The folder of a run, which is reserved when the run begins.

The process of a run holds a lock in the folder from beginning to end. If the folder of an
unfinished run is not locked, its process was killed.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from handgrad.classifier import MODEL
from handgrad.errors import ConfigError, StorageError
from handgrad.files import is_temporary, sweep
from handgrad.signals import DeferredSignals, on_exit
from handgrad.train.checkpoint.manager import LOCK, LoadedCheckpoint, Lock, newest

RUNS = Path("runs")
DAY = 24 * 60 * 60
_CHECKPOINTS = "checkpoints"
_LOCK_FILE = "at-work"
_MLFLOW_FILE = "mlflow.json"  # can exist before the first checkpoint
_TRIES = 100  # while other processes create and remove the same folder


@contextmanager
def start_run(out: Path | None, name: str) -> Iterator[Path]:
    """Reserve a folder for a new run, and yield it.

    If the run fails before its first checkpoint, its folder is removed. If it fails later, it can
    be resumed.

    Args:
        out: the folder, which must be new, empty, or left behind by a run that was killed before
            its first checkpoint; or None to use ``runs/NAME-N`` with the first free
            number N.
        name: the NAME in ``runs/NAME-N``.

    Raises:
        ConfigError: if `out` is a folder with other contents, or cannot be written to.
    """
    created = [p for p in (out or RUNS, *(out or RUNS).parents) if not _is_there(p)]
    folder: Path | None = None
    lock: Lock | None = None

    def clear() -> None:
        if folder is not None and not has_checkpoint(folder):
            shutil.rmtree(checkpoints(folder), ignore_errors=True)
            if not (folder / MODEL).exists():
                (folder / _MLFLOW_FILE).unlink(missing_ok=True)
        if lock is not None:
            lock.release()
        for path in created:
            with suppress(OSError):  # it is not empty, or was not created
                path.rmdir()

    with on_exit(clear):
        try:
            with (
                DeferredSignals(True) as signals,
                signals.deferred(),
            ):  # reserved completely or not at all
                folder, lock = _first_free(name) if out is None else _take_given(out)
                created = list(dict.fromkeys([folder, *created]))
            _remove_forgotten(folder.parent)
            yield folder
        finally:
            clear()


@contextmanager
def resume_run(folder: Path) -> Iterator[LoadedCheckpoint]:
    """Yield the newest checkpoint of an interrupted run, and lock its folder.

    Raises:
        ConfigError: if the run was not interrupted, or another process uses the folder.
        StorageError: if none of the run's checkpoints can be read.
    """
    found = find_checkpoint(folder)
    lock = _lock(folder)
    if lock is None:
        raise ConfigError(f"{folder}: another process uses this run; wait until it ends")
    try:
        yield found
    finally:
        lock.release()


def is_in_use(folder: Path) -> bool:
    """Return whether a process trains the run in a folder; False if this cannot be found out."""
    try:
        if not (checkpoints(folder) / _LOCK_FILE).exists():
            return False
        lock = _lock(folder)
    except (OSError, ConfigError):
        return False
    if lock is not None:
        lock.release()
    return lock is None


def checkpoints(folder: Path) -> Path:
    """Return the folder of a run's checkpoints."""
    return folder / _CHECKPOINTS


def has_checkpoint(folder: Path) -> bool:
    """Return whether a run has a checkpoint to resume from."""
    return any(checkpoints(folder).glob("checkpoint-*"))


def find_checkpoint(folder: Path) -> LoadedCheckpoint:
    """Return the newest checkpoint of an interrupted run.

    Raises:
        ConfigError: if the run was not interrupted.
        StorageError: if no checkpoint can be read, or if the run was started in Python.
    """
    for path in (checkpoints(folder), folder):
        found = newest(path)
        if found is None:
            continue
        if "config" not in found.about:
            raise StorageError(
                f"{found.path}: has no settings, because the run was started in Python; resume it "
                f"with hg.fit(..., checkpoint={str(path)!r}, resume=True)"
            )
        if path == folder:
            raise ConfigError(
                f"{folder} is the folder of a run's checkpoints; give {folder.parent}"
            )
        return found
    if (folder / MODEL).is_file():
        raise ConfigError(
            f"{folder} is finished and cannot be resumed; `handgrad evaluate {folder}` evaluates it"
        )
    if checkpoints(folder).is_dir() and _is_free(folder):
        if is_in_use(folder):
            raise ConfigError(f"{folder}: another process uses this run; wait until it ends")
        raise ConfigError(
            f"{folder} was interrupted before its first checkpoint and cannot be resumed; "
            f"start it again with --out {folder}"
        )
    raise ConfigError(
        f"{folder} is not an interrupted run, because it has no checkpoint; "
        "give the folder that `handgrad train` printed"
    )


def finish(folder: Path) -> None:
    """Remove the checkpoints of a finished run and the temporary files of killed processes."""
    for part in (folder, *(p for p in folder.iterdir() if p.is_dir())):
        sweep(part)
    shutil.rmtree(checkpoints(folder), ignore_errors=True)


def _first_free(name: str) -> tuple[Path, Lock]:
    for number in itertools.count(1):
        folder = RUNS / f"{name}-{number}"
        if lock := _take(folder, new=True):
            return folder, lock
    raise AssertionError("itertools.count never ends")


def _take_given(out: Path) -> tuple[Path, Lock]:
    if lock := _take(out):
        return out, lock
    raise ConfigError(
        f"{out} already exists and is not an empty folder; choose another folder with --out"
    )


def _take(folder: Path, new: bool = False) -> Lock | None:
    """Reserve a folder and return its lock, or return None if the folder is not free.

    A folder that does not exist is free. If `must_be_new` is false, an empty folder is free too,
    and so is the folder of a run that was killed before its first checkpoint.
    """
    for tries in range(_TRIES, 0, -1):
        try:
            return _try_take(folder, new)
        except FileExistsError:
            return None
        except OSError as error:
            if tries > 1 and isinstance(error, FileNotFoundError):  # another process removed it
                continue
            reason = error.strerror or error
            raise ConfigError(
                f"{folder} cannot be written to ({reason}); choose another folder with --out"
            ) from None
    raise AssertionError("the last try returns or raises")


def _try_take(folder: Path, new: bool) -> Lock | None:
    """Do the same as `_take`, but try only once, and do not catch an OSError."""
    folder.mkdir(parents=True, exist_ok=not new)
    if not _is_free(folder):
        return None
    checkpoints(folder).mkdir(exist_ok=True)
    lock = Lock(checkpoints(folder) / _LOCK_FILE)
    if not lock.take():
        return None
    if not _is_free(folder):  # another process used it meanwhile
        if not has_checkpoint(folder):
            shutil.rmtree(checkpoints(folder), ignore_errors=True)
        lock.release()
        return None
    return lock


def _lock(folder: Path) -> Lock | None:
    """Lock the folder of a run and return the lock, or None if another process holds it."""
    lock = Lock(checkpoints(folder) / _LOCK_FILE)
    try:
        return lock if lock.take() else None
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written to ({error.strerror or error}); change its permissions, "
            "or use another folder"
        ) from None


def _is_free(folder: Path) -> bool:
    """Return whether a folder contains only files that a run writes before its first checkpoint."""
    inside = checkpoints(folder)
    known = {inside, folder / _MLFLOW_FILE} if _is_there(inside) else {inside}
    if any(path not in known for path in folder.iterdir()):
        return False
    small = {inside / LOCK, inside / _LOCK_FILE}
    return not _is_there(inside) or all(p in small or is_temporary(p) for p in inside.iterdir())


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _remove_forgotten(parent: Path) -> None:
    """Remove the folders of runs that were killed over a day ago and have no checkpoint."""
    for inside in parent.glob(f"*/{_CHECKPOINTS}"):
        with suppress(
            OSError, ConfigError
        ):  # another process removed it first, or it cannot be read
            old = time.time() - inside.stat().st_mtime > DAY
            if old and _is_free(inside.parent) and (lock := _lock(inside.parent)):
                shutil.rmtree(inside, ignore_errors=True)
                lock.release()
                (inside.parent / _MLFLOW_FILE).unlink(missing_ok=True)
                inside.parent.rmdir()
