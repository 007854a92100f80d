"""Images with their labels, checked once, when they come in."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.class_names import Label, class_names
from handgrad.data.formats.label_encoding import check_labels, encode
from handgrad.data.images import as_images, check_images
from handgrad.data.split import stratified
from handgrad.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame

    from handgrad.preprocess import Preprocessing

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, the class of each, and what the classes are called.

    >>> images = np.zeros((6, 28, 28), np.uint8)
    >>> data = Dataset.from_arrays(images, ["cat", "dog", "cat", "cat", "dog", "dog"])
    >>> data
    Dataset('data': 6 images 1x28x28 uint8, 2 classes)
    >>> X, y = data[:3]
    >>> X.shape, y.tolist()
    ((3, 1, 28, 28), [0, 1, 0])

    The arrays are kept, not copied, and never changed. `from_arrays` takes them in more forms.
    Images that do not fit into memory may stay in a file, ``np.load(path, mmap_mode="r")``;
    validation then wants a data set of its own, for `split` and `take` copy.

    Attributes:
        images: (N, C, H, W), uint8 0..255 or float32.
        labels: the place of each image's class in `classes`, (N,) int64 0..K-1.
        classes: what the K classes are called: all strings or all whole numbers, of Python's own.
        name: what errors and tables call this data.
        preprocessing: what brings an image in a file to the form of these; None: nobody knows.

    Raises:
        DataError: if the arrays are no such thing, or do not belong together.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[Label, ...]
    name: str = "data"
    preprocessing: Preprocessing | None = None

    def __post_init__(self) -> None:
        try:
            check_images(self.images)
            object.__setattr__(self, "classes", class_names(self.classes))
            check_labels(self.labels, len(self.images), len(self.classes))
            if self.preprocessing is not None and self.preprocessing.shape != self.shape:
                raise DataError(
                    f"the preprocessing ends in {self.preprocessing.shape}, but the images are "
                    f"{self.shape}; give the one they were made with"
                )
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from None

    @classmethod
    def from_arrays(
        cls,
        images: ArrayLike,
        labels: ArrayLike,
        classes: Sequence[Label] | None = None,
        name: str = "data",
    ) -> Self:
        """Make a dataset of arrays as people have them.

        Args:
            images: (N, H, W) or (N, C, H, W); uint8 0..255, or floating point, which becomes
                float32.
            labels: one for each image, (N,): strings or whole numbers. Whole numbers beside
                `classes` that are strings are places in `classes`, counted from 0; in all other
                cases a label is the name of its class.
            classes: the names of the classes, in order; None: the labels that occur, sorted.
            name: what errors and tables call this data.

        Raises:
            DataError: if they cannot be used; the sentence says why, and what to do.
        """
        try:
            X = as_images(images)
            y, names = encode(labels, classes)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        return cls(X, y, names, name)

    @classmethod
    def from_frame(
        cls,
        frame: DataFrame,
        path: str = "path",
        label: str = "label",
        *,
        folder: str | os.PathLike[str] = ".",
        preprocessing: Preprocessing | None = None,
        name: str = "data",
        progress: bool | None = None,
    ) -> Dataset:
        """Make a dataset of the image files that a table names.

        Args:
            frame: the table.
            path: its column with the paths of the files.
            label: its column with strings or whole numbers.
            folder: what paths that are not absolute begin at.
            preprocessing: what is done to each image; None: what suits them.
            name: what errors and tables call this data.
            progress: whether to show a bar on stderr; None: where that is a terminal.

        Raises:
            DataError: if a column is missing, or a file cannot be read.
        """
        from handgrad.data.formats.user_data import from_table  # it loads Pillow

        return from_table(frame, path, label, folder, preprocessing, name, progress)

    @property
    def shape(self) -> Shape:
        """The shape of one image, (C, H, W)."""
        _, C, H, W = self.images.shape
        return C, H, W

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many images each class has, (K,) int64."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64, copy=False)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return images and labels at a slice, an array of places or of truth values, or one."""
        return self.images[index], self.labels[index]

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        kind = f"{len(self):,} images {size} {self.images.dtype}"
        return f"Dataset({self.name!r}: {kind}, {len(self.classes)} classes)"

    def take(self, indices: ArrayLike, name: str | None = None) -> Dataset:
        """Return the dataset of the images at `indices`, with all classes.

        Args:
            indices: places, or one truth value for each image.
            name: what to call it; None: as this one.
        """
        places = np.asarray(indices)
        X, y = self[places if places.size else places.astype(np.int64)]
        return Dataset(X, y, self.classes, name or self.name, self.preprocessing)

    def split(self, validation: float = 0.1, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Split into training and validation, with the classes in equal shares.

        Every image lands in one of them. A class of two images or more has one in both. The
        same seed gives the same split.

        Args:
            validation: the share of images for validation, above 0 and below 1.
            seed: decides which images.

        Raises:
            ConfigError: if the share is none.
            DataError: if there are too few images to split.
        """
        chosen = stratified(self.labels, validation, seed)
        if not chosen.any():
            raise DataError(f"{self.name}: too few images to split; no class has two of them")
        return self.take(~chosen), self.take(chosen, f"{self.name} validation")

    def check_trainable(self, batch_size: int) -> None:
        """Raise a DataError if a network cannot be trained on this.

        Args:
            batch_size: how many images an update takes.
        """
        empty = np.flatnonzero(self.counts == 0)
        if len(self.classes) - len(empty) < 2:
            only = self.classes[int(self.labels[0])]
            raise DataError(
                f"{self.name}: all images are of one class, {only!r}; add images of another"
            )
        if len(empty):
            raise DataError(
                f"{self.name}: class {self.classes[int(empty[0])]!r} has no image; "
                "add some, or leave it out of the classes"
            )
        if len(self) < batch_size:
            raise DataError(
                f"{self.name}: {len(self)} images are fewer than one batch of {batch_size}; "
                f"use a batch_size of at most {len(self)}"
            )

    def digest(self) -> str:
        """Return the SHA-256 of images, labels and classes, as 64 hexadecimal digits.

        It depends on the values alone: not on the name, the memory layout or the machine.
        """
        kind = [self.images.dtype.name, self.images.shape, self.classes]
        sha = hashlib.sha256(json.dumps(kind).encode())
        ordered = self.images.dtype.newbyteorder("<")
        for at in range(0, len(self), 1000):
            sha.update(self.images[at : at + 1000].astype(ordered, copy=False).tobytes())
        sha.update(self.labels.astype("<i8", copy=False).tobytes())
        return sha.hexdigest()
