"""Where the checkpoints of a run are kept: the last two, and nobody else's."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from handgrad.errors import ConfigError, StorageError
from handgrad.files import sweep
from handgrad.train.checkpoint.file import FormatError, read_checkpoint, write_checkpoint
from handgrad.train.checkpoint.lock import Lock
from handgrad.train.checkpoint.state import State

KEPT = 2
LOCK = "lock"
_NAME = "checkpoint-{:06}.safetensors"
_log = logging.getLogger("handgrad")


@dataclass(frozen=True)
class Checkpoints:
    """Where a run leaves its checkpoints, and how often.

    One is written before the first step, after each epoch, and where an epoch takes long, in the
    middle of it.

    Attributes:
        folder: the folder; it is made if it is missing.
        minutes: how long after the last checkpoint the next one is due; 0: after each epoch only.
        other_settings: whether a run that goes on may have other settings than it began with.
        about: what else to remember in the files, as JSON can hold it.
    """

    folder: str | Path
    minutes: float = 1.0
    other_settings: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.minutes >= 0:
            raise ConfigError(f"minutes must be a number of at least 0, not {self.minutes}")


class Found(NamedTuple):
    """The newest checkpoint that is whole.

    Attributes:
        path: where it lies.
        state: where the run stood.
        about: what it remembers beside that.
        trouble: what is wrong with those that are newer; None: there are none.
    """

    path: Path
    state: State
    about: dict[str, Any]
    trouble: StorageError | None


def newest(folder: Path) -> Found | None:
    """Return the newest checkpoint in a folder that is whole; None: there is none at all.

    Raises:
        StorageError: if there are some, and all are damaged, or another version wrote them.
    """
    troubles: list[str] = []
    for path in reversed(_checkpoints(folder)):
        try:
            state, about = _read(path)
        except FormatError:
            raise
        except StorageError as error:
            troubles.append(str(error))
        else:
            trouble = StorageError("; ".join(troubles)) if troubles else None
            return Found(path, state, about, trouble)
    if troubles:
        raise StorageError(f"{'; '.join(troubles)}, and there is no other; begin the run anew")
    return None


class Keeper:
    """Writes the checkpoints of one run into a folder, and keeps other runs out of it.

    Args:
        checkpoints: where, and how often.
        run: what makes the run the run it is: see `identity`.

    Raises:
        ConfigError: if another run is at work there, in this process or another.
        StorageError: if the folder cannot be written to.
    """

    def __init__(self, checkpoints: Checkpoints, run: Mapping[str, str]) -> None:
        self.folder = Path(checkpoints.folder)
        self._about = {**checkpoints.about, "run": dict(run)}
        self._seconds = 60 * checkpoints.minutes
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.folder / LOCK)
            free = self._lock.take()
        except OSError as error:
            raise StorageError(
                f"{self.folder}: cannot be written to ({error.strerror or error}); "
                "choose another place or make room"
            ) from error
        if not free:
            raise ConfigError(
                f"{self.folder}: another run is at work there, in this process or another; let it "
                "end, or take another folder"
            )
        sweep(self.folder)
        self._next = 1 + max((_number(p) for p in _checkpoints(self.folder)), default=0)
        self._good: list[Path] = []
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others at the folder."""
        self._lock.release()

    def newest(self) -> Found | None:
        """Return the newest checkpoint that is whole; None: there is none at all.

        A damaged one is said, and the one before is taken.
        """
        found = newest(self.folder)
        if found is not None:
            self._good = [found.path]
            if found.trouble:
                before = found.path.name
                _log.warning(
                    "handgrad: %s; going on from the one before, %s", found.trouble, before
                )
        return found

    @property
    def is_due(self) -> bool:
        """Whether the last checkpoint was long enough ago."""
        return bool(self._seconds) and time.monotonic() - self._last >= self._seconds

    def save(self, state: State) -> None:
        """Write one more checkpoint, and remove all but the last two that are whole.

        Raises:
            StorageError: if it cannot be written; those that are there stay.
        """
        path = self.folder / _NAME.format(self._next)
        write_checkpoint(path, state, self._about)
        self._next += 1
        self._good = [*self._good, path][-KEPT:]
        for old in _checkpoints(self.folder):
            if old not in self._good:
                with suppress(OSError):
                    old.unlink()
        self._last = time.monotonic()


def _read(path: Path) -> tuple[State, dict[str, Any]]:
    """Return what a checkpoint holds, once it has said what run it is of."""
    state, about = read_checkpoint(path)
    run = about.get("run")
    if not isinstance(run, dict) or not all(isinstance(value, str) for value in run.values()):
        raise StorageError(f"{path}: it does not say what run it is of (run is {run!r:.40})")
    return state, about


def _checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, oldest first."""
    return sorted((p for p in folder.glob("checkpoint-*.safetensors") if _number(p)), key=_number)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0
