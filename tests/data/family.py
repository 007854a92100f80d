"""A small data set with MNIST's file names, for the tests."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np

from handgrad.data.named.sources import File, Source
from tests.data.idxfiles import encode

RNG = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": RNG.integers(0, 256, (12, 5, 4), np.uint8),
    "train-labels-idx1-ubyte": np.arange(12, dtype=np.uint8) % 3,
    "t10k-images-idx3-ubyte": RNG.integers(0, 256, (6, 5, 4), np.uint8),
    "t10k-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 3,
}
CONTENT = {name: encode(array) for name, array in ARRAYS.items()}
ZIPPED = {name: gzip.compress(data, mtime=0) for name, data in CONTENT.items()}


def source(*mirrors: str, of: str = "content") -> Source:
    """Return the data set `tiny` with these mirrors."""
    published = CONTENT if of == "content" else ZIPPED
    files = tuple(
        File(name, len(CONTENT[name]), hashlib.sha256(published[name]).hexdigest(), of)
        for name in CONTENT
    )
    return Source("tiny", ("a", "b", "c"), (1, 5, 4), 12, 6, "nobody", "none", mirrors, files)


def write(folder: Path, *, zipped: bool = True, **changes: np.ndarray | None) -> Path:
    """Write the four files to a folder, changing some of them, or leaving them out if None."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in ARRAYS.items():
        short = name.split("-idx")[0].replace("-", "_")
        array = changes.get(short, array)
        if array is not None:
            data = encode(array)
            path = folder / (f"{name}.gz" if zipped else name)
            path.write_bytes(gzip.compress(data) if zipped else data)
    return folder
