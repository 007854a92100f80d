"""Inspect the user's images for problems that would harm training, and suggest fixes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.class_names import Label
from handgrad.data.folders import check_exists
from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Skipped
from handgrad.data.formats.registry import as_file_lists, read_labelled
from handgrad.data.inspect.image_facts import ImageFacts, facts_of_arrays, facts_of_files
from handgrad.data.inspect.issue import Issue, counted, shortened
from handgrad.data.inspect.near_duplicates import find_duplicates
from handgrad.data.inspect.orientation import find_transposed
from handgrad.data.user_data import data_name, datasets_from_arrays
from handgrad.files import expanded
from handgrad.pixel_range import PixelRange

FEW = 10  # fewer images of a class are too few to learn it well
IMBALANCE = 3.0  # the ratio of class counts from which classes are imbalanced


class InspectionReport(NamedTuple):
    """The result of inspecting images.

    Attributes:
        path: the file or folder.
        counts: the number of readable images of each class in each split.
        weights: for each class, the weight that would balance the classes in training.
        issues: the problems, sorted from most to least severe.
    """

    path: Path
    counts: dict[str, dict[Label, int]]
    weights: dict[Label, float]
    issues: list[Issue]

    @property
    def ok(self) -> bool:
        """Whether no issue is an error."""
        return not any(issue.severity == "error" for issue in self.issues)


def inspect_images(path: Path, *, progress: bool | None = None) -> InspectionReport:
    """Inspect all images in a folder, in a table of files, or in a file of arrays.

    Args:
        path: a path that `handgrad.load_data` accepts.
        progress: whether to show a progress bar on stderr, or None to show one only if stderr is a
            terminal.

    Raises:
        DataError: if there are no images.
    """
    path = expanded(path)
    check_exists(path)
    contents = read_labelled(path)
    splits = contents.splits
    files = as_file_lists(splits)
    ranges: dict[str, PixelRange] = {}
    if files is not None:
        images = facts_of_files(files, progress=progress)
    else:
        train_set, test_set = datasets_from_arrays(splits, data_name(path))
        images = facts_of_arrays(train_set, test_set, progress=progress)
        ranges = {data.name: data.pixel_range for data in (train_set, test_set) if data}
    readable = [image for image in images if image.readable]
    counts = {
        split: dict(
            sorted(Counter(i.label for i in readable if i.split == split).items(), key=_label_key)
        )
        for split in dict.fromkeys(image.split for image in images)
    }
    train = counts.get(TRAIN, {})
    total = sum(train.values())
    weights = {label: round(total / (len(train) * n), 3) for label, n in train.items()}
    issues = [
        *_unreadable(images),
        *_skipped(contents.skipped),
        *_pixel_ranges(ranges),
        *_missing_classes(counts),
        *_class_counts(train, weights),
        *_class_names(train),
        *find_duplicates(readable),
        *_outliers(readable),
        *_formats(readable),
        *find_transposed([image for image in readable if image.split == TRAIN]),
    ]
    order = ("error", "warning", "note")
    issues.sort(key=lambda issue: order.index(issue.severity))
    return InspectionReport(path, counts, weights, issues)


def _unreadable(images: Sequence[ImageFacts]) -> Iterator[Issue]:
    """Yield issues for files that cannot be decoded."""
    empty = [image for image in images if image.error == "is empty"]
    broken = [image for image in images if image.error and image.error != "is empty"]
    formats = "cannot be read as an image"
    for kind, bad, one, many in (
        ("empty file", empty, "file has no content", "files have no content"),
        ("unreadable", broken, f"file {formats}", f"files {formats}"),
    ):
        if bad:
            problem = counted(len(bad), one, many)
            remedy = "get them again or remove them: training cannot start while they are there"
            yield Issue(kind, "error", problem, remedy, _names(bad))


def _skipped(skipped: Sequence[Skipped]) -> Iterator[Issue]:
    """Yield an issue for each reason why files or folders are left out."""
    for reason in dict.fromkeys(entry.reason for entry in skipped):
        paths = tuple(path for path, why in skipped if why == reason)
        yield Issue(
            "skipped",
            "note" if reason in ("not an image", "an empty folder") else "warning",
            f"{counted(len(paths), 'entry is', 'entries are')} left out: {reason}",
            "move them into a class folder of a split if they are training images",
            paths,
        )


def _pixel_ranges(ranges: Mapping[str, PixelRange]) -> Iterator[Issue]:
    """Yield issues for splits with different pixel ranges, and for a range that is not known."""
    if len(set(ranges.values())) > 1:
        found = ", ".join(f"{name} {known}" for name, known in ranges.items())
        yield Issue(
            "pixel range",
            "warning",
            f"the splits have different pixel ranges: {found}",
            "the test images are scaled like the training images; save both in the same range",
        )
    if any(not known.is_known for known in ranges.values()):
        yield Issue(
            "pixel range",
            "note",
            f"the pixels {next(iter(ranges.values()))} have no known range, and are used as they "
            "are",
            "a model trained on them cannot classify image files; save the pixels as 0..255 or "
            "0..1",
        )


def _missing_classes(counts: dict[str, dict[Label, int]]) -> Iterator[Issue]:
    """Yield issues for missing classes and for too few images to split."""
    train = counts.get(TRAIN, {})
    if len(train) < 2:
        yield Issue(
            "classes",
            "error",
            f"there are training images of {counted(len(train), 'class', 'classes')}",
            "provide at least two classes, each in a separate folder",
        )
    parts = 2 if counts.keys() & {TEST, VALIDATION} else 3
    if train and max(train.values()) < parts:
        purpose = "validation" if parts == 2 else "validation and another for the test"
        yield Issue(
            "too few images",
            "error",
            f"no class has {parts} training images",
            f"add some, because a part of them is set aside for {purpose}",
        )
    for split, classes in counts.items():
        if split != TRAIN and (unknown := sorted(map(str, classes.keys() - train.keys()))):
            yield Issue(
                "classes differ",
                "error",
                f"{split} has classes that are missing in train: {shortened(unknown)}",
                "add training images for these classes, or remove them from this split",
            )
        if split == TEST and (untested := sorted(map(str, train.keys() - classes.keys()))):
            yield Issue(
                "classes differ",
                "warning",
                f"the test set has no images of the classes {shortened(untested)}",
                "add test images for them; otherwise their accuracy is unknown",
            )


def _class_counts(train: dict[Label, int], weights: dict[Label, float]) -> Iterator[Issue]:
    """Yield issues for classes with few training images, and for imbalanced classes."""
    if few := [f"{label} ({n})" for label, n in train.items() if n < FEW]:
        yield Issue(
            "few images",
            "warning",
            f"classes with fewer than {FEW} training images: {shortened(few)}",
            "add images, starting with several dozen per class",
        )
    if train and max(train.values()) > IMBALANCE * min(train.values()):
        rare = sorted(weights, key=lambda label: -weights[label])[:3]
        yield Issue(
            "class balance",
            "warning",
            f"the largest class has {max(train.values()):,} images, and the smallest "
            f"has {min(train.values()):,}",
            "train with --class-weights balanced: "
            + ", ".join(f"{label} gets the weight {weights[label]:g}" for label in rare),
        )


def _class_names(train: dict[Label, int]) -> Iterator[Issue]:
    """Yield issues for class names that are nearly equal, or whose order may be unexpected."""
    names = [str(label) for label in train]
    folded = Counter(name.strip().casefold() for name in names)
    if similar := [name for name in names if folded[name.strip().casefold()] > 1]:
        yield Issue(
            "class names",
            "warning",
            f"these names differ only in case or spaces: {shortened(similar)}",
            "merge folders that contain the same class",
        )
    if names != sorted(names, key=_natural_key) and not all(type(k) is int for k in train):
        yield Issue(
            "class order",
            "note",
            f"classes are sorted alphabetically: {shortened(names)}",
            "for numerical order, pad the numbers in the names with zeros",
        )


def _outliers(readable: Sequence[ImageFacts]) -> Iterator[Issue]:
    """Yield issues for images that look unlike the rest of the data."""
    if blank := [image for image in readable if image.blank]:
        yield Issue(
            "blank",
            "warning",
            counted(len(blank), "image has a single colour", "images have a single colour"),
            "check these images, and remove the empty ones",
            _names(blank),
        )
    light = [image for image in readable if image.background > 170]
    dark = [image for image in readable if image.background < 85]
    few, name = min((light, "light"), (dark, "dark"), key=lambda pair: len(pair[0]))
    known = len(light) + len(dark)
    if few and len(few) < 0.3 * len(readable) <= 0.7 * len(readable) < known:
        words = f"image has a {name} background", f"images have a {name} background"
        yield Issue(
            "polarity",
            "warning",
            f"{counted(len(few), *words)}, but the others do not",
            "invert them, or train with --preprocessing light or drawing, which inverts them",
            _names(few),
        )


def _formats(readable: Sequence[ImageFacts]) -> Iterator[Issue]:
    """Yield issues for different sizes, different pixel formats, and animations."""
    sizes = Counter(image.size for image in readable)
    if len(sizes) > 1:
        (H, W), count = sizes.most_common(1)[0]
        low, high = min(sizes), max(sizes)
        yield Issue(
            "sizes",
            "note",
            f"{len(sizes):,} sizes, {low[1]}x{low[0]} to {high[1]}x{high[0]}; the most frequent "
            f"is {W}x{H} ({counted(count, 'image', 'images')})",
            "no action is needed: all are resized to the same size",
        )
    modes = Counter(image.mode for image in readable)
    if len(modes) > 1:
        listed = ", ".join(f"{mode} {n:,}" for mode, n in modes.most_common())
        yield Issue(
            "modes",
            "note",
            f"{len(modes)} pixel formats: {listed}",
            "all are converted to one format; check that grey and colour images belong together",
        )
    if animated := [image for image in readable if image.frames > 1]:
        yield Issue(
            "animated",
            "warning",
            counted(len(animated), "file has several frames", "files have several frames"),
            "only the first frame is used; save the others as separate files",
            _names(animated),
        )


def _names(images: Sequence[ImageFacts]) -> tuple[str, ...]:
    return tuple(str(image.path) for image in images)


def _label_key(entry: tuple[Label, int]) -> tuple[bool, int, str]:
    """Return the sort key of a (label, count) pair: integers first, in numerical order."""
    label, _ = entry
    return (isinstance(label, str), label if isinstance(label, int) else 0, str(label))


def _natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Return a sort key that puts 2 before 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]
