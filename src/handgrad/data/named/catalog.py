"""Data by name: list it, fetch it, verify it, load it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from handgrad.data.dataset import Dataset, Shape
from handgrad.data.named.digests import FileCheck, check_file
from handgrad.data.named.digits import load_digits
from handgrad.data.named.locate import VARIABLE, cache_folder, find, locate
from handgrad.data.named.mnist import read_family
from handgrad.data.named.sources import SOURCES, Source, source_named
from handgrad.errors import ConfigError, DataError

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing


class Entry(NamedTuple):
    """What there is to know about data before it is loaded.

    Attributes:
        name: what `load_data` calls it.
        train: how many training images it has.
        test: how many test images.
        classes: how many classes.
        shape: the shape of one image, (C, H, W).
        credit: who made it.
        licence: on what terms it may be used.
        where: the folder it lies in, "in scikit-learn", or "not here", with the reason if the
            place to look in is at fault.
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
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
    progress: bool | None = None,
    preprocessing: Preprocessing | None = None,
    side: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Return training and test set of data with a name, or of images of one's own.

    The files of data with a name are looked for in `folder` alone, where it is given; else in the
    folder that the environment variable HANDGRAD_DATA names, then in the user's cache; else they
    are downloaded there. In a folder they lie under the name of the data, such as ``mnist/``.

    >>> train, test = load_data("digits")
    >>> train
    Dataset('digits': 1,438 images 1x8x8 uint8, 10 classes)

    Args:
        name: "digits", which needs no files, "mnist", "fashion-mnist" or "kmnist"; or the path of
            images of one's own: a folder FOLDER/CLASS/*.png, also with train and test between,
            or with a metadata.csv; a CSV or an NPZ file; a folder with IDX files.
        folder: where the files of data with a name lie.
        download: whether they may be downloaded.
        progress: whether to show a bar on stderr while waiting; None: where that is a terminal.
        preprocessing: what is done to image files of one's own; None: what suits them.
        side: the height and width to bring them to; None: what suits them.

    Raises:
        ConfigError: if there is no data of this name, or a folder beside a path.
        DataError: if it cannot be had, or a file is broken.
        StorageError: if what is downloaded cannot be written.
    """
    if is_own(name):
        if folder is not None:
            raise ConfigError(
                f"{name} is where images of your own lie; leave out the folder, which is for "
                "data with a name, such as mnist"
            )
        from handgrad.data.formats.user_data import read_own

        return read_own(Path(name), preprocessing, side=side, progress=progress)
    source = source_named(name)
    train, test = _load(source, folder, download, progress)
    recipe = _preprocessing(source)
    return replace(train, preprocessing=recipe), replace(test, preprocessing=recipe)


def is_own(name: str) -> bool:
    """Say whether this is no name but the path of images of one's own."""
    if name in SOURCES or not name:
        return False
    parts = Path(name)
    return len(parts.parts) > 1 or parts.suffix != "" or os.path.lexists(parts)


def _preprocessing(source: Source) -> Preprocessing:
    """Return what brings an image in a file to the form of a source's."""
    from handgrad.preprocess import RECIPES  # it loads Pillow

    return RECIPES[source.recipe](source.shape)


def _load(
    source: Source, folder: str | os.PathLike[str] | None, download: bool, progress: bool | None
) -> tuple[Dataset, Dataset]:
    """Return training and test set of a source."""
    name = source.name
    if not source.files:
        return load_digits()
    place = locate(source, folder)
    if place is None:
        if not download:
            raise DataError(
                f"{name} is not on this machine; download it with `handgrad data fetch {name}`, "
                f"or set {VARIABLE} to a folder with the files in {name}/"
            )
        place = _download(source, progress)
    paths = [find(place, file) for file in source.files]
    return read_family(source, [path for path in paths if path is not None])


def available() -> list[Entry]:
    """Return what can be loaded, and where it lies."""
    return [
        Entry(s.name, s.train, s.test, len(s.classes), s.shape, s.credit, s.licence, _where(s))
        for s in SOURCES.values()
    ]


def fetch(name: str, *, progress: bool | None = None) -> Path | None:
    """Bring data to this machine where it is not, and return its folder.

    What lies in the user's cache is checked, and what is not right there is downloaded again.

    Args:
        name: the data.
        progress: whether to show a bar on stderr; None: where that is a terminal.

    Returns:
        The folder; None for data that comes with an installed package.

    Raises:
        ConfigError: if there is no data of this name.
        DataError: if it cannot be had.
        StorageError: if what is downloaded cannot be written.
    """
    source = source_named(name)
    if not source.files:
        return None
    place = locate(source)
    if place is None or place.parent == cache_folder():
        place = _download(source, progress)
    return place


def verify(name: str, folder: str | os.PathLike[str] | None = None) -> list[FileCheck]:
    """Compare the files of data, by SHA-256, with the published ones.

    Args:
        name: the data.
        folder: where the files lie; None: where `load_data` would find them.

    Returns:
        One check for each file; none for data that comes with an installed package.

    Raises:
        ConfigError: if there is no data of this name.
        DataError: if `folder` lacks a file.
    """
    source = source_named(name)
    place = locate(source, folder) or cache_folder() / name
    paths = [find(place, file) or place / f"{file.name}.gz" for file in source.files]
    return [check_file(file, path) for file, path in zip(source.files, paths, strict=True)]


def _download(source: Source, progress: bool | None) -> Path:
    """Bring a source into the cache, and return its folder."""
    from handgrad.data.named.download import download  # so do the libraries for the network

    place = cache_folder() / source.name
    download(source, place, progress=progress)
    return place


def _where(source: Source) -> str:
    """Return where a source lies, in words."""
    if not source.files:
        return "in scikit-learn"
    try:
        return str(locate(source) or "not here")
    except DataError as error:
        return f"not here: {error}"
