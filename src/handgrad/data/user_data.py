"""Load the user's own images from a folder, a table, or a file of arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label, is_text
from handgrad.data.dataset import Dataset
from handgrad.data.default_preprocessing import default_preprocessing, preprocessing_for_arrays
from handgrad.data.folders import check_exists
from handgrad.data.formats.image_files import UnreadableFilesError, find_unreadable
from handgrad.data.formats.reader import (
    TEST,
    TRAIN,
    VALIDATION,
    FileList,
    ImagesAndLabels,
    Skipped,
    Splits,
)
from handgrad.data.formats.registry import as_file_lists, read_labelled
from handgrad.data.labels import encode
from handgrad.data.split import first_copies, stratified
from handgrad.errors import ConfigError, DataError
from handgrad.files import expanded
from handgrad.pixel_range import BYTES, PixelRange, as_bytes, as_bytes_if_exact, joined
from handgrad.preprocess import Preprocessing

TEST_SHARE = 0.2  # the fraction of images that becomes the test set if there is none


def load_user_data(
    path: Path,
    preprocessing: Preprocessing | None = None,
    *,
    side: int | None = None,
    skip_broken: bool = False,
    progress: bool | None = None,
) -> tuple[Dataset, Dataset]:
    """Load the training and test sets from a file or folder.

    If there is no test set, the validation set is used instead. If there is neither, one fifth of
    each class becomes the test set, which contains the same images every time; copies of one image
    are then either all in the training set or all in the test set. If there is a test set, the
    validation images are added to the training images.

    Args:
        path: a folder of images, a table, an array file, or a folder with such files or IDX files.
        preprocessing: how to preprocess image files, or None to choose the preprocessing from a
            sample of them. Arrays are preprocessed only if it is `for_arrays`.
        side: the height and width to which image files are resized, or None to choose the size from
            a sample of them.
        skip_broken: whether to leave out image files that cannot be read; they are listed in
            `Dataset.skipped` of the training set.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        ConfigError: if `skip_broken` is given, but the data are arrays; or if `side` is given, but
            the data are arrays that are not preprocessed.
        DataError: if the data cannot be read; the message gives the reason and how to fix it.
    """
    path = expanded(path)
    check_exists(path)
    contents = read_labelled(path)
    skipped = contents.skipped
    if (files := as_file_lists(contents.splits)) is not None:
        if skip_broken:
            files, broken = _without_broken(files, path)
            skipped += broken
        train, test = _datasets_from_files(files, path, preprocessing, side, progress)
    elif skip_broken:
        raise ConfigError(
            f"skip_broken applies to image files, but {path} contains arrays; remove skip_broken"
        )
    else:
        if side is not None and (preprocessing is None or not preprocessing.for_arrays):
            raise ConfigError(
                f"without a preprocessing, size applies to image files only, but {path} contains "
                "arrays; remove size, or give a preprocessing too, such as plain"
            )
        train, found = datasets_from_arrays(
            contents.splits, data_name(path), preprocessing=preprocessing
        )
        train, test = (train, found) if found else train.split(TEST_SHARE, seed=0)
        test = replace(test, name=f"{data_name(path)} test")
    summary = "; ".join(filter(None, (contents.summary, train.summary)))
    return replace(train, summary=summary, skipped=skipped), test


def lacks_test_split(path: Path) -> bool:
    """Return whether a file or folder contains neither test images nor validation images.

    Without such images, a fraction of all images is set aside as the test set, which therefore
    changes when images are added.

    Raises:
        DataError: if the file or folder cannot be read.
    """
    return not read_labelled(path).splits.keys() & {TEST, VALIDATION}


def datasets_from_arrays(
    splits: Splits,
    name: str,
    trained: PixelRange | None = None,
    preprocessing: Preprocessing | None = None,
) -> tuple[Dataset, Dataset | None]:
    """Return the training set, and the test set or None if there is no test set.

    Args:
        splits: the arrays of "train" and optionally of "test" and "validation". If there is a test
            set, the validation images are added to the training images; otherwise they become the
            test set.
        name: the name that error messages and tables use for the data.
        trained: the range of the images that a model was trained on, because these images probably
            have the same range; or None to recognize it from the values alone.
        preprocessing: how to preprocess the images, if it is `for_arrays`. Otherwise they are not
            preprocessed.

    Raises:
        DataError: if an array cannot be used, or the splits do not match each other.
    """
    arrays = {key: split for key, split in splits.items() if isinstance(split, ImagesAndLabels)}
    steps = preprocessing if preprocessing is not None and preprocessing.for_arrays else None
    train = _array_dataset(arrays[TRAIN], name, steps, None, trained)
    test, validation = (
        _array_dataset(arrays[split], f"{name} {split}", steps, train) if split in arrays else None
        for split in (TEST, VALIDATION)
    )
    notes = [*_range_notes(train, test, validation)]
    if steps is not None:
        notes.append(f"each image preprocessed to {'x'.join(map(str, steps.shape))}")
    train = replace(train, summary="; ".join(notes))
    if test is None or validation is None:
        return train, test or validation
    X = joined(train.images, validation.images)
    return replace(train, images=X, labels=np.concatenate([train.labels, validation.labels])), test


def _array_dataset(
    arrays: ImagesAndLabels,
    name: str,
    preprocessing: Preprocessing | None,
    train: Dataset | None = None,
    trained: PixelRange | None = None,
) -> Dataset:
    """Return the dataset of one split, with the same form and classes as the training set."""
    labels = arrays.labels
    _check_labels_can_be_saved(labels, name)
    if train is not None and isinstance(train.classes[0], str) and labels.dtype.kind in "iu":
        raise DataError(
            f"{name}: the labels are numbers, but the labels of {train.name} are text; "
            "use the same type in both"
        )
    if train is None:
        expected = None if trained is None else _range_of_split(arrays.images, trained, name)
        data = Dataset.from_arrays(arrays.images, labels, None, name, pixel_range=expected)
        _check_channels(data)
        if preprocessing is not None:
            return data.preprocessed(preprocessing)
        if not data.pixel_range.is_known:
            return data
        return replace(data, preprocessing=preprocessing_for_arrays(as_bytes(data.images)))
    known = _range_of_split(arrays.images, train.pixel_range, name)
    data = Dataset.from_arrays(arrays.images, labels, train.classes, name, pixel_range=known)
    if preprocessing is not None:
        return data.preprocessed(preprocessing)
    if data.shape != train.shape:
        raise DataError(
            f"{name}: the images are {_form(data)}, but {train.name} has {_form(train)}; "
            "convert them to the same form"
        )
    X = data.images
    if known.is_known and train.images.dtype == np.uint8 and X.dtype != np.uint8:
        X = as_bytes_if_exact(X)
    return replace(data, images=X, preprocessing=train.preprocessing)


def _range_of_split(X: NDArray[Any], trained: PixelRange, name: str) -> PixelRange:
    """Return the range of images that were not used in training."""
    try:
        return trained.of_new_images(X)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _range_notes(train: Dataset, *others: Dataset | None) -> Iterator[str]:
    """Yield a note for each pixel range of a split that is not 0..255 or differs from training."""
    known = train.pixel_range
    if known != BYTES:
        yield f"pixels {known}" + ("" if known.is_known else ", used as they are")
    for other in others:
        if other is not None and other.pixel_range != known:
            yield f"{other.name}: pixels {other.pixel_range}, scaled to {known} as in training"


def _check_channels(data: Dataset) -> None:
    """Raise a DataError unless images are grey or have three colours."""
    if data.shape[0] not in (1, 3):
        raise DataError(
            f"{data.name}: images must be (N, H, W), or have 1, 3 or 4 channels as the first or "
            f"last axis, not {data.images.shape} {data.images.dtype}; 4 channels are red, green, "
            "blue and alpha"
        )


def _check_labels_can_be_saved(labels: NDArray[Any], name: str) -> None:
    """Raise a DataError if a label cannot be written to a model file."""
    if labels.dtype.kind == "u" and labels.size and labels.max() >= 1 << 63:
        raise DataError(f"{name}: the label {labels.max()} is too large; save labels .astype(str)")
    if labels.dtype.kind == "U":
        for label in np.unique(labels).tolist():
            if not is_text(label):
                raise DataError(f"{name}: the label {label!r} is not valid Unicode text; rename it")


def _datasets_from_files(
    splits: Mapping[str, FileList],
    path: Path,
    preprocessing: Preprocessing | None,
    side: int | None,
    progress: bool | None,
) -> tuple[Dataset, Dataset]:
    """Decode the listed image files into a training set and a test set."""
    train, test = splits.get(TRAIN), splits.get(TEST)
    validation = splits.get(VALIDATION)
    name = data_name(path)
    if train is None:
        raise DataError(f"{path} has no training images; call one of the splits train")
    if test is None:
        test, validation = validation, None
    if validation is not None:
        train = FileList(train.paths + validation.paths, train.labels + validation.labels)
    everything, is_test = train, None
    if test is None:
        is_test = _draw_test(everything.labels, name)
        train, test = _parts(everything, is_test)
    classes = sorted(set(train.labels))
    if unknown := set(test.labels) - set(classes):
        raise DataError(
            f"{path}: the test set has the class {min(unknown)!r}, but the training set does not; "
            "add training images for this class, or remove it from the test set"
        )
    preprocessing = preprocessing or default_preprocessing(train.paths, side)
    options: dict[str, Any] = {"preprocessing": preprocessing, "progress": progress}
    try:
        train_set = Dataset.from_files(*train, classes, name=name, **options)
        test_set = Dataset.from_files(*test, classes, name=f"{name} test", **options)
    except UnreadableFilesError:  # its message names those of one part only
        paths = [path for files in splits.values() for path in files.paths]
        raise UnreadableFilesError(name, find_unreadable(paths), len(paths)) from None
    if is_test is None:
        return train_set, test_set
    images = {False: iter(train_set.images), True: iter(test_set.images)}
    copies = first_copies(next(images[chosen]) for chosen in is_test.tolist())
    without_copies = _draw_test(everything.labels, name, copies)
    if np.array_equal(without_copies, is_test):
        return train_set, test_set
    train, test = _parts(everything, without_copies)
    train_set = Dataset.from_files(*train, classes, name=name, **options)
    return train_set, Dataset.from_files(*test, classes, name=f"{name} test", **options)


def _draw_test(
    labels: Sequence[Label], name: str, copies: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Choose the test images, (N,) bool, without separating copies (see `stratified`)."""
    is_test = stratified(encode(labels, None)[0], TEST_SHARE, 0, copies)
    if not is_test.any():
        raise DataError(
            f"{name}: too few images to split; give at least two different images of some class"
        )
    return is_test


def _parts(files: FileList, is_test: NDArray[np.bool_]) -> tuple[FileList, FileList]:
    """Return the training files and the test files."""
    parts = []
    for chosen in (~is_test, is_test):
        indices = np.flatnonzero(chosen).tolist()
        parts.append(
            FileList([files.paths[i] for i in indices], [files.labels[i] for i in indices])
        )
    return parts[0], parts[1]


def _without_broken(
    splits: Mapping[str, FileList], folder: Path
) -> tuple[Mapping[str, FileList], tuple[Skipped, ...]]:
    """Return the splits without the image files that cannot be read, and these files."""
    broken = find_unreadable([path for files in splits.values() for path in files.paths])
    names = {path for path, _ in broken}
    kept = {}
    for split, files in splits.items():
        pairs = [pair for pair in zip(*files, strict=True) if str(pair[0]) not in names]
        if pairs:
            kept[split] = FileList([path for path, _ in pairs], [label for _, label in pairs])
    return kept, tuple(
        Skipped(str(Path(path).relative_to(folder)) if folder in Path(path).parents else path, why)
        for path, why in broken
    )


def data_name(path: Path) -> str:
    """Return the name of the data, which is the last part of its path without the suffix."""
    return Path(os.path.abspath(path)).stem or "data"


def _form(data: Dataset) -> str:
    """Return the shape and dtype of images, such as 1x28x28 uint8."""
    return f"{'x'.join(map(str, data.shape))} {data.images.dtype}"
