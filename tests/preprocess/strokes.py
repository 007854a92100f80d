"""Drawings made from MNIST images: the skeleton of a digit, drawn with a round pen on a canvas."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

TIMES = 4  # the factor by which a digit is enlarged before it is thinned


def drawing_of(x: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Draw the digit of an MNIST image (28, 28) at a random place, in a random size and colour."""
    lines = skeleton_lines(x)
    height, width = (int(rng.integers(150, 601)) for _ in range(2))
    extent = max(np.ptp(lines[:, 0::2]), np.ptp(lines[:, 1::2]), 1)
    scale = rng.uniform(0.3, 0.75) * min(height, width) / extent
    pen = max(2, round(rng.uniform(0.06, 0.14) * scale * extent))
    points = (lines - np.tile(lines.reshape(-1, 2).min(axis=0), 2)) * scale
    room = np.array([height, width]) - points.reshape(-1, 2).max(axis=0) - 2 * pen
    points += np.tile(pen + rng.uniform(0, 1, 2) * np.maximum(room, 0), 2)
    paper = tuple(int(v) for v in rng.integers(215, 256, 3))
    ink = tuple(int(v) for v in rng.integers(0, 110, 3))
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    for top, left, bottom, right in points.tolist():
        draw.line((left, top, right, bottom), fill=ink, width=pen)
        for y, across in ((top, left), (bottom, right)):
            r = pen / 2
            draw.ellipse((across - r, y - r, across + r, y + r), fill=ink)
    return image


def skeleton_lines(x: np.ndarray) -> np.ndarray:
    """Return the lines between neighbouring pixels of a digit's skeleton, (N, 4).

    A line is the row and column of its start, and those of its end.
    """
    size = TIMES * len(x)
    large = Image.fromarray(x).resize((size, size), Image.Resampling.BICUBIC)
    ink = thinned(np.pad(np.asarray(large) > 110, 2))
    found = [
        (y, x, y + down, x + right)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1), (1, -1))
        for y, x in np.argwhere(ink & np.roll(ink, (-down, -right), (0, 1))).tolist()
    ]
    return np.array(found, np.float64)


def thinned(ink: np.ndarray) -> np.ndarray:
    """Return the skeleton of a binary image with a margin.

    T. Y. Zhang, C. Y. Suen (1984), "A fast parallel algorithm for thinning digital patterns".
    """
    around = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    while True:
        before = ink
        for first, second in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            near = np.stack([np.roll(ink, (-y, -x), (0, 1)) for y, x in around])
            count = near.sum(axis=0)
            starts = (~near & np.roll(near, -1, axis=0)).sum(axis=0)
            gaps = [~near[list(places)].all(axis=0) for places in (first, second)]
            remove = (count >= 2) & (count <= 6) & (starts == 1) & gaps[0] & gaps[1]
            ink = ink & ~remove
        if np.array_equal(before, ink):
            return ink
