"""Show a dataset in a notebook: images of each class as one picture, and a table of counts."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handgrad.class_names import Label

ROWS, COLUMNS = 10, 10  # classes, and images of each class
_CELL = 40  # the least side of a shown image, in pixels
_LARGEST = 96  # the largest side; larger images are subsampled
_GAP = 2  # pixels between images


def html_view(
    images: NDArray[Any], labels: NDArray[np.int64], classes: Sequence[Label], title: str
) -> str:
    """Return HTML with a grid of images, one row a class, and a table of the class counts.

    Args:
        images: (N, C, H, W), uint8 or float32.
        labels: (N,) 0..K-1.
        classes: the K names.
        title: the line above.
    """
    png = io.BytesIO()
    Image.fromarray(image_grid(images, labels, len(classes))).save(png, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
    shown = f"the first {ROWS} of {len(classes)} classes" if len(classes) > ROWS else "each class"
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    rows = "".join(
        f"<tr><td>{escape(str(label))}</td><td style='text-align:right'>{count:,}</td></tr>"
        for label, count in zip(classes, counts, strict=True)
    )
    return (
        f"<div><p><code>{escape(title)}</code></p>"
        "<div style='display:flex;gap:1em;align-items:flex-start;flex-wrap:wrap'>"
        f"<img alt='images of {shown}, one row a class' src='{source}'>"
        "<div style='max-height:30em;overflow-y:auto'><table>"
        f"<tr><th>class</th><th>images</th></tr>{rows}</table></div></div></div>"
    )


def image_grid(images: NDArray[Any], labels: NDArray[np.int64], classes: int) -> NDArray[np.uint8]:
    """Return the first images of the first classes side by side, (height, width, 3)."""
    chosen = [np.flatnonzero(labels == k)[:COLUMNS] for k in range(min(classes, ROWS))]
    step = -(-max(images.shape[2:]) // _LARGEST)
    X = _as_rgb(images[np.concatenate(chosen), :, ::step, ::step])
    _, H, W, _ = X.shape
    scale = max(1, -(-_CELL // max(H, W)))
    height, width = scale * H + _GAP, scale * W + _GAP
    columns = max(map(len, chosen))
    grid = np.full((height * len(chosen), width * columns, 3), 255, np.uint8)
    cells = [(row, column) for row, few in enumerate(chosen) for column in range(len(few))]
    for x, (row, column) in zip(X, cells, strict=True):
        enlarged = x.repeat(scale, axis=0).repeat(scale, axis=1)
        top, left = row * height, column * width
        grid[top : top + scale * H, left : left + scale * W] = enlarged
    return grid


def _as_rgb(X: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images (n, C, H, W) as (n, H, W, 3) uint8, floats scaled to the range 0..255."""
    if X.dtype != np.uint8:
        low, high = float(X.min()), float(X.max())
        X = ((X - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    if X.shape[1] not in (1, 3):
        X = X.mean(axis=1, keepdims=True).astype(np.uint8)
    return np.broadcast_to(X, (len(X), 3, *X.shape[2:])).transpose(0, 2, 3, 1)
