"""Displays for notebooks: HTML fragments with inline styles, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import ArrayLike, NDArray

from handgrad.html.images import image_uri
from handgrad.html.render import render_macro

MAX_IMAGES = 100
IMAGE_SIDE = 64  # pixels on the screen
MAX_PIXELS = 96  # the largest side of an image; larger ones are subsampled
MAX_CLASSES = 30  # of a confusion matrix that is shown whole
MAX_CONFUSIONS = 20  # pairs of classes shown of a larger one
WIDTH, HEIGHT = 340, 200  # of a chart
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 22, 34  # margins of its axes
LOG_RATIO = 30  # a curve that falls by more gets a logarithmic scale
COLOURS = {"training": "#0072B2", "validation": "#E69F00"}


class EpochRecord(Protocol):
    """The record of one epoch in a training history."""

    @property
    def number(self) -> int:
        """The number of the epoch, counted from 1."""
        ...

    @property
    def loss(self) -> float:
        """The mean training loss."""
        ...

    @property
    def accuracy(self) -> float:
        """The training accuracy, 0 to 1."""
        ...

    @property
    def validation_loss(self) -> float | None:
        """The validation loss, or None if there are no validation images."""
        ...

    @property
    def validation_accuracy(self) -> float | None:
        """The validation accuracy, 0 to 1, or None if there are no validation images."""
        ...


def paragraph(text: str) -> str:
    """Return a string as an HTML paragraph, with special characters escaped."""
    return f"<p>{escape(text)}</p>"


def table(rows: Mapping[str, Any] | Iterable[Sequence[Any]], headings: Sequence[str] = ()) -> str:
    """Return an HTML table.

    Args:
        rows: the cells of each row, or a mapping from names to values.
        headings: the headings of the columns; ">" marks a right-aligned column.
    """
    cells = [*map(list, rows.items() if isinstance(rows, Mapping) else rows)]
    width = len(headings) or max((len(row) for row in cells), default=0)
    right = [heading.startswith(">") for heading in headings] or [False] * width
    return render_macro(
        "display.html", "table", [heading.removeprefix(">") for heading in headings], cells, right
    )


def image_grid(
    images: ArrayLike, labels: Sequence[Any] = (), columns: int = 10, side: int = IMAGE_SIDE
) -> str:
    """Return the first 100 images as an HTML grid, each with its label below.

    Args:
        images: the images, (N, C, H, W) or (N, H, W), uint8 or floating point. If values are
            outside the range 0 to 1, the lowest is shown black and the highest white.
        labels: the text below each image; if empty, no text is shown.
        columns: the number of images in a row.
        side: the width of an image on the screen, in pixels.
    """
    X = np.asarray(images)
    colours = _as_colours(X[:MAX_IMAGES, None] if X.ndim == 3 else X[:MAX_IMAGES])
    captions = [str(label) for label in labels] or [""] * len(X)
    shown = [(image_uri(x), caption) for x, caption in zip(colours, captions, strict=False)]
    return render_macro("display.html", "image_grid", shown, columns, side, len(X) - len(shown))


def class_table(rows: Iterable[tuple[Any, int, ArrayLike]], side: int = 40) -> str:
    """Return a table of classes with the number of images and some example images of each.

    Args:
        rows: for each class, its name, its number of images and some images, in the form that
            `image_grid` accepts.
        side: the width of an image on the screen, in pixels.
    """
    cells = [
        (label, f"{count:,}", Markup(image_grid(images, side=side)))  # noqa: S704 (escaped)
        for label, count, images in rows
    ]
    text = table(cells, ("class", ">images", "first images"))
    return f'<div style="max-height:36em;overflow:auto">{text}</div>'


def curves(history: Iterable[EpochRecord]) -> str:
    """Return two SVG charts, one of the loss and one of the accuracy over the epochs.

    The loss has a logarithmic scale if its largest value is more than 30 times its smallest.

    Args:
        history: the records of the epochs, such as a `handgrad.History`.
    """
    records = [*history]
    charts = []
    for name in ("loss", "accuracy"):
        lines = {
            "training": [(r.number, getattr(r, name)) for r in records],
            "validation": [(r.number, getattr(r, f"validation_{name}")) for r in records],
        }
        points = {
            label: [(n, v) for n, v in line if v is not None and math.isfinite(v)]
            for label, line in lines.items()
        }
        charts.append(_chart(name, {label: line for label, line in points.items() if line}))
    return render_macro("display.html", "curves", charts, COLOURS)


def confusion(matrix: ArrayLike, classes: Sequence[Any]) -> str:
    """Return a confusion matrix as a table in which zeros are left blank.

    If there are more than 30 classes, the most frequently confused pairs are listed instead of the
    matrix.

    Args:
        matrix: the counts, (K, K); the rows are the true classes, and the columns are the predicted
            classes.
        classes: the names of the K classes.
    """
    counts = np.asarray(matrix)
    if len(counts) > MAX_CLASSES:
        return _most_confused(counts, classes)
    shades = np.sqrt(counts / max(int(counts.max(initial=0)), 1))  # small counts stay visible
    rows = [
        (
            str(label),
            [(f"{n:,}" if n else "", f"{0.7 * shade:.2f}") for n, shade in zip(*row, strict=True)],
        )
        for label, row in zip(classes, zip(counts, shades, strict=True), strict=True)
    ]
    return render_macro("display.html", "confusion", [str(label) for label in classes], rows)


def _most_confused(counts: NDArray[Any], classes: Sequence[Any]) -> str:
    """Return a table of the pairs of classes that are confused most often."""
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [divmod(int(cell), len(counts)) for cell in order]
    rows = [(classes[i], classes[j], f"{wrong[i, j]:,}") for i, j in pairs if wrong[i, j]]
    return table(rows, ("true", "predicted", ">images"))


def _as_colours(X: NDArray[Any]) -> NDArray[Any]:
    """Convert images (N, C, H, W) for `image_uri`; reduce them to the display size if larger."""
    step = -(-max(X.shape[2:]) // MAX_PIXELS)
    X = X[:, :, ::step, ::step]
    if X.shape[1] not in (1, 3):
        X = X.mean(axis=1, keepdims=True, dtype=np.float32).astype(X.dtype)
    if X.dtype == np.uint8 or not X.size:
        return X
    low, high = float(X.min()), float(X.max())
    return X if low >= 0 and high <= 1 else (X - low) / (high - low or 1)


class Chart(NamedTuple):
    """A chart in SVG coordinates.

    Attributes:
        title: the title.
        width: the width in pixels.
        height: the height in pixels.
        box: the left, top, right and bottom coordinates of the axes.
        x_ticks: the position and text of each tick on the x axis.
        y_ticks: the position and text of each tick on the y axis.
        lines: the points of each line in SVG format, by label.
    """

    title: str
    width: int
    height: int
    box: tuple[int, int, int, int]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    lines: dict[str, list[tuple[float, float]]]


def _chart(title: str, lines: Mapping[str, Sequence[tuple[int, float]]]) -> Chart:
    """Compute the layout of a chart of lines over the epochs."""
    box = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
    epochs = [n for line in lines.values() for n, _ in line] or [1]
    values = [v for line in lines.values() for _, v in line] or [0.0, 1.0]
    is_log = title == "loss" and 0 < LOG_RATIO * min(values) < max(values)
    scale = math.log10 if is_log else float
    low, high = scale(min(values)), scale(max(values))
    margin = 0.05 * (high - low) or 0.5
    low, high = low - margin, high + margin
    first, last = min(epochs), max(epochs)
    if first == last:
        first, last = first - 1, last + 1

    def x(epoch: float) -> float:
        return round(box[0] + (epoch - first) / (last - first) * (box[2] - box[0]), 1)

    def y(value: float) -> float:
        return round(box[3] - (scale(value) - low) / (high - low) * (box[3] - box[1]), 1)

    numbers = _ticks(low, high)
    if is_log:
        numbers = [10.0**n for n in sorted({round(n) for n in numbers})]
    shown = [(v, _tick_text(v, title)) for v in numbers if low <= scale(v) <= high]
    ends = min(epochs), max(epochs)
    steps = sorted({*ends, *(round(n) for n in _ticks(*ends))})
    return Chart(
        title,
        WIDTH,
        HEIGHT,
        box,
        [(x(n), f"{n}") for n in steps if first <= n <= last],
        [(y(v), text) for v, text in shown],
        {label: [(x(n), y(v)) for n, v in line] for label, line in lines.items()},
    )


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return about `count` round numbers in an interval."""
    if high <= low:
        return [low]
    raw = (high - low) / count
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick_text(value: float, name: str) -> str:
    """Format the number at a tick."""
    return f"{100 * value:.4g} %" if name == "accuracy" else f"{value:.3g}"
