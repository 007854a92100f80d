"""The doctor of a folder: what is wrong with pictures, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from handgrad.data import likeness
from handgrad.data.examine import Picture, examine, examine_arrays
from handgrad.data.finding import Finding, counted
from handgrad.data.listing import (
    TABLE,
    TEST,
    TRAIN,
    VALIDATION,
    beside_splits,
    files_below,
    is_picture,
    list_pictures,
)
from handgrad.data.own import arrays_at
from handgrad.files import expanded
from handgrad.labels import Label

FEW = 10  # pictures of a class below which little can be learned
UNEVEN = 3.0  # times as many pictures of one class as of another


class Report(NamedTuple):
    """What the doctor says.

    Attributes:
        place: the folder or the table.
        counts: the pictures of each class in each split, that can be read.
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
    """Look at all pictures of a folder, a table or arrays, and say what is wrong with them.

    Args:
        place: as `handgrad.load` takes it.
        progress: whether to show a bar on stderr; None: where that is a terminal.

    Raises:
        DataError: if there are no pictures.
    """
    place = expanded(place)
    arrays = arrays_at(place)
    if arrays is None:
        pictures = examine(list_pictures(place), progress=progress)
    else:
        pictures = examine_arrays(*arrays, progress=progress)
    fine = [picture for picture in pictures if picture.fine]
    counts = {
        split: dict(sorted(Counter(p.label for p in fine if p.split == split).items(), key=_name))
        for split in dict.fromkeys(p.split for p in pictures)
    }
    train = counts.get(TRAIN, {})
    total = sum(train.values())
    weights = {label: round(total / (len(train) * n), 3) for label, n in train.items()}
    findings = [
        *_unreadable(pictures),
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


def _unreadable(pictures: Sequence[Picture]) -> Iterator[Finding]:
    empty = [p for p in pictures if p.trouble == "is empty"]
    broken = [p for p in pictures if p.trouble and p.trouble != "is empty"]
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
    """Find files that are no pictures by their names."""
    if place.is_dir():
        others = [path for path in files_below(place) if not is_picture(path)]
        others = [path for path in others if path.suffix.lower() not in (".csv", ".json", ".txt")]
        if others:
            what = "file is no picture by its name", "files are no pictures by their names"
            yield Finding(
                "other file",
                "note",
                counted(len(others), *what),
                "convert them to PNG if they are; they are passed over",
                tuple(map(str, others)),
            )


def _beside(place: Path) -> Iterator[Finding]:
    """Find pictures that are in no split, though others are."""
    if place.is_dir() and not (place / TABLE).exists() and (others := beside_splits(place)):
        what = "folder with pictures lies beside", "folders with pictures lie beside"
        yield Finding(
            "passed over",
            "warning",
            f"{counted(len(others), *what)} train, in no split",
            "move them into train, or away: nobody looks at them",
            tuple(map(str, others)),
        )


def _classes(counts: dict[str, dict[Label, int]]) -> Iterator[Finding]:
    """Find what is missing: classes, or pictures of them."""
    train = counts.get(TRAIN, {})
    if len(train) < 2:
        yield Finding(
            "classes",
            "error",
            f"there are pictures of {counted(len(train), 'class', 'classes')} to train on",
            "give each class a folder of its own, with two classes at least",
        )
    parts = 2 if counts.keys() & {TEST, VALIDATION} else 3
    if train and max(train.values()) < parts:
        yield Finding(
            "too few pictures",
            "error",
            f"no class has {parts} pictures to train on",
            "add some: of what there is, a part is set aside to "
            + ("judge by" if parts == 2 else "judge by and another to test"),
        )
    for split, of in counts.items():
        if split != TRAIN and (more := sorted(map(str, of.keys() - train.keys()))):
            yield Finding(
                "classes differ",
                "error",
                f"{split} has classes that train lacks: {_few(more)}",
                "add training pictures of them, or leave them out",
            )
        if split == TEST and (less := sorted(map(str, train.keys() - of.keys()))):
            yield Finding(
                "classes differ",
                "warning",
                f"test lacks the classes {_few(less)}",
                "add test pictures of them: nothing would say how good they are",
            )


def _numbers(train: dict[Label, int], weights: dict[Label, float]) -> Iterator[Finding]:
    """Find classes with few training pictures, by themselves and beside others."""
    if few := [f"{label} ({n})" for label, n in train.items() if n < FEW]:
        yield Finding(
            "few pictures",
            "warning",
            f"fewer than {FEW} training pictures: {_few(few)}",
            "add pictures; some dozens of each class are a beginning",
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


def _odd(fine: Sequence[Picture]) -> Iterator[Finding]:
    """Find pictures that are unlike the others."""
    if blank := [p for p in fine if p.blank]:
        what = "picture is of one colour all over", "pictures are of one colour all over"
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
        what = f"picture has a {name} ground", f"pictures have a {name} ground"
        yield Finding(
            "polarity",
            "warning",
            f"{counted(len(few), *what)}, others do not",
            "invert them, or train with --preparation light or drawing, which sees to it",
            _names(few),
        )


def _forms(fine: Sequence[Picture]) -> Iterator[Finding]:
    """Say in how many sizes and modes the pictures come."""
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
        what = "file holds several pictures", "files hold several pictures"
        yield Finding(
            "animated",
            "warning",
            counted(len(moving), *what),
            "only the first of each is taken; save the others as files of their own",
            _names(moving),
        )


def _names(pictures: Sequence[Picture]) -> tuple[str, ...]:
    return tuple(str(picture.path) for picture in pictures)


def _few(names: Sequence[str]) -> str:
    """Return some names, and how many there are."""
    return ", ".join(names[:5]) + (f", ... ({len(names)})" if len(names) > 5 else "")


def _name(entry: tuple[Label, int]) -> tuple[bool, int, str]:
    label, _ = entry
    return (isinstance(label, str), label if isinstance(label, int) else 0, str(label))
