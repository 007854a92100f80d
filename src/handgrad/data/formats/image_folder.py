"""Read a folder of image files, FOLDER/CLASS/*.png, with or without split folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.class_names import is_text
from handgrad.data.formats.file_labels import labels_in_names
from handgrad.data.formats.folder_tree import Folder, scan
from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Contents, FileList, Skipped
from handgrad.data.formats.split_names import (
    SAMPLE,
    SPLIT_NAMES,
    UNLABELLED,
    SplitName,
    agree,
    is_neutral,
    parse_split,
)
from handgrad.errors import DataError
from handgrad.files import check_is_file

__all__ = ["SPLIT_NAMES", "TABLE", "accepts", "read", "with_checked_labels"]

TABLE = "metadata.csv"
_INTEGER = re.compile("0|[1-9][0-9]{0,8}")
_LAYOUTS = (
    "a folder must contain FOLDER/CLASS/*.png, or FOLDER/train/CLASS/*.png and "
    "FOLDER/test/CLASS/*.png, "
    f"or {TABLE} with the columns file_name and label"
)
_ORDER = (TRAIN, VALIDATION, TEST, UNLABELLED)
_PURPOSE = {TRAIN: "training", TEST: "test", VALIDATION: "validation"}


class _Split(NamedTuple):
    """A folder that is a split.

    Attributes:
        folder: the folder that contains the class folders, or the images if it has none.
        name: the parts of its name.
        path: the path of the split folder; `folder` may be inside it, as in seg_train/seg_train.
    """

    folder: Folder
    name: SplitName
    path: Path


def accepts(path: Path) -> bool:  # noqa: ARG001
    """Return True: this is the last reader, and its error message lists the supported layouts."""
    return True


def read(path: Path) -> Contents:
    """List the images in a folder of class folders, or of images whose names contain a label.

    The class folders may be in folders for training, test and validation images, which are
    recognized by their names. If FOLDER contains only one folder, the images are searched there. If
    all class names are integers, the labels are integers.

    Raises:
        DataError: if there are no images, their labels are unclear, or the name of a class is not
            UTF-8.
        OSError: if a folder cannot be read.
    """
    if (path / TABLE).exists():  # a pipe, which the reader of tables did not accept
        check_is_file(path / TABLE)
    root = scan(path)
    if not root.own_images and not root.folders:
        raise DataError(f"{path} contains no images{_other_files(root)}; {_LAYOUTS}")
    inner = _entered(root)
    skipped = list(root.skipped())
    found = _splits_in(inner, skipped)
    if found:
        contents = _read_splits(found, skipped)
    else:
        _check_is_one_data_set(inner)
        files, how = _labelled(inner, skipped)
        contents = Contents({TRAIN: files}, summary=how)
    where = "" if inner is root else f"in {inner.path.relative_to(path)}: "
    splits = {name: fs for name, fs in contents.splits.items() if isinstance(fs, FileList)}
    return Contents(
        with_checked_labels(splits, path),
        contents.unlabelled,
        where + contents.summary,
        tuple(Skipped(_relative(Path(file), path), reason) for file, reason in skipped),
    )


def with_checked_labels(splits: dict[str, FileList], path: Path) -> dict[str, FileList]:
    """Return the lists of files, with labels converted to integers if all represent integers.

    Raises:
        DataError: if no files are listed, or a label is not UTF-8.
    """
    labels = dict.fromkeys(str(label) for files in splits.values() for label in files.labels)
    if not labels:
        raise DataError(f"{path} contains no images with labels; {_LAYOUTS}")
    for label in labels:
        if not is_text(label):
            raise DataError(f"{path}: the class name {label!r} is not valid UTF-8; rename it")
    if not all(map(_INTEGER.fullmatch, labels)):
        return splits
    return {
        split: FileList(files.paths, [int(label) for label in files.labels])
        for split, files in splits.items()
    }


def _entered(folder: Folder) -> Folder:
    """Return the innermost folder that contains all images, unless it is a class or a split."""
    while not folder.own_images and len(folder.folders) == 1:
        (only,) = folder.folders
        is_class = bool(only.own_images) and (only.folders or not _has_labels_in_names(only))
        if is_class or parse_split(only.path.name):
            break
        folder = only
    return folder


def _has_labels_in_names(folder: Folder) -> bool:
    return labels_in_names(folder.own_images) is not None


def _splits_in(folder: Folder, skipped: list[Skipped]) -> list[_Split]:
    """Return the split folders in a folder, or an empty list if all its folders are classes.

    Other folders next to split folders are skipped.

    Raises:
        DataError: if it is unclear which folders are splits.
    """
    named = [(inside, parse_split(inside.path.name)) for inside in folder.folders]
    splits = [_Split(_nested(f, name), name, f.path) for f, name in named if name]
    if not any(split.folder.folders for split in splits):
        is_flat = any(_may_be_flat(split) for split in splits)
        if len(splits) < len(named) or (len(splits) < 2 and not is_flat):
            return []
        if not is_flat:
            raise DataError(
                f"{folder.path}: {_listed([s.path for s in splits])} contain no class folders; put "
                f"the images of each class into a folder of its own, such as train/cat; {_LAYOUTS}"
            )
    others = [inside for inside, name in named if not name]
    if others and not any(s.name.split == TRAIN and s.folder.folders for s in splits):
        return []
    splits = _without_samples(splits, skipped)
    for purpose in (TRAIN, TEST, VALIDATION):
        same = [s for s in splits if s.name.split == purpose]
        if not agree([s.name for s in same]) and len(same) > 1:
            raise DataError(
                f"{folder.path}: {_listed([s.path for s in same])} may all be {_PURPOSE[purpose]} "
                "images; move all but one of them to another place"
            )
    shared = [s for s in splits if s.name.rest and others]
    if shared and not agree([s.name for s in splits]):
        raise DataError(
            f"{folder.path}: it is unclear whether {_listed([s.path for s in shared])} is a class "
            "or a split; rename the folders for training and test images to train and test"
        )
    for other in others:
        reason = f"a folder of {_count(other)} beside the splits"
        skipped.append(Skipped(str(other.path), reason))
    skipped.extend(
        Skipped(str(image), "an image beside split folders") for image in folder.own_images
    )
    return splits


def _nested(folder: Folder, name: SplitName) -> Folder:
    """Return the folder inside a split folder that repeats its name: seg_train/seg_train."""
    while not folder.own_images and len(folder.folders) == 1:
        (only,) = folder.folders
        if parse_split(only.path.name) != name and not is_neutral(only.path.name):
            break
        folder = only
    return folder


def _may_be_flat(split: _Split) -> bool:
    """Return whether a split has no class folders, but labels in the names of its files."""
    return split.name.split == TRAIN and _has_labels_in_names(split.folder)


def _without_samples(splits: Sequence[_Split], skipped: list[Skipped]) -> list[_Split]:
    """Leave out split folders that contain a sample of another one, such as trainingSample."""
    kept = []
    for split in splits:
        others = [s for s in splits if s.name.split == split.name.split and s is not split]
        is_sample = any(word in SAMPLE for word in split.name.rest)
        if is_sample and not all(any(w in SAMPLE for w in s.name.rest) for s in others):
            of = _PURPOSE.get(split.name.split, "other")
            reason = f"a sample of the {of} images, with {_count(split.folder)}"
            skipped.append(Skipped(str(split.path), reason))
        else:
            kept.append(split)
    return kept


def _read_splits(found: Sequence[_Split], skipped: list[Skipped]) -> Contents:
    """List the images of each split."""
    splits: dict[str, FileList] = {}
    unlabelled: list[Path] = []
    words = []
    for split in sorted(found, key=lambda split: _ORDER.index(split.name.split)):
        purpose = split.name.split
        flat_test = purpose == TEST and not split.folder.folders
        if purpose == UNLABELLED or (flat_test and not _has_labels_in_names(split.folder)):
            unlabelled.extend(split.folder.images())
            words.append(f"images without labels in {split.path.name}")
            continue
        files, how = _labelled(split.folder, skipped)
        both = splits.setdefault(purpose, FileList([], []))
        both.paths.extend(files.paths)
        both.labels.extend(files.labels)
        by = "" if split.folder.folders else f" ({how})"
        words.append(f"{_PURPOSE[purpose]} images in {split.path.name}{by}")
    rest = FileList(unlabelled, []) if unlabelled else None
    return Contents(splits, rest, ", ".join(words))


def _labelled(folder: Folder, skipped: list[Skipped]) -> tuple[FileList, str]:
    """List the images in class folders, or with labels in their names; describe where labels are.

    Raises:
        DataError: if there are no class folders and the names have no labels.
    """
    if folder.folders:
        reason = "an image beside class folders, without a class"
        skipped.extend(Skipped(str(image), reason) for image in folder.own_images)
        files = FileList([], [])
        for inside in folder.folders:
            images = list(inside.images())
            files.paths.extend(images)
            files.labels.extend([inside.path.name] * len(images))
        return files, f"{len(folder.folders)} classes, one folder for each"
    found = labels_in_names(folder.own_images)
    if found is None:
        raise DataError(
            f"{folder.path}: its {len(folder.own_images):,} images are in no class folder, and "
            f"names such as {folder.own_images[0].name} contain no label; put the images of each "
            "class into a folder of its own, call the files LABEL_NUMBER.png, such as cat_001.png, "
            f"or list them in {TABLE} with the columns file_name and label"
        )
    file, label = folder.own_images[0].name, found.labels[0]
    how = f"label: the file names are {found.form}, such as {label} for {file}"
    return FileList(list(folder.own_images), list(found.labels)), how


def _check_is_one_data_set(folder: Folder) -> None:
    """Raise a DataError if the folders in a folder seem to be data sets rather than classes."""
    for inside in folder.folders:
        inner = inside if inside.own_images else _entered(inside)
        if any(s.name.split == TRAIN and s.folder.folders for s in _splits_in(inner, [])):
            names = _listed([f.path for f in folder.folders])
            raise DataError(
                f"{folder.path} contains {names}, and {inner.path} has folders for training and "
                f"test images; give {inner.path}"
            )
    whole = [f for f in folder.folders if not f.own_images and len(f.folders) > 1]
    direct = [f for f in folder.folders if f.own_images]
    if whole and direct:
        names = ", ".join(f.path.name for f in whole[0].folders[:3])
        raise DataError(
            f"{folder.path}: {direct[0].path.name} contains images, but {whole[0].path.name} "
            f"contains the folders {names}; if these are the classes, give {whole[0].path}; "
            "otherwise move the images out of them"
        )
    for k, one in enumerate(whole):
        for other in whole[k + 1 :]:
            both = {f.path.name for f in one.folders} & {f.path.name for f in other.folders}
            if len(both) > 1:
                raise DataError(
                    f"{folder.path}: {_listed([one.path, other.path])} both contain the folders "
                    f"{', '.join(sorted(both)[:3])}; if these are the classes, give one of the "
                    f"two, such as {one.path}; otherwise move the images out of them"
                )


def _other_files(root: Folder) -> str:
    """Describe the files in a folder without images, for an error message."""
    others = list(root.files())
    readable = [file for file in others if file.suffix.lower() in (".npz", ".csv")]
    readable += [file for file in others if re.search(r"-images[.-]idx\d-ubyte$", file.name)]
    if readable:
        return f", but {readable[0]}; give this file or its folder"
    suffixes = ", ".join(sorted({file.suffix.lower() for file in others if file.suffix})[:5])
    if not suffixes:
        return ""
    noun = "file of an unsupported format" if len(others) == 1 else "files of unsupported formats"
    return f", but {len(others):,} {noun} ({suffixes}); convert them to PNG"


def _listed(paths: Sequence[Path], limit: int = 4) -> str:
    """Return the names of paths, such as "a, b and c"."""
    names = [path.name for path in paths[:limit]]
    if len(paths) > limit:
        return f"{', '.join(names)} and {len(paths) - limit} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _count(folder: Folder) -> str:
    """Return the number of images in a folder, such as "1 image"."""
    count = sum(1 for _ in folder.images())
    return f"{count:,} image{'' if count == 1 else 's'}"


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
