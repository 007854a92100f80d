"""Grids of images: with their labels, with predictions, or the worst mistakes only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from handgrad.class_names import Label
from handgrad.errors import ConfigError, DataError
from handgrad.layers import Array
from handgrad.plots.arguments import as_displayable, as_labels, as_probabilities
from handgrad.plots.colours import GREEN, VERMILION
from handgrad.plots.labels import class_names
from handgrad.plots.tiles import LINE_LENGTH, MAX_IMAGES, Tile, grid, truncation_note


def images(images: ArrayLike, labels: ArrayLike, classes: Sequence[Label]) -> Figure:
    """Draw at most 100 images with the names of their classes; further images are left out.

    Args:
        images: images of shape (N, C, H, W), where C is 1 or 3.
        labels: the classes of the images, (N,).
        classes: the names of the K classes.

    Raises:
        DataError: if the arguments are invalid or do not match each other.
    """
    images = as_displayable(images)
    y = as_labels(labels, "labels", len(images), len(classes))
    names = class_names(classes, LINE_LENGTH)
    tiles = [
        Tile(image, names[k]) for image, k in zip(images[:MAX_IMAGES], y[:MAX_IMAGES], strict=True)
    ]
    return grid(tiles, f"images: {len(images):,}{truncation_note(len(images))}")


def predictions(
    images: ArrayLike,
    labels: ArrayLike,
    predicted: ArrayLike,
    classes: Sequence[Label],
    probabilities: ArrayLike | None = None,
) -> Figure:
    """Draw images with their predictions: ✓ and green if correct, ✗ and vermilion if wrong.

    If there are more than 100 images, the first 100 are drawn; the heading counts all of them.

    Args:
        images: images of shape (N, C, H, W), where C is 1 or 3.
        labels: the classes of the images, (N,).
        predicted: the predicted classes, (N,). They are indices of `classes`, like the labels, or
            class names, as returned by `Network.predict`. If all are integers from 0 to K-1, they
            are treated as indices.
        classes: the names of the K classes.
        probabilities: the probabilities of all classes, (N, K); only the probability of the
            predicted class is shown.

    Raises:
        DataError: if the arguments are invalid or do not match each other.
    """
    images = as_displayable(images)
    N, K = len(images), len(classes)
    y = as_labels(labels, "labels", N, K)
    guess = as_labels(_indices(predicted, classes), "predicted", N, K)
    p = None if probabilities is None else as_probabilities(probabilities, N, K)
    chances = [None] * N if p is None else p[np.arange(N), guess]
    first = slice(MAX_IMAGES)
    tiles = _tiles(images[first], y[first], guess[first], chances[first], classes)
    return grid(tiles, f"{(guess == y).sum():,} of {N:,} correct{truncation_note(N)}")


def confident_mistakes(
    images: ArrayLike,
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[Label],
    count: int = 16,
) -> Figure:
    """Draw the mistakes with the highest probability, at most `count` (1 to 100) of them.

    The other arguments are the same as for `predictions`.

    Raises:
        DataError: if the arguments are invalid or do not match each other.
        ConfigError: if `count` is out of range.
    """
    if not 1 <= count <= MAX_IMAGES:
        raise ConfigError(f"count must be 1 to {MAX_IMAGES}, not {count}")
    images = as_displayable(images)
    N, K = len(images), len(classes)
    y = as_labels(labels, "labels", N, K)
    p = as_probabilities(probabilities, N, K)
    guess, chances = p.argmax(axis=1), p.max(axis=1)
    wrong = np.flatnonzero(guess != y)
    worst = wrong[np.argsort(-chances[wrong], kind="stable")][:count]
    tiles = _tiles(images[worst], y[worst], guess[worst], chances[worst], classes)
    shown = f", the {count} most confident shown" if count < len(wrong) else ""
    return grid(tiles, f"mistakes: {len(wrong):,} of {N:,}{shown}")


def _indices(predicted: ArrayLike, classes: Sequence[Label]) -> ArrayLike:
    """Return predictions as class indices; they may be given as class names or as indices."""
    names = np.asarray(predicted)
    numbers = names.dtype.kind in "iu"
    if names.ndim != 1 or not (numbers or names.dtype.kind in "UO"):
        return predicted
    if numbers and ((names >= 0) & (names < len(classes))).all():
        return predicted
    indices = {name: k for k, name in enumerate(classes)}
    if unknown := [name for name in names.tolist() if name not in indices]:
        if numbers:
            return predicted
        raise DataError(
            f"predicted contains {unknown[0]!r}, which is not a class; pass class names"
        )
    return [indices[name] for name in names.tolist()]


def _tiles(
    images: Array,
    labels: Array,
    guesses: Array,
    chances: Sequence[float | None] | Array,
    classes: Sequence[Label],
) -> list[Tile]:
    """Return tiles that show the prediction and, if it is wrong, the true class."""
    names = class_names(classes, LINE_LENGTH)
    tiles = []
    for image, label, guess, p in zip(images, labels, guesses, chances, strict=True):
        claim = names[guess] + ("" if p is None else f" · {100 * p:.1f} %")
        if guess == label:
            tiles.append(Tile(image, f"✓ {claim}", GREEN))
        else:
            tiles.append(Tile(image, f"✗ {claim}\nis {names[label]}", VERMILION))
    return tiles
