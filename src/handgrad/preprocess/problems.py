"""Finds images that cannot be classified, such as a blank sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handgrad.preprocess.ink import NOISE, has_uniform_edges, ink_balance, neighbours
from handgrad.preprocess.pixels import Pixels, edge_colour
from handgrad.preprocess.steps import Grayscale

Problem = Literal["nothing drawn", "lines across the image", "opposite polarity"]
Ink = Literal["dark", "light"]

NOTHING: Problem = "nothing drawn"
LINES: Problem = "lines across the image"
OPPOSITE: Problem = "opposite polarity"
_CLEANED = ("SubtractBackground", "RemoveLines")  # after these steps, what is light is ink
_MIN_SIDE = 40  # in an image with a smaller longer side, a single pixel may be part of a line
_MAX_RUNS = 8  # of ink along the edges of an image: a character without a margin has fewer
_SPECK = 4  # of the 25 pixels around a pixel: with no more ink, the pixel is noise


def problem(
    stages: Sequence[Pixels], kinds: Sequence[str], trained_on: Ink | None
) -> Problem | None:
    """Return why an image cannot be classified, or None if it can.

    Args:
        stages: the raw image, and the image after each step.
        kinds: the names of the steps.
        trained_on: whether the ink of the training images is dark or light, or None.
    """
    cleaned = [k for k, kind in enumerate(kinds) if kind in _CLEANED]
    if cleaned:
        ink = _ink(stages[cleaned[-1] + 1])
        if not ink.any():
            return NOTHING
        return LINES if _runs_at_edges(ink) > _MAX_RUNS else None
    if trained_on is None and "InvertDarkInk" not in kinds:
        return None  # the images may be of any kind
    if np.ptp(stages[-1]) < NOISE:
        return NOTHING
    if "InvertDarkInk" in kinds:
        return None
    found = ink_of(stages[-1])
    return OPPOSITE if found not in (None, trained_on) else None


def ink_of(X: Pixels) -> Ink | None:
    """Return whether an opaque image has dark or light ink on its background, or None if unclear.

    It is clear if at least nine tenths of the pixels at the edges are background, and the darker
    and lighter pixels do not nearly cancel out.
    """
    grey = Grayscale()(X)
    difference = abs(grey.astype(np.int64) - int(edge_colour(grey)[0]))
    amount = int(difference[difference >= NOISE].sum())
    balance = ink_balance(grey)
    if not has_uniform_edges(grey) or not amount or 2 * abs(balance) < amount:
        return None
    return "dark" if balance < 0 else "light"


def _ink(X: Pixels) -> NDArray[np.bool_]:
    """Return which pixels of a grey image with a black background are ink and not noise, (H, W)."""
    ink: NDArray[np.bool_] = X[:, :, 0] > max(NOISE, int(X.max()) // 4)
    return ink & (neighbours(ink) > _SPECK) if max(ink.shape) >= _MIN_SIDE else ink


def _runs_at_edges(ink: NDArray[np.bool_]) -> int:
    """Return the number of runs of ink along the edges of a large image; 0 for a small one."""
    if max(ink.shape) < _MIN_SIDE:
        return 0
    around = np.concatenate([ink[0], ink[1:, -1], ink[-1, -2::-1], ink[-2:0:-1, 0]])
    return int((around & ~np.roll(around, 1)).sum())
