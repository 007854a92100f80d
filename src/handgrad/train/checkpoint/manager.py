"""CheckpointManager: saves, loads and deletes the checkpoints of a run, and locks the folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from filelock import FileLock, Timeout

from handgrad.errors import ConfigError, StorageError
from handgrad.files import sweep
from handgrad.train.checkpoint.file import FormatError, read_checkpoint, write_checkpoint
from handgrad.train.checkpoint.state import RunState

MAX_TO_KEEP = 2
LOCK = "lock"
_NAME = "checkpoint-{:06}.safetensors"
_log = logging.getLogger("handgrad")


@dataclass(frozen=True)
class CheckpointConfig:
    """Where a run writes its checkpoints, and how often.

    A checkpoint is written before the first step, after each epoch, and during long epochs.

    Attributes:
        folder: the folder of the checkpoints, which is created if it does not exist.
        minutes: the number of minutes between checkpoints within an epoch; if 0, a checkpoint is
            written only after each epoch.
        allow_changes: whether settings may be changed when the run is resumed.
        about: additional information to store in each checkpoint, as JSON values.
    """

    folder: str | Path
    minutes: float = 1.0
    allow_changes: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.minutes >= 0:
            raise ConfigError(f"minutes must be a number of at least 0, not {self.minutes}")


class LoadedCheckpoint(NamedTuple):
    """The newest checkpoint in a folder that is not damaged.

    Attributes:
        path: the path of the checkpoint file.
        state: the state of the run.
        about: the additional information in the file.
        error: the error found in the newer checkpoints, or None if there are no newer ones.
    """

    path: Path
    state: RunState
    about: dict[str, Any]
    error: StorageError | None


def newest(folder: Path) -> LoadedCheckpoint | None:
    """Return the newest intact checkpoint in a folder, or None if there are no checkpoints.

    Raises:
        StorageError: if all checkpoints are corrupted, or were written by another version of
            handgrad.
    """
    errors: list[str] = []
    for path in reversed(_checkpoints(folder)):
        try:
            state, about = _read(path)
        except FormatError:
            raise
        except StorageError as error:
            errors.append(str(error))
        else:
            damage = StorageError("; ".join(errors)) if errors else None
            return LoadedCheckpoint(path, state, about, damage)
    if errors:
        raise StorageError(
            f"{'; '.join(errors)}. There is no other checkpoint; start the run again"
        )
    return None


class Lock:
    """A lock file that only one process can hold; it is released when the process ends.

    Args:
        path: the path of the lock file, which is not deleted when the lock is released.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=0)

    def take(self) -> bool:
        """Try to take the lock; return False if another process holds it.

        Raises:
            OSError: if the file cannot be written.
        """
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Release the lock, so that another process can take it."""
        self._lock.release()


class CheckpointManager:
    """Writes the checkpoints of one run into a folder, and locks the folder against other runs.

    Args:
        config: where to write checkpoints, and how often.
        fingerprint: the fingerprint of the run, from `run_fingerprint`.

    Raises:
        ConfigError: if another run uses the folder, in this or another process.
        StorageError: if the folder cannot be written to.
    """

    def __init__(self, config: CheckpointConfig, fingerprint: Mapping[str, str]) -> None:
        self.folder = Path(config.folder)
        self._about = {**config.about, "run": dict(fingerprint)}
        self._seconds = 60 * config.minutes
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.folder / LOCK)
            is_free = self._lock.take()
        except OSError as error:
            raise StorageError(
                f"{self.folder}: cannot be written to ({error.strerror or error}); "
                "choose another folder or free some space"
            ) from error
        if not is_free:
            raise ConfigError(
                f"{self.folder}: another run uses this folder, in this process or another; wait "
                "until it ends, or choose another folder"
            )
        sweep(self.folder)
        self._next = 1 + max((_number(p) for p in _checkpoints(self.folder)), default=0)
        self._intact: list[Path] = []
        self._last_save = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock on the checkpoint folder."""
        self._lock.release()

    def newest(self) -> LoadedCheckpoint | None:
        """Return the newest intact checkpoint, or None if there are no checkpoints.

        A warning is logged for damaged checkpoints.
        """
        loaded = newest(self.folder)
        if loaded is not None:
            self._intact = [loaded.path]
            if loaded.error:
                _log.warning(
                    "handgrad: %s; resuming from the previous checkpoint, %s",
                    *(loaded.error, loaded.path.name),
                )
        return loaded

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last checkpoint to write the next one."""
        return bool(self._seconds) and time.monotonic() - self._last_save >= self._seconds

    def save(self, state: RunState) -> None:
        """Write a checkpoint, and keep only the last `MAX_TO_KEEP` intact checkpoints.

        Raises:
            StorageError: if the checkpoint cannot be written; existing checkpoints are kept.
        """
        path = self.folder / _NAME.format(self._next)
        write_checkpoint(path, state, self._about)
        self._next += 1
        self._intact = [*self._intact, path][-MAX_TO_KEEP:]
        for old in _checkpoints(self.folder):
            if old not in self._intact:
                with suppress(OSError):
                    old.unlink()
        self._last_save = time.monotonic()


def _read(path: Path) -> tuple[RunState, dict[str, Any]]:
    """Read a checkpoint file, and check that it contains the fingerprint of its run."""
    state, about = read_checkpoint(path)
    run = about.get("run")
    if not isinstance(run, dict) or not all(isinstance(value, str) for value in run.values()):
        raise StorageError(f"{path}: has no fingerprint of its run (run is {run!r:.40})")
    return state, about


def _checkpoints(folder: Path) -> list[Path]:
    """Return the paths of the checkpoints in a folder, oldest first."""
    return sorted((p for p in folder.glob("checkpoint-*.safetensors") if _number(p)), key=_number)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
