"""Figures of a notebook's report: images, curves, weights and predictions, as data URIs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from handgrad import plots
from handgrad.class_names import Label
from handgrad.data import Dataset
from handgrad.explain.images import tiles
from handgrad.html import data_uri, image_uri
from handgrad.layers import Array, LeakyReLU, ReLU, Sigmoid, Tanh
from handgrad.losses import softmax
from handgrad.network import Network
from handgrad.reproduce.notebook import BEST, VARIANTS, Experiment
from handgrad.reproduce.results import NotebookResults

IMAGES, PREDICTIONS = 16, 10  # how many are shown
LOSS = "training loss"
ACCURACIES = ("training accuracy", "validation accuracy", "test accuracy")


class Tile(NamedTuple):
    """An image with a caption.

    Attributes:
        source: the image as a data URI.
        caption: the text below it.
        kind: "right" or "wrong" if the image is marked as such, or "" for no mark.
    """

    source: str
    caption: str
    kind: str = ""


def images(data: Dataset) -> list[Tile]:
    """Return some images of the data with their labels."""
    X, y = data[:IMAGES]
    return [Tile(image_uri(x), str(data.classes[k])) for x, k in zip(X, y, strict=True)]


def predictions(net: Network, test: Dataset, seed: int = 0) -> dict[str, Any]:
    """Return random test images with their predictions, and the number of correct ones."""
    chosen = np.random.default_rng(seed).choice(len(test), PREDICTIONS, replace=False)
    X, y = test[chosen]
    guesses = net.logits(X).argmax(axis=1)
    tiles = [_prediction(x, test.classes, k, g) for x, k, g in zip(X, y, guesses, strict=True)]
    return {"correct": int((guesses == y).sum()), "tiles": tiles}


def sample(net: Network, test: Dataset, seed: int = 1) -> dict[str, Any]:
    """Return one random test image with its prediction and the probability of each class."""
    at = int(np.random.default_rng(seed).integers(len(test)))
    p = softmax(net.logits(test.images[at : at + 1]))[0]
    tile = _prediction(test.images[at], test.classes, int(test.labels[at]), int(p.argmax()))
    bars = [(str(c), float(q), f"{q:.2%}") for c, q in zip(test.classes, p, strict=True)]
    return {"tile": tile, "bars": bars}


def _prediction(x: Array, classes: tuple[Label, ...], label: int, guess: int) -> Tile:
    """Return an image with its prediction, marked as correct or wrong."""
    if guess == label:
        return Tile(image_uri(x), f"✓ {classes[guess]}", "right")
    return Tile(image_uri(x), f"✗ {classes[guess]}, is {classes[label]}", "wrong")


def weights(net: Network) -> dict[str, Any]:
    """Return the first layer's weights as images, at most 32 of them, and their colour scale."""
    weight = next(array for name, array in net.parameters.items() if name.endswith("weight"))
    if weight.ndim == 2:
        weight = weight.reshape(-1, 1, *net.shape[1:])
    drawn = tiles(weight)
    assert drawn is not None
    single_layer = len(net.parameters) == 2  # each unit belongs to one class
    captions = (
        [f"class {c}" for c in range(net.classes)] if single_layer else [""] * len(drawn.sources)
    )
    more = f"; {drawn.left_out} more not shown" if drawn.left_out else ""
    shown = [Tile(s, c) for s, c in zip(drawn.sources, captions, strict=True)]
    return {"tiles": shown, "scale": f"{drawn.scale}{more}"}


def parameters(net: Network) -> str:
    """Return one line with the number of parameters of a network, in total and by layer."""
    summary = net.summary()
    each = [f"{row.name} {row.parameters:,}" for row in summary.rows if row.parameters]
    return f"{summary.parameters:,} parameters: {', '.join(each)}"


def curves(results: NotebookResults, experiment: Experiment) -> list[tuple[str, str]]:
    """Draw the first seed's loss and accuracy over the epochs, for all variants that were run.

    Returns:
        The data URI and the description of each figure.
    """
    known = {
        kind: found[0].curves
        for kind, variant in experiment.variants.items()
        if (found := results.of(variant)) and found[0].curves
        if kind != BEST or experiment.curve_unit == "epoch"  # "best" is always recorded by epochs
    }
    drawn = []
    for name in (LOSS, *ACCURACIES):
        shown = {kind: lines[name] for kind, lines in known.items() if lines.get(name)}
        if shown:
            share = name in ACCURACIES
            title = f"{experiment.title}: {name}"
            figure = plots.lines(
                shown, title, experiment.curve_unit, share=share, log=not share, known=VARIANTS
            )
            drawn.append((data_uri(plots.rendered(figure)), title))
    return drawn


def activations() -> tuple[str, str]:
    """Draw the activations that the notebooks show; return a data URI and a description."""
    figure = plots.activations([ReLU(), LeakyReLU(0.1), Sigmoid(), Tanh()])
    description = "ReLU, leaky ReLU, sigmoid and tanh with their derivatives"
    return data_uri(plots.rendered(figure)), description
