"""The answers of an unfinished prediction, so that a killed command continues where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from handgrad.errors import ConfigError, StorageError
from handgrad.files import check_is_file
from handgrad.prediction.answers import Prediction
from handgrad.train.checkpoint.manager import Lock

VERSION = 1


class Journal:
    """A file with one line of JSON per answer. A line that was not written completely is ignored.

    The first line is the digest of the job. A journal of another job is overwritten.

    Args:
        path: the file.
        digest: the digest of the job, from `Job.digest`.

    Attributes:
        path: the file.
        predictions: the answers in the file, in the order of the images.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self.path = path
        self.predictions: list[Prediction] = []
        self._file: BinaryIO | None = None
        self._digest = digest

    @contextmanager
    def opened(self) -> Iterator[Journal]:
        """Read the answers in the file, and open it to add more; only one process may do this.

        Raises:
            ConfigError: if another process writes to the file.
            StorageError: if the file cannot be written.
        """
        lock_path = self.path.with_name(f"{self.path.name}.lock")
        lock = Lock(lock_path)
        with _storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not lock.take():
                raise ConfigError(
                    f"{self.path}: another process writes this file; wait until it ends"
                )
        try:
            with _storage_errors(self.path):
                self._open()
            yield self
        finally:
            if self._file is not None:
                self._file.close()
            with suppress(OSError):
                lock_path.unlink()
            lock.release()

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Write answers to the file.

        Raises:
            StorageError: if the file cannot be written.
        """
        assert self._file is not None
        lines = [json.dumps(prediction, ensure_ascii=True) for prediction in predictions]
        with _storage_errors(self.path):
            self._file.write("".join(f"{line}\n" for line in lines).encode())
            self._file.flush()
        self.predictions += predictions

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _open(self) -> None:
        """Read the complete lines of the file, and cut off the rest."""
        content = b""
        if self.path.exists():
            check_is_file(self.path)
            content = self.path.read_bytes()
        first, *lines = content.split(b"\n")
        header = json.dumps({"predictions": VERSION, "job": self._digest}).encode()
        end = 0
        if first == header and lines:
            end = len(first) + 1
            for line in lines[:-1]:  # the last one is empty or incomplete
                try:
                    image, label, top, reason, error = json.loads(line)
                except ValueError:
                    break
                pairs = [(name, p) for name, p in top]
                self.predictions.append(Prediction(image, label, pairs, reason, error))
                end += len(line) + 1
        self._file = self.path.open("r+b" if end else "w+b")
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._file.write(header + b"\n")


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "choose another path or free some space"
        ) from error
