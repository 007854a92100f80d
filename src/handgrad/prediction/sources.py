"""Finds the images to classify: image files, folders of them, tables and files of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.class_names import Label, as_text
from handgrad.classifier import Classifier
from handgrad.classifier.scaling import raw_bytes
from handgrad.data.formats import image_folder
from handgrad.data.formats.folder_tree import is_image, scan
from handgrad.data.formats.pixel_table import is_table, siblings
from handgrad.data.formats.reader import (
    TRAIN,
    Contents,
    FileList,
    ImagesAndLabels,
    Skipped,
)
from handgrad.data.formats.registry import READERS, as_file_lists, read_contents
from handgrad.data.user_data import data_name, datasets_from_arrays
from handgrad.errors import DataError
from handgrad.files import check_is_file
from handgrad.pixel_range import as_bytes


class ImageFiles(NamedTuple):
    """Image files to classify.

    Attributes:
        paths: the path of each file.
        labels: the known label of each image, or None where it is unknown.
    """

    paths: list[Path]
    labels: list[Label | None]

    def after(self, start: int) -> ImageFiles:
        """Return the images without the first `start` ones."""
        return ImageFiles(self.paths[start:], self.labels[start:])


class ImageRows(NamedTuple):
    """The images of an array to classify.

    Attributes:
        images: the images, (N, C, H, W).
        names: the name of each image in the results, such as its index.
        labels: the known label of each image, or None where it is unknown.
        are_raw: whether the images are uint8 images that have to be preprocessed. If not, they are
            inputs of the network.
    """

    images: NDArray[Any]
    names: list[str]
    labels: list[Label | None]
    are_raw: bool = False

    def after(self, start: int) -> ImageRows:
        """Return the images without the first `start` ones."""
        return self._replace(
            images=self.images[start:], names=self.names[start:], labels=self.labels[start:]
        )


Source = ImageFiles | ImageRows


class Sources(NamedTuple):
    """The images that were found.

    Attributes:
        sources: the images, in the order of the results.
        notes: how the data was interpreted, one sentence each.
        skipped: the files that were left out.
    """

    sources: list[Source]
    notes: list[str]
    skipped: list[Skipped]


def find_images(path: Path, classifier: Classifier) -> Sources:
    """Find the images of a file or folder that a classifier is to classify.

    All images of a folder of image files are found, with or without class folders. If the name of a
    class folder is not the name of a class, the label is unknown. The rows of an array are named
    by their index, and by the split as well if there are several splits. If a folder or an NPZ file
    has labelled and unlabelled arrays, only the unlabelled ones are found.

    Raises:
        DataError: if the file or folder cannot be read, or contains no images.
    """
    try:
        if not path.is_dir():
            check_is_file(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give another file") from None
    if not path.is_dir() and is_image(path):
        return Sources([ImageFiles([path], [None])], [], [])
    is_table = next(reader for reader in READERS if reader.accepts(path)) is not image_folder
    if not is_table:
        return _folder(path)
    return _from_contents(read_contents(path), path, classifier)


def merged(sources: Sequence[Source]) -> list[Source]:
    """Return the sources with consecutive image files in one source."""
    result: list[Source] = []
    for source in sources:
        last = result[-1] if result else None
        if isinstance(source, ImageFiles) and isinstance(last, ImageFiles):
            last.paths.extend(source.paths)
            last.labels.extend(source.labels)
        elif isinstance(source, ImageFiles):
            result.append(ImageFiles(list(source.paths), list(source.labels)))
        else:
            result.append(source)
    return result


def rest_of(sources: Sequence[Source], start: int) -> list[Source]:
    """Return the sources without their first `start` images."""
    rest: list[Source] = []
    for source in sources:
        count = len(source.labels)
        if start < count:
            rest.append(source.after(start))
        start = max(0, start - count)
    return rest


def known_labels(sources: Sequence[Source], classes: Sequence[Label]) -> list[Source]:
    """Return the sources with each label that is not a class name replaced by None.

    A label that is a number, such as the name of a class folder, equals the same number as text.
    """
    by_text = {as_text(name): name for name in classes}
    return [
        source._replace(
            labels=[
                label if label is None else by_text.get(as_text(label)) for label in source.labels
            ]
        )
        for source in sources
    ]


def _folder(folder: Path) -> Sources:
    """Find the image files of a folder, which may be class folders."""
    labels: dict[Path, Label] = {}
    with suppress(DataError):  # there are no class folders
        for files in (as_file_lists(read_contents(folder).splits) or {}).values():
            labels.update(zip(files.paths, files.labels, strict=False))
    try:
        found = scan(folder)
        images, skipped = list(found.images()), list(found.skipped())
    except OSError as error:
        raise DataError(
            f"{error.filename or folder} cannot be read ({error.strerror}); make it readable"
        ) from None
    if not images:
        raise DataError(f"{folder} contains no images; give a folder of image files")
    return Sources([ImageFiles(images, [labels.get(path) for path in images])], [], skipped)


def _from_contents(contents: Contents, path: Path, classifier: Classifier) -> Sources:
    """Return the images that a reader found in a table, in a file of arrays or in a folder."""
    notes = [f"{path}: {contents.summary}"] if contents.summary else []
    splits: dict[str, FileList | ImagesAndLabels] = dict(contents.splits)
    if path.is_file() and is_table(path) and TRAIN in splits and any(siblings(path)):
        splits = {TRAIN: splits[TRAIN]}  # the others are in the file beside it
    elif contents.unlabelled is not None:
        if splits:
            notes.append(f"{path}: only the images without labels are classified")
        splits = {"": contents.unlabelled}
    several = len(splits) > 1
    sources = [
        _source(f"{split}:" if several else "", found, path, classifier)
        for split, found in splits.items()
    ]
    return Sources(sources, notes, list(contents.skipped))


def _source(
    prefix: str, found: FileList | ImagesAndLabels, path: Path, classifier: Classifier
) -> Source:
    """Return the images of one split; `prefix` is put before the index of a row."""
    count = len(found.paths if isinstance(found, FileList) else found.images)
    labels: list[Label | None] = np.asarray(found.labels, object).tolist() or [None] * count
    if isinstance(found, FileList):
        return ImageFiles(list(found.paths), labels)
    try:
        images, are_raw = _rows(found.images, path, classifier)
    except DataError as error:
        message = str(error)
        raise DataError(message if message.startswith(str(path)) else f"{path}: {error}") from None
    return ImageRows(images, [f"{prefix}{i}" for i in range(count)], labels, are_raw)


def _rows(images: NDArray[Any], path: Path, classifier: Classifier) -> tuple[NDArray[Any], bool]:
    """Return images, and whether they are raw images that have to be preprocessed.

    Images of the network's size are inputs of the network, unless the training arrays were
    preprocessed.
    """
    if classifier.preprocesses_arrays:
        return raw_bytes(classifier.pixel_range, images), True
    C, H, W = classifier.shape
    if images.shape[1:] in ((C, H, W), (H, W, C), *([(H, W)] if C == 1 else [])):
        return classifier.pixels(images), False
    arrays = ImagesAndLabels(images, np.zeros(len(images), np.int64))  # the labels are not used
    data, _ = datasets_from_arrays({TRAIN: arrays}, data_name(path))
    if not data.pixel_range.is_known:
        return data.images, False
    return as_bytes(data.images), True
