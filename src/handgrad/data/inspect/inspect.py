"""The doctor of a folder: what is wrong with images, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.class_names import Label
from handgrad.data.formats.file_list import (
    TABLE,
    TEST,
    TRAIN,
    VALIDATION,
    beside_splits,
    files_below,
    is_image,
    list_images,
)
from handgrad.data.formats.user_data import arrays_at
from handgrad.data.inspect import near_duplicates as likeness
from handgrad.data.inspect.file_checks import Image, examine, examine_arrays
from handgrad.data.inspect.issue import Finding, counted
from handgrad.files import expanded

FEW = 10  # images of a class below which little can be learned
UNEVEN = 3.0  # times as many images of one class as of another


class Report(NamedTuple):
    """What the doctor says.

    Attributes:
        place: the folder or the table.
        counts: the images of each class in each split, that can be read.
        weights: for each class a weight that makes up for its number.
        findings: what was found, the gravest first.
    """

    place: Path
    counts: dict[str, dict[Label, int]]
    weights: dict[Label, float]
    findings: list[Finding]

    @property
    def healthy(self) -> bool:
        """Whether no finding is an error."""
        return not any(finding.weight == "error" for finding in self.findings)


def check(place: Path, *, progress: bool | None = None) -> Report:
    """Look at all images of a folder, a table or arrays, and say what is wrong with them.

    Args:
        place: as `handgrad.load` takes it.
        progress: whether to show a bar on stderr; None: where that is a terminal.

    Raises:
        DataError: if there are no images.
    """
    place = expanded(place)
    arrays = arrays_at(place)
    if arrays is None:
        images = examine(list_images(place), progress=progress)
    else:
        images = examine_arrays(*arrays, progress=progress)
    fine = [image for image in images if image.fine]
    counts = {
        split: dict(sorted(Counter(p.label for p in fine if p.split == split).items(), key=_name))
        for split in dict.fromkeys(p.split for p in images)
    }
    train = counts.get(TRAIN, {})
    total = sum(train.values())
    weights = {label: round(total / (len(train) * n), 3) for label, n in train.items()}
    findings = [
        *_unreadable(images),
        *(_strangers(place) if arrays is None else ()),
        *(_beside(place) if arrays is None else ()),
        *_classes(counts),
        *_numbers(train, weights),
        *_called(train),
        *likeness.duplicates(fine),
        *_odd(fine),
        *_forms(fine),
    ]
    order = ("error", "warning", "note")
    return Report(place, counts, weights, sorted(findings, key=lambda f: order.index(f.weight)))


def _unreadable(images: Sequence[Image]) -> Iterator[Finding]:
    empty = [p for p in images if p.trouble == "is empty"]
    broken = [p for p in images if p.trouble and p.trouble != "is empty"]
    form = "cannot be read as PNG, JPEG, GIF or BMP"
    for kind, some, one, many in (
        ("empty file", empty, "file has no content", "files have no content"),
        ("unreadable", broken, f"file {form}", f"files {form}"),
    ):
        if some:
            what = counted(len(some), one, many)
            cure = "get them again, or remove them: training refuses to begin with them"
            yield Finding(kind, "error", what, cure, _names(some))


def _strangers(place: Path) -> Iterator[Finding]:
    """Find files that are no images by their names."""
    if place.is_dir():
        others = [path for path in files_below(place) if not is_image(path)]
        others = [path for path in others if path.suffix.lower() not in (".csv", ".json", ".txt")]
        if others:
            what = "file is no image by its name", "files are no images by their names"
            yield Finding(
                "other file",
                "note",
                counted(len(others), *what),
                "convert them to PNG if they are; they are passed over",
                tuple(map(str, others)),
            )


def _beside(place: Path) -> Iterator[Finding]:
    """Find images that are in no split, though others are."""
    if place.is_dir() and not (place / TABLE).exists() and (others := beside_splits(place)):
        what = "folder with images lies beside", "folders with images lie beside"
        yield Finding(
            "passed over",
            "warning",
            f"{counted(len(others), *what)} train, in no split",
            "move them into train, or away: nobody looks at them",
            tuple(map(str, others)),
        )


def _classes(counts: dict[str, dict[Label, int]]) -> Iterator[Finding]:
    """Find what is missing: classes, or images of them."""
    train = counts.get(TRAIN, {})
    if len(train) < 2:
        yield Finding(
            "classes",
            "error",
            f"there are images of {counted(len(train), 'class', 'classes')} to train on",
            "give each class a folder of its own, with two classes at least",
        )
    parts = 2 if counts.keys() & {TEST, VALIDATION} else 3
    if train and max(train.values()) < parts:
        yield Finding(
            "too few images",
            "error",
            f"no class has {parts} images to train on",
            "add some: of what there is, a part is set aside to "
            + ("judge by" if parts == 2 else "judge by and another to test"),
        )
    for split, of in counts.items():
        if split != TRAIN and (more := sorted(map(str, of.keys() - train.keys()))):
            yield Finding(
                "classes differ",
                "error",
                f"{split} has classes that train lacks: {_few(more)}",
                "add training images of them, or leave them out",
            )
        if split == TEST and (less := sorted(map(str, train.keys() - of.keys()))):
            yield Finding(
                "classes differ",
                "warning",
                f"test lacks the classes {_few(less)}",
                "add test images of them: nothing would say how good they are",
            )


def _numbers(train: dict[Label, int], weights: dict[Label, float]) -> Iterator[Finding]:
    """Find classes with few training images, by themselves and beside others."""
    if few := [f"{label} ({n})" for label, n in train.items() if n < FEW]:
        yield Finding(
            "few images",
            "warning",
            f"fewer than {FEW} training images: {_few(few)}",
            "add images; some dozens of each class are a beginning",
        )
    if train and max(train.values()) > UNEVEN * min(train.values()):
        rare = sorted(weights, key=lambda label: -weights[label])[:3]
        yield Finding(
            "class balance",
            "warning",
            f"{max(train.values()):,} to {min(train.values()):,}",
            "train with --class-weights balanced: "
            + ", ".join(f"{label} counts {weights[label]:g}" for label in rare),
        )


def _called(train: dict[Label, int]) -> Iterator[Finding]:
    """Find what is wrong with the names of the classes."""
    names = [str(label) for label in train]
    folded = Counter(name.strip().casefold() for name in names)
    if alike := [name for name in names if folded[name.strip().casefold()] > 1]:
        yield Finding(
            "class names",
            "warning",
            f"these differ in case or spaces alone: {_few(alike)}",
            "bring together what is one class",
        )
    if names != sorted(names, key=likeness.natural) and not all(type(k) is int for k in train):
        yield Finding(
            "class order",
            "note",
            f"classes are sorted by letter: {_few(names)}",
            "write numbers in names with as many digits each if another order is wanted",
        )


def _odd(fine: Sequence[Image]) -> Iterator[Finding]:
    """Find images that are unlike the others."""
    if blank := [p for p in fine if p.blank]:
        what = "image is of one colour all over", "images are of one colour all over"
        yield Finding(
            "blank",
            "warning",
            counted(len(blank), *what),
            "look at them; remove what shows nothing",
            _names(blank),
        )
    light, dark = [p for p in fine if p.ground > 170], [p for p in fine if p.ground < 85]
    few, name = min((light, "light"), (dark, "dark"), key=lambda pair: len(pair[0]))
    if few and len(few) < 0.3 * len(fine) <= 0.7 * len(fine) < len(light) + len(dark):
        what = f"image has a {name} ground", f"images have a {name} ground"
        yield Finding(
            "polarity",
            "warning",
            f"{counted(len(few), *what)}, others do not",
            "invert them, or train with --preprocessing light or drawing, which sees to it",
            _names(few),
        )


def _forms(fine: Sequence[Image]) -> Iterator[Finding]:
    """Say in how many sizes and modes the images come."""
    sizes = Counter(p.size for p in fine)
    if len(sizes) > 1:
        (H, W), often = sizes.most_common(1)[0]
        low, high = min(sizes), max(sizes)
        yield Finding(
            "sizes",
            "note",
            f"{len(sizes):,} sizes, {low[1]}x{low[0]} to {high[1]}x{high[0]}",
            f"nothing to do: all are brought to one; most often "
            f"({counted(often, 'time', 'times')}) they are {W}x{H}",
        )
    modes = Counter(p.mode for p in fine)
    if len(modes) > 1:
        told = ", ".join(f"{mode} {n:,}" for mode, n in modes.most_common())
        yield Finding(
            "modes",
            "note",
            f"colours are stored in {len(modes)} ways: {told}",
            "nothing to do: all are converted; look whether grey and colour belong together",
        )
    if moving := [p for p in fine if p.frames > 1]:
        what = "file holds several images", "files hold several images"
        yield Finding(
            "animated",
            "warning",
            counted(len(moving), *what),
            "only the first of each is taken; save the others as files of their own",
            _names(moving),
        )


def _names(images: Sequence[Image]) -> tuple[str, ...]:
    return tuple(str(image.path) for image in images)


def _few(names: Sequence[str]) -> str:
    """Return some names, and how many there are."""
    return ", ".join(names[:5]) + (f", ... ({len(names)})" if len(names) > 5 else "")


def _name(entry: tuple[Label, int]) -> tuple[bool, int, str]:
    label, _ = entry
    return (isinstance(label, str), label if isinstance(label, int) else 0, str(label))
