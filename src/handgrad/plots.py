"""Figures. Each function takes plain values and returns a matplotlib `Figure`; none shows it.

Labels are whole numbers 0..K-1, the k-th of `classes` being the name. Pictures are shown as they
are stored: uint8, or floating point from 0 to 1. The colours are those of M. Okabe and K. Ito
2008, "Color universal design", which the colour-blind can tell apart too.
"""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, NullFormatter, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from handgrad.data.pictures import as_pictures, check_pictures
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.files import replacing
from handgrad.layers import Dense
from handgrad.network import Label, Network, layer_name
from handgrad.training.history import History

Array = NDArray[Any]

GREEN, VERMILION, BLUE, ORANGE = "#009E73", "#D55E00", "#0072B2", "#E69F00"
SUFFIXES = (".png", ".svg")

_MOST = 100  # pictures in one grid
_SIDE = 1.1  # inches, the shorter side of one picture
_GAP = 0.12  # inches, between two pictures
_SMALL, _LARGE = 9, 11  # points


class _Tile(NamedTuple):
    """One picture of a grid: (H, W) or (H, W, 3), its title, and a colour for title and frame."""

    image: Array
    title: str
    colour: str | None = None


def learning_curves(history: History) -> Figure:
    """Draw loss and accuracy over the epochs, and mark the best epoch.

    The loss gets a logarithmic scale where it falls to less than a thirtieth.

    Raises:
        DataError: where the history has no epochs.
    """
    if not len(history):
        raise DataError("the history has no epochs to draw; train first")
    figure = Figure(figsize=(9, 3.8), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    left, right = figure.subplots(1, 2)
    _curves(left, history, "loss")
    _curves(right, history, "accuracy")
    right.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
    losses = [x for e in history for x in (e.loss, e.watched_loss) if math.isfinite(x)]
    if losses and 0 < 30 * min(losses) < max(losses):
        left.set_yscale("log")
        left.yaxis.set_major_formatter("{x:g}")
        left.yaxis.set_minor_formatter(NullFormatter())
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def first_layer_weights(net: Network) -> Figure:
    """Draw the first linear layer's weights as pictures, or the first convolution's kernels.

    Red is above zero and blue below, on one scale for all. Channels stand side by side. Of more
    than 100 units the first 100 are drawn.

    Raises:
        ModelError: where no such layer sees pixels, or a weight is not finite.
    """
    index, weight = _first_weight(net)
    layer, shown = layer_name(net.layers, index), weight[:_MOST]
    if not np.isfinite(weight).all():
        raise ModelError(f"layer {layer} has weights that are not finite; train the network anew")
    images = np.pad(shown, [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=np.nan)
    images = np.concatenate(images.transpose(1, 0, 2, 3), axis=2)[..., :-1]
    last = index == len(net.layers) - 1 and isinstance(net.layers[index], Dense)
    names = net.classes[:_MOST] if last else [""] * len(shown)
    tiles = [_Tile(image, _name(name)) for image, name in zip(images, names, strict=True)]

    limit = float(np.abs(weight).max()) or 1.0
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="0.5")
    heading = f"layer {layer}: weights of {len(weight)} units{_cut(len(weight))}"
    figure = _grid(tiles, heading, right=0.9, cmap=colours, vmin=-limit, vmax=limit)
    width, height = figure.get_size_inches()
    bar = figure.add_axes((1 - 0.75 / width, 0.12, 0.12 / width, 0.76 - 0.2 / height))
    figure.colorbar(figure.axes[0].images[0], cax=bar).ax.tick_params(labelsize=_SMALL)
    return figure


def predictions(
    pictures: ArrayLike,
    labels: ArrayLike,
    predicted: ArrayLike,
    classes: Sequence[Label],
    probabilities: ArrayLike | None = None,
) -> Figure:
    """Draw pictures with what was predicted: ✓ and green when right, ✗ and vermilion when not.

    Of more than 100 pictures the first 100 are drawn; the heading counts them all.

    Args:
        pictures: (N, C, H, W), C 1 or 3.
        labels: what they are, (N,).
        predicted: what they were taken for, (N,).
        classes: the names of the K classes.
        probabilities: that of each class, (N, K); the predicted one's is written down.

    Raises:
        DataError: where the arguments do not fit to each other.
    """
    X = _pictures(pictures)
    y = _labels(labels, "labels", len(X), len(classes))
    guess = _labels(predicted, "predicted", len(X), len(classes))
    p = None if probabilities is None else _probabilities(probabilities, len(X), len(classes))
    right = int((guess == y).sum())
    tiles = [
        _judged(X[n], y[n], guess[n], classes, None if p is None else p[n, guess[n]])
        for n in range(min(len(X), _MOST))
    ]
    return _grid(tiles, f"{right:,} of {len(X):,} right{_cut(len(X))}")


def confident_mistakes(
    pictures: ArrayLike,
    labels: ArrayLike,
    probabilities: ArrayLike,
    classes: Sequence[Label],
    count: int = 16,
) -> Figure:
    """Draw the mistakes with the highest probability, at most `count` (1 to 100) of them.

    The other arguments are those of `predictions`.

    Raises:
        DataError: where the arguments do not fit to each other.
        ConfigError: where `count` is out of range.
    """
    if not 1 <= count <= _MOST:
        raise ConfigError(f"count must be 1 to {_MOST}, not {count}")
    X = _pictures(pictures)
    y = _labels(labels, "labels", len(X), len(classes))
    p = _probabilities(probabilities, len(X), len(classes))
    guess = p.argmax(axis=1)
    wrong = np.flatnonzero(guess != y)
    worst = wrong[np.argsort(-p[wrong, guess[wrong]], kind="stable")][:count]
    tiles = [_judged(X[n], y[n], guess[n], classes, p[n, guess[n]]) for n in worst]
    cut = f", the {count} most confident shown" if count < len(wrong) else ""
    return _grid(tiles, f"mistakes: {len(wrong):,} of {len(X):,}{cut}")


def pictures(pictures: ArrayLike, labels: ArrayLike, classes: Sequence[Label]) -> Figure:
    """Draw pictures with the names of their classes; of more than 100 the first 100.

    The arguments are those of `predictions`.

    Raises:
        DataError: where the arguments do not fit to each other.
    """
    X = _pictures(pictures)
    y = _labels(labels, "labels", len(X), len(classes))
    tiles = [_Tile(image, _name(classes[k])) for image, k in zip(X[:_MOST], y, strict=False)]
    return _grid(tiles, f"pictures: {len(X):,}{_cut(len(X))}")


def confusion(matrix: ArrayLike, classes: Sequence[Label], rows: bool = False) -> Figure:
    """Draw what was taken for what; a cell without a number is zero.

    Args:
        matrix: how often, (K, K) whole numbers; rows are true classes, columns predicted ones.
        classes: the names of the K classes.
        rows: write and colour the share of each row, in percent, instead of the counts.

    Raises:
        DataError: where the matrix is not (K, K) counts.
    """
    K = len(classes)
    counts = _counts(matrix, K)
    total, right = int(counts.sum()), int(np.trace(counts))
    values = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if rows else counts
    numbers = [[f"{100 * v:.1f}" if rows else f"{v:,}" for v in row] for row in values]
    size = _SMALL if K <= 20 else _SMALL - 2

    names = [_name(label, width=1000) for label in classes]
    name_width, _ = _inches(names, _SMALL)
    number_width, _ = _inches([max((n for row in numbers for n in row), key=len)], size)
    cell = max(0.3, number_width + 0.12, 1.6 / K)
    upright = name_width > cell - 0.05
    title = f"{right:,} of {total:,} right" + (", share of each row in percent" if rows else "")
    side = K * cell
    left, below = name_width + 0.5, (name_width if upright else 0.2) + 0.5
    wide = max(left + side + 0.15, _inches([title], _LARGE)[0] + 0.4)
    high = below + side + 0.5

    figure = Figure((wide, high))
    figure.suptitle(title, y=1 - 0.12 / high, va="top", fontsize=_LARGE)
    start = left + (wide - left - side - 0.15) / 2
    axes = figure.add_axes((start / wide, below / high, side / wide, side / high))
    norm = PowerNorm(0.5, vmin=0, vmax=float(values.max()) or 1.0)  # few mistakes, yet seen
    axes.imshow(values, cmap="Blues", norm=norm, interpolation="none")
    axes.set(xlabel="predicted class", ylabel="true class")
    plain: dict[str, Any] = {"fontsize": _SMALL, "parse_math": False}
    axes.set_xticks(range(K), names, rotation=90 if upright else 0, **plain)
    axes.set_yticks(range(K), names, **plain)
    axes.tick_params(length=0)
    for i, j in np.argwhere(values):
        ink = "white" if norm(values[i, j]) > 0.7 else "black"
        axes.text(j, i, numbers[i][j], ha="center", va="center", fontsize=size, color=ink)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG or SVG, by the suffix of `path`: the whole file, or none.

    Folders on the way are made. The same figure gives the same bytes, whenever it is written.

    Raises:
        ConfigError: where the suffix is another one, or the place cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(f"{path} must end in {' or '.join(SUFFIXES)} to be written as a figure")
    metadata = {"Software": None} if suffix == ".png" else {"Creator": None, "Date": None}
    try:
        with matplotlib.rc_context({"svg.hashsalt": "handgrad"}), replacing(path) as part:
            figure.savefig(part, format=suffix[1:], dpi=150, metadata=metadata)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}); choose another place"
        ) from None


def _curves(axes: Axes, history: History, name: str) -> None:
    """Draw one number over the epochs: on training, and on validation where there is any."""
    marker = "o" if len(history) <= 30 else ""
    kinds = ("training", "-", BLUE, name), ("validation", "--", ORANGE, f"validation_{name}")
    for label, style, colour, field in kinds:
        points = [(e.number, getattr(e, field)) for e in history if getattr(e, field) is not None]
        if points:
            x, y = zip(*points, strict=True)
            axes.plot(x, y, style, color=colour, marker=marker, markersize=4, label=label)
    if history.best_epoch:
        label = f"best epoch: {history.best_epoch}"
        axes.axvline(history.best_epoch, color="0.45", linestyle=":", label=label)
    axes.set(title=name, xlabel="epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(history) == 1:
        axes.set_xlim(history[0].number - 0.5, history[0].number + 0.5)
    axes.grid(alpha=0.3)


def _first_weight(net: Network) -> tuple[int, Array]:
    """Return the first weight that sees pixels, (O, C, H, W), and the number of its layer."""
    outputs = [net.shape, *(row.output for row in net.summary().rows)]
    for name, weight in net.parameters.items():
        index = int(name.split(".")[0])
        if weight.ndim == 4:
            return index, weight
        if weight.ndim == 2:
            pixels = [shape for shape in outputs[: index + 1] if len(shape) == 3][-1:]
            if [weight.shape[1]] == [math.prod(shape) for shape in pixels]:
                return index, weight.reshape(-1, *pixels[0])
            break
    raise ModelError("no Dense or Conv2d of this network sees pixels, so no weights can be drawn")


def _judged(
    image: Array, label: int, guess: int, classes: Sequence[Label], p: float | None
) -> _Tile:
    """Return a picture with what it was taken for, and what it is where that differs."""
    title = _name(classes[guess]) + ("" if p is None else f" · {100 * p:.1f} %")
    if guess == label:
        return _Tile(image, f"✓ {title}", GREEN)
    return _Tile(image, f"✗ {title}\nis {_name(classes[label])}", VERMILION)


def _grid(tiles: Sequence[_Tile], heading: str, right: float = 0.0, **look: Any) -> Figure:
    """Draw tiles of one size in rows under a heading, in a figure large enough for every word.

    Some inches on the right are left free; `look` is what `imshow` makes of numbers, if not grey.
    """
    if not tiles:
        figure = Figure((4, 0.6))
        figure.suptitle(heading, y=0.7, fontsize=_LARGE)
        return figure
    image = tiles[0].image
    look = look or {"cmap": "gray", "vmin": 0, "vmax": 255 if image.dtype == np.uint8 else 1}
    H, W = image.shape[:2]
    width, height = (_SIDE * min(size / min(H, W), 4) for size in (W, H))
    text_width, text_height = _inches([tile.title for tile in tiles], _SMALL)
    head_width, _ = _inches([heading], _LARGE)
    cell = (max(width, text_width) + _GAP, height + text_height + 1.5 * _GAP)
    columns = _columns(len(tiles), cell[1] / cell[0])
    rows = math.ceil(len(tiles) / columns)
    whole = max(columns * cell[0] + _GAP + right, head_width + 0.4), rows * cell[1] + 0.5

    figure = Figure(whole)
    figure.suptitle(heading, y=1 - 0.12 / whole[1], va="top", fontsize=_LARGE)
    start = (whole[0] - right - columns * cell[0]) / 2
    for n, tile in enumerate(tiles):
        x = start + (n % columns + 0.5) * cell[0] - width / 2
        y = (rows - 1 - n // columns) * cell[1] + _GAP
        place = (x / whole[0], y / whole[1], width / whole[0], height / whole[1])
        _draw(figure.add_axes(place), tile, look)
    return figure


def _draw(axes: Axes, tile: _Tile, look: dict[str, Any]) -> None:
    """Draw one tile."""
    axes.imshow(tile.image, interpolation="none", **look)
    axes.set(xticks=[], yticks=[])
    title = axes.set_title(tile.title, fontsize=_SMALL, pad=4, parse_math=False)
    if tile.colour:
        title.set_color(tile.colour)
        axes.spines[:].set(color=tile.colour, linewidth=2)


def _columns(count: int, height: float) -> int:
    """Return how many columns make a grid of cells (height, 1) square or wider, with few gaps."""
    least = math.ceil(math.sqrt(count * min(height, 1)))
    return min(range(least, 2 * least + 1), key=lambda columns: (-count % columns, columns))


def _inches(texts: Sequence[str], size: float) -> tuple[float, float]:
    """Return the largest width and height of texts set in `size` points."""
    figure = Figure()
    boxes = [
        figure.text(0, 0, text, fontsize=size, parse_math=False).get_window_extent()
        for text in set(texts)
    ]
    return (max(b.width for b in boxes) / figure.dpi, max(b.height for b in boxes) / figure.dpi)


def _name(label: Label, width: int = 20) -> str:
    """Return a class name in lines of at most `width` characters, readable ones in any case."""
    return textwrap.fill(str(label).encode("utf-8", "replace").decode(), width)


def _cut(count: int) -> str:
    """Return what a heading says where not all pictures are drawn."""
    return f", the first {_MOST} shown" if count > _MOST else ""


def _pictures(pictures: ArrayLike) -> Array:
    """Return pictures (N, C, H, W) as images, (N, H, W) or (N, H, W, 3), uint8 or 0 to 1."""
    X = as_pictures(pictures)
    check_pictures(X)
    if X.shape[1] not in (1, 3):
        raise DataError(f"pictures with 1 or 3 channels can be drawn, not with {X.shape[1]}")
    if X.dtype != np.uint8 and (X.min() < 0 or X.max() > 1):  # standardized, say
        X = (X - X.min()) / max(X.max() - X.min(), np.finfo(X.dtype).tiny)
    return X[:, 0] if X.shape[1] == 1 else X.transpose(0, 2, 3, 1)


def _labels(labels: ArrayLike, what: str, pictures: int, classes: int) -> Array:
    """Return labels (N,) after a look at them."""
    y = np.asarray(labels)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise DataError(f"{what} must be whole numbers (N,), not {y.dtype} {y.shape}")
    if len(y) != pictures:
        raise DataError(f"there are {pictures} pictures but {len(y)} {what}; give one for each")
    if y.min() < 0 or y.max() >= classes:
        raise DataError(f"{what} must lie in 0..{classes - 1}, not in {y.min()}..{y.max()}")
    return y


def _probabilities(probabilities: ArrayLike, pictures: int, classes: int) -> Array:
    """Return probabilities (N, K) after a look at them."""
    p, wanted = np.asarray(probabilities), (pictures, classes)
    if p.shape != wanted or p.dtype.kind != "f" or not np.isfinite(p).all():
        raise DataError(f"probabilities must be finite numbers {wanted}, not {p.dtype} {p.shape}")
    return p


def _counts(matrix: ArrayLike, classes: int) -> Array:
    """Return a confusion matrix (K, K) after a look at it."""
    counts, wanted = np.asarray(matrix), (classes, classes)
    if counts.shape != wanted:
        raise DataError(f"the matrix must be {wanted} for {classes} classes, not {counts.shape}")
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise DataError("the matrix must hold counts: whole numbers of at least 0")
    return counts
