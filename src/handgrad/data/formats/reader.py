"""The `Reader` protocol: the functions that a reader of a file format must provide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from handgrad.class_names import Label

TRAIN, TEST, VALIDATION = "train", "test", "validation"


class ImagesAndLabels(NamedTuple):
    """The arrays of one split, as they are stored in a file.

    Attributes:
        images: the images, (N, H, W), (N, C, H, W) or (N, H, W, C).
        labels: the labels, (N,) strings or integers.
    """

    images: NDArray[Any]
    labels: NDArray[Any]


class FileList(NamedTuple):
    """The image files of one split, before they are decoded.

    Attributes:
        paths: the path of each image file.
        labels: the label of each image.
    """

    paths: list[Path]
    labels: list[Label]


Splits = Mapping[str, FileList] | Mapping[str, ImagesAndLabels]


class Reader(Protocol):
    """A reader for one format. Any module with these two functions is a reader."""

    def accepts(self, path: Path) -> bool:
        """Return whether a file or folder has this format."""

    def read(self, path: Path) -> Splits:
        """Read the arrays of each split, or list its image files.

        Args:
            path: a file or folder for which `accepts` returned True.

        Returns:
            One entry for each of the splits "train", "test" and "validation" that the data
            contains. A format without splits returns only "train".

        Raises:
            DataError: if the content is corrupted or has a different format.
        """
