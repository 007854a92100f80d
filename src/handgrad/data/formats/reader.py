"""The `Reader` protocol: what every file format of images and labels provides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from handgrad.class_names import Label

TRAIN, TEST, VALIDATION = "train", "test", "validation"


class ImagesAndLabels(NamedTuple):
    """The arrays of one split, as a file stores them.

    Attributes:
        images: (N, H, W), (N, C, H, W) or (N, H, W, C).
        labels: (N,) strings or integers.
    """

    images: NDArray[Any]
    labels: NDArray[Any]


class FileList(NamedTuple):
    """The image files of one split, not decoded yet.

    Attributes:
        paths: the path of each image file.
        labels: the label of each image.
    """

    paths: list[Path]
    labels: list[Label]


Splits = Mapping[str, FileList] | Mapping[str, ImagesAndLabels]


class Reader(Protocol):
    """Reads one format. A module with these two functions is a reader."""

    def accepts(self, path: Path) -> bool:
        """Return whether a file or folder has this format."""

    def read(self, path: Path) -> Splits:
        """Return the arrays or the image files of each split.

        Args:
            path: a file or folder that `accepts` accepted.

        Returns:
            One entry for each split that the format names: "train", "test", "validation".
            Formats without splits return "train" alone.

        Raises:
            DataError: if the content is broken or is something else.
        """
