"""What a notebook shows besides numbers: images, curves, weights, a viewer, as HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from handgrad import plots
from handgrad.class_names import Label
from handgrad.data import Dataset
from handgrad.explain.images import tiles
from handgrad.html import address, bars, figure, image
from handgrad.layers import LeakyReLU, ReLU, Sigmoid, Tanh
from handgrad.losses import softmax
from handgrad.network import Network
from handgrad.reproduce.findings import Findings
from handgrad.reproduce.notebook import BEST, KINDS, Experiment

IMAGES, VIEWED = 16, 10
LOSS = ("training loss", "loss")
ACCURACIES = ("training accuracy", "validation accuracy", "test accuracy")


def images(data: Dataset) -> str:
    """Return some images of the data with their labels."""
    X, y = data[:IMAGES]
    return _tiles((image(x), str(data.classes[k]), "") for x, k in zip(X, y, strict=True))


def viewer(net: Network, test: Dataset, seed: int = 0) -> str:
    """Return images drawn at random with what they are taken for: green, or not, and a count."""
    drawn = np.random.default_rng(seed).choice(len(test), VIEWED, replace=False)
    X, y = test[drawn]
    guesses = net.logits(X).argmax(axis=1)
    shown = (
        (image(x), _claim(test.classes, k, guess), "right" if guess == k else "wrong")
        for x, k, guess in zip(X, y, guesses, strict=True)
    )
    score = f'<p class="score">{(guesses == y).sum()} of {VIEWED} right</p>'
    return score + _tiles(shown)


def _claim(classes: tuple[Label, ...], k: int, guess: int) -> str:
    if guess == k:
        return f"✓ {classes[guess]}"
    return f"✗ {classes[guess]}, is {classes[k]}"


def sample(net: Network, test: Dataset, seed: int = 1) -> str:
    """Return one image drawn at random, with the probability of each class."""
    at = int(np.random.default_rng(seed).integers(len(test)))
    p = softmax(net.logits(test.images[at : at + 1]))[0]
    k, guess = int(test.labels[at]), int(p.argmax())
    shares = ((str(c), float(q), f"{q:.2%}") for c, q in zip(test.classes, p, strict=True))
    kind = "right" if guess == k else "wrong"
    shown = _tiles([(image(test.images[at]), _claim(test.classes, k, guess), kind)])
    return f'<div class="sample">{shown}<div>{bars(shares)}</div></div>'


def weights(net: Network) -> str:
    """Return the first layer's weights as images, at most 32 of them."""
    weight = next(array for name, array in net.parameters.items() if name.endswith("weight"))
    if weight.ndim == 2:
        weight = weight.reshape(-1, 1, *net.shape[1:])
    made = tiles(weight)
    assert made is not None
    last = len(net.parameters) == 2  # a single layer: a unit is a class
    words = [f"class {c}" for c in range(net.classes)] if last else [""] * len(made.sources)
    more = f"; {made.left_out} more not shown" if made.left_out else ""
    scale = f'<p class="soft small">{escape(made.scale)}{more}</p>'
    return _tiles((s, w, "") for s, w in zip(made.sources, words, strict=True)) + scale


def parameters(net: Network) -> str:
    """Return how many numbers a network learns, layer by layer, in a line."""
    summary = net.summary()
    each = [f"{row.name} {row.parameters:,}" for row in summary.rows if row.parameters]
    return f"{summary.parameters:,} parameters: {', '.join(each)}"


def curves(findings: Findings, experiment: Experiment) -> str:
    """Return loss and accuracy of the first seed over the epochs, in all parts that were run."""
    known = {
        kind: outcomes[0].curves
        for kind, part in experiment.parts.items()
        if (outcomes := findings.outcomes(part)) and outcomes[0].curves
        if kind != BEST or experiment.beat == "epoch"  # one that goes by epochs
    }
    drawn = []
    for name in (LOSS[0], *ACCURACIES):
        shown = {kind: lines[name] for kind, lines in known.items() if lines.get(name)}
        if shown:
            share = name in ACCURACIES
            title = f"{experiment.title}: {name}"
            made = plots.lines(
                shown, title, experiment.beat, share=share, log=not share, known=KINDS
            )
            drawn.append(figure(address(plots.rendered(made, ".png")), title))
    return f'<div class="figures">{"".join(drawn)}</div>' if drawn else ""


def activations() -> str:
    """Return the activations that the notebooks draw."""
    made = plots.activations([ReLU(), LeakyReLU(0.1), Sigmoid(), Tanh()])
    source = address(plots.rendered(made))
    words = "ReLU, leaky ReLU, sigmoid and tanh with their derivatives"
    return f'<div class="figures">{figure(source, words)}</div>'


def _tiles(shown: Iterable[tuple[str, str, str]]) -> str:
    """Return images side by side: of each its address, its words, and "right" or "wrong"."""
    made = (
        f'<figure class="{kind}"><img class="pixels" src="{source}" alt="{escape(words)}">'
        f"<figcaption>{escape(words)}</figcaption></figure>"
        for source, words, kind in shown
    )
    return f'<div class="tiles">{"".join(made)}</div>'
