"""One image file after another looked at: what there is to know before they are trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from handgrad.class_names import Label
from handgrad.data.dataset import Dataset
from handgrad.data.formats.decode import decode, open_image, undisturbed
from handgrad.data.formats.file_list import TEST, TRAIN, Found
from handgrad.errors import DataError
from handgrad.preprocess import Grey, OnGround
from handgrad.preprocess.pixels import resized
from handgrad.threads import cores

THUMB = 16  # pixels on a side of the copies by which images are compared


@dataclass(frozen=True)
class Image:
    """What a look at a file brought.

    Attributes:
        path: where it lies.
        split: "train", "test" or "validation".
        label: what it is said to show.
        trouble: why it cannot be read; "" where it can. The rest is known only then.
        digest: the SHA-256 of the file.
        size: height and width.
        mode: how colours are stored, such as "RGBA", as Pillow calls it.
        frames: how many images the file holds.
        thumb: a small grey copy, (THUMB, THUMB) uint8.
        ground: the lightness at the corners, 0..255.
        blank: whether all pixels are alike.
    """

    path: Path
    split: str
    label: Label
    trouble: str = ""
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    frames: int = 1
    thumb: NDArray[np.uint8] | None = None
    ground: float = 0.0
    blank: bool = False

    @property
    def fine(self) -> bool:
        """Whether it can be read."""
        return not self.trouble


def examine(splits: Mapping[str, Found], *, progress: bool | None = None) -> list[Image]:
    """Look at all listed files.

    Args:
        splits: the files of each split.
        progress: whether to show a bar on stderr; None: where that is a terminal.
    """
    todo = [
        (path, split, label)
        for split, found in splits.items()
        for path, label in zip(found.paths, found.labels, strict=True)
    ]
    hidden = None if progress is None else not progress
    with undisturbed(), ThreadPoolExecutor(cores()) as pool:
        looks = pool.map(_look, todo, chunksize=64)
        return list(tqdm(looks, "looking", len(todo), unit=" images", delay=0.5, disable=hidden))


def examine_arrays(
    train: Dataset, test: Dataset | None = None, *, progress: bool | None = None
) -> list[Image]:
    """Look at all images of arrays; each is called by its split and its place, such as train[7].

    Args:
        train: the images to learn from.
        test: those to be tested on; None: there are none.
        progress: whether to show a bar on stderr; None: where that is a terminal.
    """
    hidden = None if progress is None else not progress
    low, high = float(train.images.min()), float(train.images.max())
    found = []
    for split, data in ((TRAIN, train), *([(TEST, test)] if test is not None else [])):
        bar = tqdm(data.images, "looking", unit=" images", delay=0.5, disable=hidden)
        for n, X in enumerate(bar):
            found.append(
                Image(
                    Path(f"{split}[{n}]"),
                    split,
                    data.classes[data.labels[n]],
                    digest=hashlib.sha256(X.tobytes()).hexdigest(),
                    mode=str(X.dtype),
                    **_seen(_in_bytes(X, low, high)),
                )
            )
    return found


def _look(what: tuple[Path, str, Label]) -> Image:
    """Look at one file."""
    path, split, label = what
    try:
        X = decode(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with open_image(path) as image:
            mode, frames = image.mode, int(getattr(image, "n_frames", 1))
    except DataError as error:
        empty = path.is_file() and path.stat().st_size == 0
        return Image(path, split, label, "is empty" if empty else str(error))
    except (OSError, ValueError, SyntaxError) as error:
        return Image(path, split, label, f"{path}: cannot be read ({type(error).__name__})")
    seen = _seen(X.reshape(*X.shape[:2], -1))
    return Image(path, split, label, digest=digest, mode=mode, frames=frames, **seen)


def _in_bytes(X: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Return an image (C, H, W) as one in a file would be, (H, W, C), in grey or in colours."""
    if X.dtype != np.uint8:
        X = ((X - low) * (255 / ((high - low) or 1))).clip(0, 255)
    if len(X) not in (1, 3):
        X = X.mean(axis=0, keepdims=True)
    return X.transpose(1, 2, 0).astype(np.uint8)


def _seen(X: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what the pixels (H, W, C) of an image tell."""
    grey = Grey()(OnGround()(X))
    corners = grey[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    return {
        "size": X.shape[:2],
        "thumb": resized(grey, THUMB, THUMB)[:, :, 0],
        "ground": float(np.median(corners)),
        "blank": bool((X[0, 0] == X).all()),
    }
