"""Pictures with their labels, checked once, when they come in."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data.labels import check_labels, encode
from handgrad.data.pictures import as_pictures, check_pictures
from handgrad.data.split import stratified
from handgrad.errors import DataError
from handgrad.labels import Label, class_names

if TYPE_CHECKING:
    from pandas import DataFrame

    from handgrad.preparation import Preparation

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Pictures, the class of each, and what the classes are called.

    >>> pictures = np.zeros((6, 28, 28), np.uint8)
    >>> data = Dataset.from_arrays(pictures, ["cat", "dog", "cat", "cat", "dog", "dog"])
    >>> data
    Dataset('data': 6 pictures 1x28x28 uint8, 2 classes)
    >>> X, y = data[:3]
    >>> X.shape, y.tolist()
    ((3, 1, 28, 28), [0, 1, 0])

    The arrays are kept, not copied, and never changed. `from_arrays` takes them in more forms.
    Pictures that do not fit into memory may stay in a file, ``np.load(path, mmap_mode="r")``;
    validation then wants a data set of its own, for `split` and `take` copy.

    Attributes:
        pictures: (N, C, H, W), uint8 0..255 or float32.
        labels: the place of each picture's class in `classes`, (N,) int64 0..K-1.
        classes: what the K classes are called: all strings or all whole numbers, of Python's own.
        name: what errors and tables call this data.
        preparation: what brings a picture in a file to the form of these; None: nobody knows.

    Raises:
        DataError: if the arrays are no such thing, or do not belong together.
    """

    pictures: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[Label, ...]
    name: str = "data"
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        try:
            check_pictures(self.pictures)
            object.__setattr__(self, "classes", class_names(self.classes))
            check_labels(self.labels, len(self.pictures), len(self.classes))
            if self.preparation is not None and self.preparation.shape != self.shape:
                raise DataError(
                    f"the preparation ends in {self.preparation.shape}, but the pictures are "
                    f"{self.shape}; give the one they were made with"
                )
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from None

    @classmethod
    def from_arrays(
        cls,
        pictures: ArrayLike,
        labels: ArrayLike,
        classes: Sequence[Label] | None = None,
        name: str = "data",
    ) -> Self:
        """Make a dataset of arrays as people have them.

        Args:
            pictures: (N, H, W) or (N, C, H, W); uint8 0..255, or floating point, which becomes
                float32.
            labels: one for each picture, (N,): strings or whole numbers. Whole numbers beside
                `classes` that are strings are places in `classes`, counted from 0; in all other
                cases a label is the name of its class.
            classes: the names of the classes, in order; None: the labels that occur, sorted.
            name: what errors and tables call this data.

        Raises:
            DataError: if they cannot be used; the sentence says why, and what to do.
        """
        try:
            X = as_pictures(pictures)
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
        preparation: Preparation | None = None,
        name: str = "data",
        progress: bool | None = None,
    ) -> Dataset:
        """Make a dataset of the picture files that a table names.

        Args:
            frame: the table.
            path: its column with the paths of the files.
            label: its column with strings or whole numbers.
            folder: what paths that are not absolute begin at.
            preparation: what is done to each picture; None: what suits them.
            name: what errors and tables call this data.
            progress: whether to show a bar on stderr; None: where that is a terminal.

        Raises:
            DataError: if a column is missing, or a file cannot be read.
        """
        from handgrad.data.own import from_table  # it loads Pillow

        return from_table(frame, path, label, folder, preparation, name, progress)

    @property
    def shape(self) -> Shape:
        """The shape of one picture, (C, H, W)."""
        _, C, H, W = self.pictures.shape
        return C, H, W

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many pictures each class has, (K,) int64."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64, copy=False)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return pictures and labels at a slice, an array of places or of truth values, or one."""
        return self.pictures[index], self.labels[index]

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        kind = f"{len(self):,} pictures {size} {self.pictures.dtype}"
        return f"Dataset({self.name!r}: {kind}, {len(self.classes)} classes)"

    def take(self, indices: ArrayLike, name: str | None = None) -> Dataset:
        """Return the dataset of the pictures at `indices`, with all classes.

        Args:
            indices: places, or one truth value for each picture.
            name: what to call it; None: as this one.
        """
        places = np.asarray(indices)
        X, y = self[places if places.size else places.astype(np.int64)]
        return Dataset(X, y, self.classes, name or self.name, self.preparation)

    def split(self, validation: float = 0.1, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Split into training and validation, with the classes in equal shares.

        Every picture lands in one of them. A class of two pictures or more has one in both. The
        same seed gives the same split.

        Args:
            validation: the share of pictures for validation, above 0 and below 1.
            seed: decides which pictures.

        Raises:
            ConfigError: if the share is none.
            DataError: if there are too few pictures to split.
        """
        chosen = stratified(self.labels, validation, seed)
        if not chosen.any():
            raise DataError(f"{self.name}: too few pictures to split; no class has two of them")
        return self.take(~chosen), self.take(chosen, f"{self.name} validation")

    def check_trainable(self, batch_size: int) -> None:
        """Raise a DataError if a network cannot be trained on this.

        Args:
            batch_size: how many pictures an update takes.
        """
        empty = np.flatnonzero(self.counts == 0)
        if len(self.classes) - len(empty) < 2:
            only = self.classes[int(self.labels[0])]
            raise DataError(
                f"{self.name}: all pictures are of one class, {only!r}; add pictures of another"
            )
        if len(empty):
            raise DataError(
                f"{self.name}: class {self.classes[int(empty[0])]!r} has no picture; "
                "add some, or leave it out of the classes"
            )
        if len(self) < batch_size:
            raise DataError(
                f"{self.name}: {len(self)} pictures are fewer than one batch of {batch_size}; "
                f"use a batch_size of at most {len(self)}"
            )

    def digest(self) -> str:
        """Return the SHA-256 of pictures, labels and classes, as 64 hexadecimal digits.

        It depends on the values alone: not on the name, the memory layout or the machine.
        """
        kind = [self.pictures.dtype.name, self.pictures.shape, self.classes]
        sha = hashlib.sha256(json.dumps(kind).encode())
        ordered = self.pictures.dtype.newbyteorder("<")
        for at in range(0, len(self), 1000):
            sha.update(self.pictures[at : at + 1000].astype(ordered, copy=False).tobytes())
        sha.update(self.labels.astype("<i8", copy=False).tobytes())
        return sha.hexdigest()
