"""List, download, check and load data sets by name, and load the user's own images by path."""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from handgrad.data.dataset import Dataset
from handgrad.data.folders import VARIABLE, cache_folder, data_paths
from handgrad.data.images import Shape
from handgrad.data.named.digits import load_digits
from handgrad.data.named.file_checks import FileCheck, check_file
from handgrad.data.named.locate import find, locate, paths_of
from handgrad.data.named.mnist import read_mnist_files
from handgrad.data.named.sources import SOURCES, Source, source_named
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing


class Entry(NamedTuple):
    """The description of a built-in data set, available before the data set is loaded.

    Attributes:
        name: the name that `load_data` accepts for the data set.
        train: the number of training images.
        test: the number of test images.
        classes: the number of classes.
        shape: the shape of one image, (C, H, W).
        credit: the authors of the data set.
        licence: the licence of the data set.
        where: the folder that contains the data set; "in scikit-learn"; or "not here", followed by
            the reason if the data folder cannot be used.
    """

    name: str
    train: int
    test: int
    classes: int
    shape: Shape
    credit: str
    licence: str
    where: str


def load_data(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progress: bool | None = None,
    preprocessing: Preprocessing | None = None,
    side: int | None = None,
    skip_broken: bool = False,
) -> tuple[Dataset, Dataset]:
    """Load the training and test sets of a built-in data set, or of the user's own images.

    If `data_dir` is given, the files of a built-in data set must be in this folder. Otherwise they
    are searched for in the folder $HANDGRAD_DATA, then in the user's cache. If they are in neither,
    they are downloaded to the cache. In each folder, the files are in a subfolder with the name of
    the data set, such as ``mnist/``.

    >>> train, test = load_data("digits")
    >>> train
    Dataset('digits': 1,438 images 1x8x8 uint8, 10 classes: 0 142, 1 146, 2 142, 3 146, ...)

    Args:
        name: "mnist", "fashion-mnist", "kmnist" or "digits", which is never downloaded; or the path
            of the user's own images. The path is that of a folder with the layout
            FOLDER/CLASS/*.png, or FOLDER/train/CLASS/*.png and FOLDER/test/CLASS/*.png, or with a
            table such as labels.csv; a CSV, TSV or Parquet file; an NPZ, NPY or MAT file; or a
            folder with such files or IDX files.
        data_dir: the folder with the files of a built-in data set.
        download: whether missing files of a built-in data set may be downloaded.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.
        preprocessing: how to preprocess the user's own image files, or None to choose the
            preprocessing from a sample of them. Arrays and built-in data sets are preprocessed only
            if it is `for_arrays`.
        side: the height and width to which the user's own image files are resized, or None to
            choose the size from a sample of them.
        skip_broken: whether to leave out image files of the user that cannot be read. The attribute
            `skipped` of the training set lists them.

    Raises:
        ConfigError: if there is no data set with this name; if `data_dir` is given, but `name` is a
            path or "digits"; or if `skip_broken` is True, but there are no image files.
        DataError: if the data cannot be found or downloaded, or a file is corrupted.
        StorageError: if the downloaded files cannot be written to disk.
    """
    check_data_dir(name, data_dir)
    if is_user_data(name):
        from handgrad.data.user_data import load_user_data  # it imports Pillow

        return load_user_data(
            Path(name), preprocessing, side=side, skip_broken=skip_broken, progress=progress
        )
    if skip_broken:
        raise ConfigError(f"skip_broken applies to your own images only, not to {name}; remove it")
    source = _source(name)
    default = _preprocessing(source)
    train, test = (
        replace(data, preprocessing=default) for data in _load(source, data_dir, download, progress)
    )
    if preprocessing is not None and preprocessing.for_arrays:
        return train.preprocessed(preprocessing), test.preprocessed(preprocessing)
    return train, test


def is_user_data(name: str) -> bool:
    """Return whether a name is the path of the user's own images, not the name of a data set."""
    if name in SOURCES or not name:
        return False
    path = Path(name)
    return len(path.parts) > 1 or path.suffix != "" or os.path.lexists(path)


def available() -> list[Entry]:
    """List all built-in data sets, with the place where each one is stored."""
    return [
        Entry(s.name, s.train, s.test, len(s.classes), s.shape, s.credit, s.licence, _where(s))
        for s in SOURCES.values()
    ]


def fetch(name: str, *, progress: bool | None = None) -> Path | None:
    """Download a data set unless it is already on this machine, and return its folder.

    Files in the user's cache are checked, and downloaded again if their checksums are wrong.

    Args:
        name: the name of the data set.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Returns:
        The folder, or None for a data set that is included in an installed package.

    Raises:
        ConfigError: if there is no data set with this name.
        DataError: if the data set cannot be downloaded.
        StorageError: if the downloaded files cannot be written to disk.
    """
    source = source_named(name)
    if not source.files:
        return None
    folder = locate(source)
    if folder is None or folder.parent == cache_folder():
        folder = _download(source, progress)
    return folder


def check_files(name: str, data_dir: str | os.PathLike[str] | None = None) -> list[FileCheck]:
    """Compare the files of a data set with the published files by SHA-256 checksum.

    Args:
        name: the name of the data set.
        data_dir: the folder with the files, or None for the folder where `load_data` finds them.

    Returns:
        One check per file, or an empty list for a data set that is included in an installed
        package.

    Raises:
        ConfigError: if there is no data set with this name, or if `data_dir` is given, but the data
            set has no files.
        DataError: if a file is missing in `data_dir`.
    """
    source = source_named(name)
    check_data_dir(name, data_dir)
    folder = locate(source, data_dir) or cache_folder() / name
    paths = [find(folder, file) or folder / f"{file.name}.gz" for file in source.files]
    return [check_file(file, path) for file, path in zip(source.files, paths, strict=True)]


def check_data_dir(name: str, data_dir: str | os.PathLike[str] | None) -> None:
    """Raise a ConfigError if a folder is given for data that have no files in such a folder."""
    if data_dir is None:
        return
    if is_user_data(name):
        raise ConfigError(
            f"{name} is the path of your own images; leave out data_dir, which is for built-in "
            "data such as mnist"
        )
    if name in SOURCES and not SOURCES[name].files:
        raise ConfigError(
            f"{name} comes with scikit-learn; leave out data_dir, which is for data sets "
            "with files, such as mnist"
        )


def _source(name: str) -> Source:
    """Return the data set with a given name. The error message also lists the user's folders."""
    try:
        return source_named(name)
    except ConfigError as error:
        paths = data_paths(Path())
        if not paths or difflib.get_close_matches(name, SOURCES):
            raise
        near = difflib.get_close_matches(name, paths, n=1)
        hint = f"; did you mean the folder {near[0]}?" if near else ""
        more = ", ..." if len(paths) > 10 else ""
        raise ConfigError(
            f"{error}{hint}; this folder contains {', '.join(paths[:10])}{more}"
        ) from None


def _preprocessing(source: Source) -> Preprocessing:
    """Return the preprocessing that converts an image file to the form of a built-in data set."""
    from handgrad.preprocess import PRESETS  # it imports Pillow

    return PRESETS[source.preset](source.shape)


def _load(
    source: Source, data_dir: str | os.PathLike[str] | None, download: bool, progress: bool | None
) -> tuple[Dataset, Dataset]:
    """Load the training and test sets of a built-in data set."""
    name = source.name
    if not source.files:
        return load_digits()
    folder = locate(source, data_dir)
    if folder is None:
        if not download:
            raise DataError(
                f"{name} is not on this machine; download it with `handgrad data fetch {name}`, "
                f"or set {VARIABLE} to a folder that contains the files in {name}/"
            )
        folder = _download(source, progress)
    return read_mnist_files(source, paths_of(folder, source))


def _download(source: Source, progress: bool | None) -> Path:
    """Download a data set to the cache, and return its folder."""
    from handgrad.data.named.download import download  # it imports requests

    folder = cache_folder() / source.name
    download(source, folder, progress=progress)
    return folder


def _where(source: Source) -> str:
    """Describe where a data set is stored."""
    if not source.files:
        return "in scikit-learn"
    try:
        return str(locate(source) or "not here")
    except DataError as error:
        return f"not here: {error}"
