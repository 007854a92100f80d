"""`Dataset`: images with their labels, which are checked once, when the dataset is created."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.class_names import Label, class_names
from handgrad.data.images import Shape, check_images, pixels_of, stored_range
from handgrad.data.labels import check_labels, encode
from handgrad.data.split import first_copies, stratified
from handgrad.errors import DataError
from handgrad.pixel_range import PixelRange, RangeLike, as_bytes

if TYPE_CHECKING:
    from pandas import DataFrame

    from handgrad.preprocess import Preprocessing

_RECOGNIZE = PixelRange(0.0, 0.0, is_known=False)  # stands for the range of the stored images
_CLASSES_IN_REPR = 4
_CLASSES_SHOWN, _IMAGES_SHOWN = 10, 10  # in a notebook: classes, and images of each


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images, the class of each image, and the names of the classes.

    >>> images = np.zeros((6, 28, 28), np.uint8)
    >>> data = Dataset.from_arrays(images, ["cat", "dog", "cat", "cat", "dog", "dog"])
    >>> data
    Dataset('data': 6 images 1x28x28 uint8, 2 classes: cat 3, dog 3)
    >>> X, y = data[:3]
    >>> X.shape, y.tolist()
    ((3, 1, 28, 28), [0, 1, 0])

    The dataset does not copy the arrays, and never changes them. `from_arrays` accepts arrays in
    more forms than the constructor does. Images that do not fit into memory may stay in a file:
    load them with ``np.load(path, mmap_mode="r")``. In this case, pass the validation images as a
    separate dataset, because `split` and `take` copy images.

    Attributes:
        images: the images, (N, C, H, W), uint8 0..255 or float32.
        labels: for each image, the index of its class in `classes`, (N,) int64 0..K-1.
        classes: the names of the K classes, either all `str` or all `int`.
        name: the name that error messages and tables use for the data.
        preprocessing: the preprocessing that converts an image file to the form of these images, or
            None if it is unknown.
        summary: one line that says how the file or folder was read, or "" if there is nothing to
            say.
        skipped: the files and folders that were not read, each with the reason.
        pixel_range: the values of black and white in the arrays that the images were made from. If
            it is not known, the images are used as they are. By default, it is 0..255 for uint8
            images, 0..1 for float32 images in this range, and otherwise not known.
        files: the path of each image's file, (N,), or () if the images are not single files.

    Raises:
        DataError: if an array has the wrong shape, dtype or values, or the arrays do not match each
            other.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[Label, ...]
    name: str = "data"
    preprocessing: Preprocessing | None = None
    summary: str = ""
    skipped: tuple[tuple[str, str], ...] = ()
    pixel_range: PixelRange = _RECOGNIZE
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            check_images(self.images)
            if self.pixel_range is _RECOGNIZE:
                object.__setattr__(self, "pixel_range", stored_range(self.images))
            object.__setattr__(self, "classes", class_names(self.classes))
            check_labels(self.labels, len(self.images), len(self.classes))
            if self.files and len(self.files) != len(self.images):
                raise DataError(
                    f"there are {len(self.files)} files and {len(self.images)} images; give one "
                    "file per image, or none"
                )
            if self.preprocessing is not None and self.preprocessing.shape != self.shape:
                raise DataError(
                    f"the preprocessing produces {self.preprocessing.shape}, but the images are "
                    f"{self.shape}; give the preprocessing that produced them"
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
        *,
        pixel_range: RangeLike = None,
    ) -> Self:
        """Create a dataset from arrays.

        >>> images = np.zeros((2, 28, 28), np.uint16)
        >>> images[:, 9:19, 14] = 65535
        >>> Dataset.from_arrays(images, [0, 1]).images.max()
        np.uint8(255)

        Args:
            images: the images, (N, H, W), (N, C, H, W) or (N, H, W, C) with 1, 3 or 4 channels, as
                bool, integers or floating point. Four channels are red, green, blue and alpha.
            labels: one label per image, (N,), strings or integers, or one-hot rows, (N, K). If the
                labels are integers and `classes` are strings, each label is an index into
                `classes`. Otherwise each label is a class name.
            classes: the class names in order, or None to use the sorted distinct labels.
            name: the name that error messages and tables use for the data.
            pixel_range: the values of black and white, such as (0, 255), from which the images are
                scaled; or "raw" to use the values as they are; or None to recognize the range.
                bool, 0..1, 0..16, 0..255, -1..1 and integers up to 65535 are recognized. Numbers in
                floating point of another range are used as they are.

        Raises:
            DataError: if the arrays cannot be used; the message gives the reason and how to fix it.
        """
        try:
            X, known = pixels_of(images, pixel_range)
            y, names = encode(labels, classes)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        return cls(X, y, names, name, pixel_range=known)

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
    ) -> Self:
        """Create a dataset from the image files that are listed in a pandas DataFrame.

        Args:
            frame: the DataFrame.
            path: the name of the column with the file paths.
            label: the name of the column with the labels, which are strings or integers.
            folder: the folder that relative paths refer to.
            preprocessing: how to preprocess each image, or None to choose the preprocessing
                automatically.
            name: the name that error messages and tables use for the data.
            progress: whether to show a progress bar on stderr, or None to show one only if stderr
                is a terminal.

        Raises:
            DataError: if a column is missing, or a file cannot be read.
        """
        from handgrad.data.formats.file_table import read_frame  # it imports Pillow

        files = read_frame(frame, path, label, folder, name)
        options: dict[str, Any] = {"preprocessing": preprocessing, "name": name}
        return cls.from_files(files.paths, files.labels, progress=progress, **options)

    @classmethod
    def from_files(
        cls,
        paths: Sequence[Path],
        labels: Sequence[Label],
        classes: Sequence[Label] | None = None,
        *,
        preprocessing: Preprocessing | None = None,
        name: str = "data",
        progress: bool | None = None,
    ) -> Self:
        """Create a dataset from image files.

        Args:
            paths: the paths of the files.
            labels: one label per file.
            classes: the class names in order, or None to use the sorted distinct labels.
            preprocessing: how to preprocess each image, or None to choose the preprocessing
                automatically.
            name: the name that error messages and tables use for the data.
            progress: whether to show a progress bar on stderr, or None to show one only if stderr
                is a terminal.

        Raises:
            DataError: if a file cannot be read, or a label is not among the classes.
        """
        from handgrad.data.default_preprocessing import default_preprocessing  # it imports Pillow
        from handgrad.data.formats.image_files import read_images

        preprocessing = preprocessing or default_preprocessing(paths)
        preprocessing = replace(preprocessing, for_arrays=False)  # these are image files
        X = read_images(paths, preprocessing, name, progress=progress)
        y, names = encode(labels, classes)
        return cls(X, y, names, name, preprocessing, files=tuple(map(str, paths)))

    @property
    def shape(self) -> Shape:
        """The shape of one image, (C, H, W)."""
        _, C, H, W = self.images.shape
        return C, H, W

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of images of each class, (K,) int64."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64, copy=False)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return the images and labels at an index, a slice, or an array of indices or booleans."""
        return self.images[index], self.labels[index]

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        images = f"{len(self):,} images {size} {self.images.dtype}"
        some = zip(self.classes[:_CLASSES_IN_REPR], self.counts.tolist(), strict=False)
        counts = ", ".join(f"{label} {count:,}" for label, count in some)
        more = ", ..." if len(self.classes) > _CLASSES_IN_REPR else ""
        return f"Dataset({self.name!r}: {images}, {len(self.classes)} classes: {counts}{more})"

    def _repr_html_(self) -> str:
        from handgrad.html import class_table, paragraph  # it imports Pillow

        rows = []
        for k, (label, count) in enumerate(zip(self.classes, self.counts.tolist(), strict=True)):
            limit = _IMAGES_SHOWN if k < _CLASSES_SHOWN else 0
            rows.append((label, count, self.images[np.flatnonzero(self.labels == k)[:limit]]))
        return paragraph(repr(self)) + class_table(rows)

    def take(self, indices: ArrayLike, name: str | None = None) -> Dataset:
        """Return a dataset of the images at `indices`, with the same classes as this dataset.

        Args:
            indices: integer indices, or one boolean per image.
            name: the name of the new dataset, or None to keep the name of this dataset.
        """
        chosen = np.asarray(indices)
        chosen = chosen if chosen.size else chosen.astype(np.int64)
        X, y = self[chosen]
        files = tuple(np.array(self.files, object)[chosen]) if self.files else ()
        return replace(self, images=X, labels=y, name=name or self.name, files=files)

    def preprocessed(self, preprocessing: Preprocessing) -> Dataset:
        """Return a dataset whose images are preprocessed in the same way as image files.

        The dataset is returned unchanged if its images are the results of these steps already.

        Args:
            preprocessing: the steps. A model that is trained on the result also preprocesses the
                arrays that it is given later.

        Raises:
            DataError: if the values of black and white are not known.
        """
        if preprocessing.has_same_steps(self.preprocessing):
            return self
        if not self.pixel_range.is_known:
            raise DataError(
                f"{self.name}: the images have values {self.pixel_range} of no known range, so "
                "they cannot be preprocessed; leave out the preprocessing, or save the images as "
                "0..255"
            )
        X = preprocessing.apply_to_arrays(as_bytes(self.images))
        return replace(self, images=X, preprocessing=replace(preprocessing, for_arrays=True))

    def split(self, validation: float = 0.1, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Split into a training set and a validation set with equal class proportions.

        Each image is in exactly one of the two sets, and copies of one image are in the same set. A
        class with two or more different images has at least one in each set. The same seed gives
        the same split.

        Args:
            validation: the fraction of images for validation, above 0 and below 1.
            seed: the random seed that determines which images are chosen.

        Raises:
            ConfigError: if the fraction is out of range.
            DataError: if there are too few images to split.
        """
        chosen = self.validation_mask(validation, seed)
        if not chosen.any():
            raise DataError(
                f"{self.name}: too few images to split; no class has two or more different images"
            )
        return self.take(~chosen), self.take(chosen, f"{self.name} validation")

    def validation_mask(self, validation: float, seed: int) -> NDArray[np.bool_]:
        """Return which images `split` puts into the validation set, (N,) bool.

        Args:
            validation: the fraction of images for validation, above 0 and below 1.
            seed: the random seed that determines which images are chosen.

        Raises:
            ConfigError: if the fraction is out of range.
        """
        return stratified(self.labels, validation, seed, self._copies)

    @cached_property
    def _copies(self) -> NDArray[np.int64]:
        """For each image, the index of the first image that is equal to it, (N,)."""
        return first_copies(self.images)

    def check_trainable(self, batch_size: int) -> None:
        """Raise a DataError if a network cannot be trained on this dataset.

        Args:
            batch_size: the number of images per update.
        """
        empty = np.flatnonzero(self.counts == 0)
        if len(self.classes) - len(empty) < 2:
            only = self.classes[int(self.labels[0])]
            raise DataError(
                f"{self.name}: all images belong to the class {only!r}; add images of another class"
            )
        if len(empty):
            raise DataError(
                f"{self.name}: class {self.classes[int(empty[0])]!r} has no image; "
                "add some, or remove it from the classes"
            )
        if len(self) < batch_size:
            raise DataError(
                f"{self.name}: the {len(self)} images are fewer than one batch of {batch_size}; "
                f"use a batch_size of at most {len(self)}"
            )

    def digest(self) -> str:
        """Return the SHA-256 of the images, labels and classes, as 64 hexadecimal digits.

        The hash depends only on these values, not on the dataset's name, the memory layout or the
        machine.
        """
        header = [self.images.dtype.name, self.images.shape, self.classes]
        sha = hashlib.sha256(json.dumps(header).encode())
        little_endian = self.images.dtype.newbyteorder("<")
        for start in range(0, len(self), 1000):
            batch = self.images[start : start + 1000]
            sha.update(batch.astype(little_endian, copy=False).tobytes())
        sha.update(self.labels.astype("<i8", copy=False).tobytes())
        return sha.hexdigest()
