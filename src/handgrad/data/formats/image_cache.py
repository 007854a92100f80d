"""Prepared images in the user's cache."""

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

from handgrad.data.named.locate import cache_folder
from handgrad.errors import DataError, StorageError
from handgrad.files import check_is_file, replacing, sweep

LARGE = 1 << 28  # bytes that are mapped and not loaded
MOST = 1 << 33  # bytes of all that is kept
HOUR = 60 * 60  # seconds


@dataclass(frozen=True)
class Kept:
    """A place in the cache.

    Attributes:
        key: what tells these images from others.
        shape: theirs, (N, C, H, W).
    """

    key: str
    shape: tuple[int, ...]

    @property
    def path(self) -> Path:
        """Where they lie."""
        return cache_folder() / "images" / f"{self.key}.npy"

    @property
    def is_large(self) -> bool:
        """Whether they are mapped into memory."""
        return prod(self.shape) > LARGE

    def get(self) -> NDArray[np.uint8] | None:
        """Return the images; None: they are not kept."""
        try:
            check_is_file(self.path)
            X = np.load(self.path, mmap_mode="r" if self.is_large else None, allow_pickle=False)
            os.utime(self.path)  # the oldest go first
        except (OSError, ValueError, EOFError):  # missing, or not whole
            return None
        return X if X.shape == self.shape and X.dtype == np.uint8 else None

    def put(self, batches: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Keep the images that come in batches, and return them.

        What cannot be written is not kept.

        Raises:
            DataError: if they are too large for memory, and cannot be written either.
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
        kept: NDArray[np.uint8] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return kept

    def _write(self, batches: Iterable[NDArray[np.uint8]]) -> None:
        sweep(self.path.parent, age=HOUR)  # nobody takes that long for one batch
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            self._write_header(file)
            for batch in batches:
                file.write(np.ascontiguousarray(batch).data)
        self._make_room()

    def _write_header(self, file: IO[bytes]) -> None:
        about = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        npy.write_array_header_1_0(file, about)

    def _make_room(self) -> None:
        """Remove what was not used for longest, where too much is kept."""
        with suppress(OSError):  # another process removes it too
            others = [entry for entry in os.scandir(self.path.parent) if entry.name[0] != "."]
            others.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
            total = 0
            for entry in others:
                total += entry.stat().st_size
                if total > MOST and entry.path != str(self.path):
                    os.unlink(entry.path)
