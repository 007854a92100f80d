"""Cache preprocessed images on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from handgrad.data.folders import cache_folder
from handgrad.errors import DataError, StorageError
from handgrad.files import check_is_file, replacing, sweep

MAX_IN_MEMORY = 1 << 28  # bytes; larger arrays are memory-mapped
MAX_BYTES = 1 << 33  # of the whole cache
HOUR = 60 * 60  # seconds


@dataclass(frozen=True)
class CacheEntry:
    """One array in the user's cache.

    Attributes:
        key: an identifier of the images and their preprocessing.
        shape: the shape of the array, (N, C, H, W).
    """

    key: str
    shape: tuple[int, ...]

    @property
    def path(self) -> Path:
        """The file that contains the array."""
        return cache_folder() / "images" / f"{self.key}.npy"

    @property
    def is_large(self) -> bool:
        """Whether the array is large enough to be memory-mapped."""
        return prod(self.shape) > MAX_IN_MEMORY

    def load(self) -> NDArray[np.uint8] | None:
        """Return the images, or None if they are not in the cache."""
        try:
            check_is_file(self.path)
            X = np.load(self.path, mmap_mode="r" if self.is_large else None, allow_pickle=False)
            os.utime(self.path)  # the least recently used entries are removed first
        except (OSError, ValueError, EOFError):  # missing or broken
            return None
        return X if X.shape == self.shape and X.dtype == np.uint8 else None

    def store(self, batches: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Write images that arrive in batches, and return them all.

        If the cache cannot be written, the images are still returned, provided that they fit into
        memory.

        Raises:
            DataError: if the images are too large for memory and cannot be written to the cache.
        """
        if not self.is_large:
            X = np.concatenate(list(batches))
            with suppress(StorageError):
                self._write([X])
            return X
        try:
            self._write(batches)
        except StorageError as error:
            raise DataError(
                f"{prod(self.shape) / 1e9:.1f} GB of images do not fit into the cache: {error}"
            ) from None
        mapped: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return mapped

    def _write(self, batches: Iterable[NDArray[np.uint8]]) -> None:
        sweep(self.path.parent, age=HOUR)  # no process takes an hour for one batch
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            self._write_header(file)
            for batch in batches:
                file.write(np.ascontiguousarray(batch).data)
        self._remove_oldest()

    def _write_header(self, file: IO[bytes]) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        npy.write_array_header_1_0(file, header)

    def _remove_oldest(self) -> None:
        """Remove the least recently used entries if the cache is too large."""
        with suppress(OSError):  # another process may remove them at the same time
            entries = [entry for entry in os.scandir(self.path.parent) if entry.name[0] != "."]
            entries.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
            total = 0
            for entry in entries:
                total += entry.stat().st_size
                if total > MAX_BYTES and entry.path != str(self.path):
                    os.unlink(entry.path)
