"""Decode and preprocess image files into one array, which is cached for later calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from tqdm import tqdm

from handgrad.data.formats.decode import decode, without_warnings
from handgrad.data.formats.image_cache import CacheEntry
from handgrad.errors import DataError
from handgrad.files import check_is_file
from handgrad.preprocess import Preprocessing
from handgrad.threads import cores

CACHE_VERSION = 1  # a new number invalidates all cached images

_BATCH = 256
_MIN_FILE_SIZE = 16 << 10  # bytes; for larger files decoding in threads is faster


def read_images(
    paths: Sequence[Path], preprocessing: Preprocessing, name: str, *, progress: bool | None = None
) -> NDArray[np.uint8]:
    """Read and preprocess image files, and return them as (N, C, H, W) uint8.

    The images are cached under the SHA-256 of the files' contents and of the preprocessing. A large
    array is not loaded into memory, but memory-mapped as read-only.

    Args:
        paths: the paths of the files.
        preprocessing: how to preprocess each image.
        name: the name that error messages use for the data.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        DataError: if any files cannot be read; the message gives the number of these files and
            names the first one.
    """
    key = _digest(paths, preprocessing, name)
    entry = CacheEntry(key, (len(paths), *preprocessing.shape))
    cached = entry.load()
    if cached is not None:
        return cached
    with tqdm(
        total=len(paths),
        desc=f"reading {name}",
        unit=" images",
        delay=0.5,
        disable=None if progress is None else not progress,
    ) as bar:
        return entry.store(_read_batches(paths, preprocessing, name, bar))


def _read_batches(
    paths: Sequence[Path], preprocessing: Preprocessing, name: str, bar: Any
) -> Iterator[NDArray[np.uint8]]:
    """Yield batches of preprocessed images, (n, C, H, W)."""

    def read_one(path: Path) -> NDArray[np.uint8] | DataError:
        try:
            return preprocessing.apply(decode(path))
        except DataError as error:
            return error

    failures: list[DataError] = []
    threads = cores() if _are_large(paths) else 1
    with without_warnings(), ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            results = list(pool.map(read_one, batch) if threads > 1 else map(read_one, batch))
            images = [result for result in results if isinstance(result, np.ndarray)]
            failures += [result for result in results if isinstance(result, DataError)]
            bar.update(len(batch))
            if not failures:
                yield np.stack(images)
    if failures:
        raise DataError(
            f"{name}: {len(failures):,} of {len(paths):,} images cannot be read; the first is "
            f"{failures[0]}; `handgrad data check` lists them all"
        )


def _are_large(paths: Sequence[Path]) -> bool:
    """Return whether the files are so large that reading them with several threads is faster."""
    sample = paths[:: max(1, len(paths) // 32)]
    return float(np.mean([path.stat().st_size for path in sample])) > _MIN_FILE_SIZE


def _digest(paths: Sequence[Path], preprocessing: Preprocessing, name: str) -> str:
    """Return the SHA-256 of everything that the preprocessed images depend on."""
    header = [CACHE_VERSION, PIL.__version__, preprocessing.to_json()]
    sha = hashlib.sha256(json.dumps(header).encode())
    for path in paths:
        try:
            check_is_file(path)
            sha.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise DataError(
                f"{name}: {path} cannot be read ({error.strerror}); repair it or remove it"
            ) from None
    return sha.hexdigest()
