"""Decode and preprocess image files into one array, which is cached for later calls."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL
from numpy.typing import NDArray
from tqdm import tqdm

from handgrad.data.formats.decode import UnreadableError, decode, without_warnings
from handgrad.data.formats.image_cache import CacheEntry
from handgrad.data.formats.reader import Skipped
from handgrad.errors import DataError
from handgrad.files import check_is_file
from handgrad.preprocess import Preprocessing
from handgrad.threads import cores

CACHE_VERSION = 2  # a new number invalidates all cached images

_BATCH = 256
_NAMED = 10  # the number of unreadable files that an error message names
_MIN_FILE_SIZE = 16 << 10  # bytes; for larger files decoding in threads is faster

Result = TypeVar("Result")


class UnreadableFilesError(DataError):
    """Raised if image files cannot be read. The message names up to ten of them.

    Args:
        name: the name of the data, for the message.
        unreadable: the files, with the reasons.
        count: the total number of files.
    """

    def __init__(self, name: str, unreadable: Sequence[Skipped], count: int) -> None:
        named = "; ".join(f"{path} ({reason})" for path, reason in unreadable[:_NAMED])
        more = f"; and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
        super().__init__(
            f"{name}: {len(unreadable):,} of {count:,} images cannot be read: {named}{more}; "
            "repair or remove them (`handgrad train` and `auto` leave them out with "
            "--skip-broken, and load_data with skip_broken=True)"
        )


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
        DataError: if any files cannot be read; the message names them (see `UnreadableFilesError`).
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


def find_unreadable(paths: Sequence[Path]) -> list[Skipped]:
    """Decode image files, and return those that cannot be read, with the reasons."""
    results = zip(paths, _mapped(_reason, paths), strict=True)
    return [Skipped(str(path), reason) for path, reason in results if reason]


def _reason(path: Path) -> str:
    """Return why a file cannot be read, or an empty string if it can be read."""
    try:
        decode(path)
    except UnreadableError as error:
        return error.reason
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def _mapped(function: Callable[[Path], Result], paths: Sequence[Path]) -> Iterator[Result]:
    """Apply a function that decodes files to each path, in threads if the files are large."""
    threads = cores() if _are_large(paths) else 1
    with without_warnings(), ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            yield from pool.map(function, batch) if threads > 1 else map(function, batch)


def _read_batches(
    paths: Sequence[Path], preprocessing: Preprocessing, name: str, bar: Any
) -> Iterator[NDArray[np.uint8]]:
    """Yield batches of preprocessed images, (n, C, H, W)."""

    def read_one(path: Path) -> NDArray[np.uint8] | None:
        try:
            return preprocessing.apply(decode(path))
        except DataError:
            return None

    batch: list[NDArray[np.uint8]] = []
    count = 0
    for image in _mapped(read_one, paths):
        bar.update(1)
        if image is None:
            break
        batch.append(image)
        count += 1
        if len(batch) == _BATCH or count == len(paths):
            yield np.stack(batch)
            batch = []
    if count < len(paths):
        raise UnreadableFilesError(name, find_unreadable(paths), len(paths))


def _are_large(paths: Sequence[Path]) -> bool:
    """Return whether the files are so large that reading them with several threads is faster."""
    sample = [path for path in paths[:: max(1, len(paths) // 32)] if path.exists()]
    sizes = [path.stat().st_size for path in sample]
    return sum(sizes) > _MIN_FILE_SIZE * len(sizes)


def _digest(paths: Sequence[Path], preprocessing: Preprocessing, name: str) -> str:
    """Return the SHA-256 of everything that the preprocessed images depend on."""
    header = [CACHE_VERSION, PIL.__version__, preprocessing.to_json()]
    sha = hashlib.sha256(json.dumps(header).encode())
    for path in paths:
        try:
            check_is_file(path)
            sha.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            raise UnreadableFilesError(name, find_unreadable(paths), len(paths)) from None
    return sha.hexdigest()
