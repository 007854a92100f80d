"""Many image files become one array: decoded, prepared, kept for the next time."""

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

from handgrad.data.formats.decode import decode, undisturbed
from handgrad.data.formats.image_cache import Kept
from handgrad.errors import DataError
from handgrad.files import check_is_file
from handgrad.preprocess import Preprocessing
from handgrad.threads import cores

FORM = 1  # of what is kept: with another number nothing kept before is used

_BATCH = 256
_LARGE = 16 << 10  # bytes of a file above which decoding outweighs what threads cost


def read_images(
    paths: Sequence[Path], preprocessing: Preprocessing, name: str, *, progress: bool | None = None
) -> NDArray[np.uint8]:
    """Return the prepared images of files, (N, C, H, W) uint8.

    They are kept in the user's cache under the digest of the files' contents and of the
    preprocessing. What is large is not loaded but mapped into memory, read-only.

    Args:
        paths: the files.
        preprocessing: what is done to each image.
        name: what errors call them all.
        progress: whether to show a bar on stderr; None: where that is a terminal.

    Raises:
        DataError: if files cannot be read; it counts them and names the first.
    """
    kept = Kept(_digest(paths, preprocessing, name), (len(paths), *preprocessing.shape))
    found = kept.get()
    if found is not None:
        return found
    with tqdm(
        total=len(paths),
        desc=f"reading {name}",
        unit=" images",
        delay=0.5,
        disable=None if progress is None else not progress,
    ) as bar:
        return kept.put(_prepared(paths, preprocessing, name, bar))


def _prepared(
    paths: Sequence[Path], preprocessing: Preprocessing, name: str, bar: Any
) -> Iterator[NDArray[np.uint8]]:
    """Yield the prepared images in batches, (n, C, H, W)."""

    def one(path: Path) -> NDArray[np.uint8] | DataError:
        try:
            return preprocessing.apply(decode(path))
        except DataError as error:
            return error

    failures: list[DataError] = []
    threads = cores() if _are_large(paths) else 1
    with undisturbed(), ThreadPoolExecutor(threads) as pool:
        for at in range(0, len(paths), _BATCH):
            some = paths[at : at + _BATCH]
            results = list(pool.map(one, some) if threads > 1 else map(one, some))
            images = [result for result in results if isinstance(result, np.ndarray)]
            failures += [result for result in results if isinstance(result, DataError)]
            bar.update(len(some))
            if not failures:
                yield np.stack(images)
    if failures:
        raise DataError(
            f"{name}: {len(failures):,} of {len(paths):,} images cannot be read, the first: "
            f"{failures[0]}; `handgrad data check` lists them all"
        )


def _are_large(paths: Sequence[Path]) -> bool:
    """Say whether threads pay: with small files they wait for each other."""
    some = paths[:: max(1, len(paths) // 32)]
    return float(np.mean([path.stat().st_size for path in some])) > _LARGE


def _digest(paths: Sequence[Path], preprocessing: Preprocessing, name: str) -> str:
    """Return the SHA-256 of what the images are made of, and of what makes them."""
    making = [FORM, PIL.__version__, preprocessing.to_json()]
    whole = hashlib.sha256(json.dumps(making).encode())
    for path in paths:
        try:
            check_is_file(path)
            whole.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise DataError(
                f"{name}: {path} cannot be read ({error.strerror}); repair it or leave it out"
            ) from None
    return whole.hexdigest()
