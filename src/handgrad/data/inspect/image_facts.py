"""Collects the properties of each image, such as its size.

The checks compare the properties of all images.
"""

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
from handgrad.data.formats.decode import decode, open_image, without_warnings
from handgrad.data.formats.reader import TEST, TRAIN, FileList
from handgrad.errors import DataError
from handgrad.preprocess import CompositeAlpha, Grayscale
from handgrad.preprocess.resize import resized
from handgrad.threads import cores

THUMB = 16  # the side in pixels of the thumbnails that are compared


@dataclass(frozen=True)
class ImageFacts:
    """The facts about one image.

    Attributes:
        path: the path of the file, or for arrays, the split and the index, such as train[7].
        split: "train", "test" or "validation".
        label: the label of the image.
        error: the reason why the image cannot be read, or "" if it can be read. The following
            attributes are set only for readable images.
        digest: the SHA-256 of the file.
        size: the height and width of the image.
        mode: Pillow's name for the pixel format, such as "RGBA".
        frames: the number of frames in the file.
        thumb: a small grey copy of the image, (THUMB, THUMB) uint8.
        background: the lightness of the corners, 0..255.
        blank: whether all pixels are equal.
    """

    path: Path
    split: str
    label: Label
    error: str = ""
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    frames: int = 1
    thumb: NDArray[np.uint8] | None = None
    background: float = 0.0
    blank: bool = False

    @property
    def readable(self) -> bool:
        """Whether the image can be decoded."""
        return not self.error


def facts_of_files(
    splits: Mapping[str, FileList], *, progress: bool | None = None
) -> list[ImageFacts]:
    """Collect the properties of all listed files.

    Args:
        splits: the files of each split.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.
    """
    listed = [
        (path, split, label)
        for split, files in splits.items()
        for path, label in zip(files.paths, files.labels, strict=True)
    ]
    hidden = None if progress is None else not progress
    with without_warnings(), ThreadPoolExecutor(cores()) as pool:
        facts = pool.map(_facts_of_file, listed, chunksize=64)
        bar = tqdm(facts, "checking", len(listed), unit=" images", delay=0.5, disable=hidden)
        return list(bar)


def facts_of_arrays(
    train: Dataset, test: Dataset | None = None, *, progress: bool | None = None
) -> list[ImageFacts]:
    """Collect the facts about all images in arrays.

    Args:
        train: the training images.
        test: the test images, or None if there are none.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.
    """
    hidden = None if progress is None else not progress
    low, high = float(train.images.min()), float(train.images.max())
    if train.pixel_range.is_known:
        low, high = 0.0, 1.0  # of the images that are not uint8
    facts = []
    for split, data in ((TRAIN, train), *([(TEST, test)] if test is not None else [])):
        bar = tqdm(data.images, "checking", unit=" images", delay=0.5, disable=hidden)
        for i, X in enumerate(bar):
            facts.append(
                ImageFacts(
                    Path(f"{split}[{i}]"),
                    split,
                    data.classes[data.labels[i]],
                    digest=hashlib.sha256(X.tobytes()).hexdigest(),
                    mode=str(X.dtype),
                    **_pixel_facts(_as_file_pixels(X, low, high)),
                )
            )
    return facts


def _facts_of_file(listed: tuple[Path, str, Label]) -> ImageFacts:
    """Return the facts about one file."""
    path, split, label = listed
    try:
        X = decode(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with open_image(path) as image:
            mode, frames = image.mode, int(getattr(image, "n_frames", 1))
    except DataError as error:
        empty = path.is_file() and path.stat().st_size == 0
        return ImageFacts(path, split, label, "is empty" if empty else str(error))
    except (OSError, ValueError, SyntaxError) as error:
        reason = f"{path}: cannot be read ({type(error).__name__})"
        return ImageFacts(path, split, label, reason)
    facts = _pixel_facts(X.reshape(*X.shape[:2], -1))
    return ImageFacts(path, split, label, digest=digest, mode=mode, frames=frames, **facts)


def _as_file_pixels(X: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Convert an image (C, H, W) to the form of a decoded file, (H, W, 1 or 3) uint8."""
    if X.dtype != np.uint8:
        X = ((X - low) * (255 / ((high - low) or 1))).clip(0, 255)
    if len(X) not in (1, 3):
        X = X.mean(axis=0, keepdims=True)
    return X.transpose(1, 2, 0).astype(np.uint8)


def _pixel_facts(X: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the facts that are computed from the pixels (H, W, C)."""
    grey = Grayscale()(CompositeAlpha()(X))
    corners = grey[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    return {
        "size": X.shape[:2],
        "thumb": resized(grey, THUMB, THUMB)[:, :, 0],
        "background": float(np.median(corners)),
        "blank": bool((X[0, 0] == X).all()),
    }
