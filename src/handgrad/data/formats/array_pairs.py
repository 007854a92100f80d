"""Find the images and labels of each split among named arrays, and bring them into one form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.formats.label_values import label_array
from handgrad.data.formats.pixel_rows import to_images
from handgrad.data.formats.reader import TEST, TRAIN, VALIDATION, Contents, ImagesAndLabels
from handgrad.errors import DataError

Arrays = Mapping[str, Callable[[], NDArray[Any]]]

# The words in the names of arrays, the most common first.
_IMAGES = (
    *("x", "xs", "images", "image", "imgs", "img", "pixels", "inputs", "input", "features", "fea"),
    *("pictures", "samples", "patterns", "data"),  # language: ok
)
_LABELS = ("y", "ys", "labels", "label", "lbls", "targets", "target", "classes", "class", "gnd")
_SPLITS = {
    **dict.fromkeys(("train", "training", "tr"), TRAIN),
    **dict.fromkeys(("test", "testing", "te", "t10k"), TEST),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
}
_OTHER = frozenset(("names", "name", "mean", "std", "weight", "weights", "id", "ids", "index"))
_WORD = re.compile(r"t10k|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_JOINED = re.compile(rf"^(x|y)({'|'.join(_SPLITS)})$|^({'|'.join(_SPLITS)})(x|y)$")
_NUMBERED = re.compile(r"arr_[0-9]+")


class ArrayName(NamedTuple):
    """The information in the name of an array.

    Attributes:
        split: "train", "test" or "validation", or an empty string.
        is_labels: whether the array contains labels rather than images.
        rank: the position of the word for images or labels in the list of such words; the most
            common word comes first.
        rest: the other words.
    """

    split: str
    is_labels: bool
    rank: int
    rest: tuple[str, ...]


def parse_name(name: str) -> ArrayName | None:
    """Return the meaning of the name of an array, or None if it names neither images nor labels.

    >>> parse_name("Y_train")
    ArrayName(split='train', is_labels=True, rank=0, rest=())
    """
    words = [word.lower() for word in _WORD.findall(name)]
    words = [part for word in words for part in _JOINED.sub(r" \1\4 \2\3 ", word).split()]
    splits = [word for word in words if word in _SPLITS]
    kinds = [word for word in words if word in _IMAGES or word in _LABELS]
    labels = [word for word in kinds if word in _LABELS]
    kind = next(iter([*labels, *kinds]), None)  # data_labels are labels
    if kind is None or len(splits) > 1 or _OTHER.intersection(words):
        return None
    known = _LABELS if labels else _IMAGES
    rest = tuple(word for word in words if word not in splits and word not in kinds)
    return ArrayName(_SPLITS[splits[0]] if splits else "", bool(labels), known.index(kind), rest)


def contents_of(arrays: Arrays) -> Contents:
    """Return the images and labels among named arrays.

    The names are words such as x and y, images and labels, or data and target, with or without
    train, test and validation, in any case and order. Arrays without names, arr_0, arr_1, ..., are
    images if they have several axes, and labels otherwise. Images may be rows (N, P), and may have
    the axis of the images last. Images without labels are returned as `unlabelled`.

    Args:
        arrays: a function that loads each array, by name.

    Returns:
        The arrays of each split. If there is only one set, it is returned as "train".

    Raises:
        DataError: if the images or labels cannot be found, or several arrays could be them.
    """
    if arrays and all(_NUMBERED.fullmatch(name) for name in arrays):
        pairs = _numbered_pairs(arrays)
    else:
        pairs = _named_pairs(arrays)
    splits: dict[str, ImagesAndLabels] = {}
    unlabelled, notes = None, []
    for split, (images, labels) in pairs.items():
        y = label_array(arrays[labels](), labels) if labels else np.empty(0, np.int64)
        X, size = _images(arrays[images](), y if labels else None, images)
        if labels:
            splits[split] = ImagesAndLabels(X, y)
            notes.append(f"{split}: images `{images}`, labels `{labels}`{size}")
        elif unlabelled is None:
            unlabelled = ImagesAndLabels(X, y)
            notes.append(f"no labels: images `{images}`{size}")
    if splits and TRAIN not in splits:
        if len(splits) > 1:
            raise _not_found(arrays)
        splits = {TRAIN: next(iter(splits.values()))}
    return Contents(splits, unlabelled, "; ".join(notes))


def _named_pairs(arrays: Arrays) -> dict[str, tuple[str, str | None]]:
    """Return the names of the images and of the labels of each split."""
    parsed = {name: found for name in arrays if (found := parse_name(name))}
    pairs: dict[str, tuple[str, str | None]] = {}
    for split in ("", TRAIN, TEST, VALIDATION):
        inside = {name: found for name, found in parsed.items() if found.split == split}
        images = _best(name for name in inside if not inside[name].is_labels)
        labels = _best(name for name in inside if inside[name].is_labels)
        pair: tuple[str, str | None]
        both = [rest for rest in images if rest in labels]
        if not both and len(images) == len(labels) == 1:
            pair = (next(iter(images.values())), next(iter(labels.values())))
        elif len(both) == 1:
            pair = (images[both[0]], labels[both[0]])
        elif len(images) > 1 or len(labels) > 1:
            raise _not_found(arrays)
        elif images and not labels:
            pair = (next(iter(images.values())), None)
        else:
            continue
        if split != TRAIN or TRAIN not in pairs or pair[1]:  # x_train is preferred to x
            pairs[split or TRAIN] = pair
    if not pairs and len(arrays) == 1 and next(iter(arrays.values()))().ndim > 1:
        return {TRAIN: (next(iter(arrays)), None)}
    if not pairs:
        raise _not_found(arrays)
    return pairs


def _best(names: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Of names that differ only in the word for images or labels, return the most common one."""
    best: dict[tuple[str, ...], tuple[int, str]] = {}
    for name in names:
        if found := parse_name(name):
            best[found.rest] = min(best.get(found.rest, (99, "")), (found.rank, name))
    return {rest: name for rest, (_, name) in best.items()}


def _numbered_pairs(arrays: Arrays) -> dict[str, tuple[str, str | None]]:
    """Return the names of images and labels among arr_0, arr_1, ... according to their shapes."""
    shapes = {name: arrays[name]().shape for name in sorted(arrays, key=lambda n: int(n[4:]))}
    images = [name for name, shape in shapes.items() if len(shape) > 1 and shape[1:] != (1,)]
    labels = [name for name in shapes if name not in images]
    if len(images) == 1 and not labels:
        return {TRAIN: (images[0], None)}
    lengths = [[shapes[name][:1] for name in names] for names in (images, labels)]
    if len(images) > 2 or lengths[0] != lengths[1] or len(set(lengths[0])) != len(images):
        raise _not_found(arrays)
    return dict(zip((TRAIN, TEST), zip(images, labels, strict=True), strict=False))


def _images(X: NDArray[Any], y: NDArray[Any] | None, name: str) -> tuple[NDArray[Any], str]:
    """Return images with the axis of the images first, and the size if they were rows."""
    if X.dtype.kind not in "buif":
        raise DataError(f"{name} has dtype {X.dtype}; images must be an array of numbers")
    if y is not None and X.ndim > 1 and len(X) != len(y) == X.shape[-1]:
        X = np.moveaxis(X, -1, 0)  # MATLAB's order
    if X.ndim < 2:
        raise DataError(f"{name} has the shape {X.shape}; images must be (N, H, W) or rows (N, P)")
    if X.ndim > 2:
        return X, ""
    if y is None and X.shape[0] == X.shape[1]:
        raise DataError(f"{name} has the shape {X.shape}, which could be one image; give (N, H, W)")
    images, size = to_images(X, None, name)
    return images, f", {size}"


def _not_found(arrays: Arrays) -> DataError:
    names = ", ".join(sorted(arrays)[:8]) or "nothing"
    return DataError(
        f"contains {names}; images and labels must be called x_train and y_train, "
        "x_test and y_test, or x and y"
    )
