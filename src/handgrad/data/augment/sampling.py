"""What becomes of each image in one epoch: drawn as numbers first, done to the pixels then."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.data.augment import grid as place_of
from handgrad.data.augment.augmentation import Augmentation
from handgrad.data.augment.grid import FINE, HEAD, LIGHT, PIXEL, Frame, frame, spread
from handgrad.data.augment.transform import moved
from handgrad.layers import Array
from handgrad.random import stream_key, uniforms_at

_AT_ONCE = 512  # images whose numbers fit a core's cache
_FURTHEST = 64  # pixels that a knot may lie off its place
_DRAWN = 16  # numbers that are drawn for each image beside those of the knots


class Moves(NamedTuple):
    """What becomes of images in one epoch: a function of seed, epoch and place in the data.

    Attributes:
        augmentation: how much of what.
        seed: the run's seed.
        epoch: the epoch, counted from 1.
    """

    augmentation: Augmentation
    seed: int
    epoch: int

    def applied(self, images: NDArray[Any], places: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return changed copies of images (N, C, H, W), given their places in the data (N,)."""
        if images.dtype not in (np.uint8, np.float32):
            images = images.astype(np.float32)
        size = images.shape[2:]
        table, tables = self.table(places, size), tables_for(self.augmentation, size)
        result = np.empty_like(images, order="C")
        for at in range(0, len(images), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            result[part] = moved(images[part], table[part], tables, self.augmentation)
        return result

    def table(self, places: NDArray[np.integer[Any]], size: tuple[int, ...]) -> Array:
        """Return the numbers that say what becomes of each image.

        Args:
            places: the images' places in the data, (N,).
            size: their height and width.

        Returns:
            A row for each, (N, `Frame.width`) float32, all whole numbers: the head, as `frame`
            has it, and then for each row of knots how far they lie off, all y beside all x.
        """
        tables, key = (
            tables_for(self.augmentation, size),
            stream_key(self.seed, "augment", self.epoch),
        )
        drawn = _DRAWN + 2 * tables.knots**2
        table = np.zeros((len(places), tables.width), np.float32)
        for at in range(0, len(places), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            numbers = np.arange(drawn, dtype=np.int64) + drawn * places[part, None]
            u = uniforms_at(key, numbers.astype(np.uint64))
            _draw_head(self.augmentation, u, size, table[part])
            if tables.knots:
                _draw_knots(self.augmentation, u[:, _DRAWN:], tables, table[part, HEAD:])
        return table


def tables_for(augmentation: Augmentation, size: tuple[int, ...]) -> Frame:
    """Return the tables for images of a size (H, W).

    Raises:
        DataError: if the images are too large.
    """
    H, W = size
    return frame(H, W, round(1 / augmentation.smoothness) if augmentation.elastic else 0)


def _draw_head(augmentation: Augmentation, u: Array, size: tuple[int, ...], table: Array) -> None:
    """Write the heads of some images, given numbers in [0, 1), (N, at least 16)."""
    H, W = size
    signed = (2 * u[:, :6] - 1).astype(np.float64)
    shift = signed[:, :2] * augmentation.shift * [H, W]
    if not augmentation.bends:
        shift = np.rint(shift)
    a, b, c, d = _matrices(augmentation, signed[:, 2:], u[:, 6] < 0.5)
    fine = PIXEL * FINE
    table[:, place_of.Y] = np.rint(((H - 1) / 2 - shift[:, 0]) * fine)
    table[:, place_of.X] = np.rint(((W - 1) / 2 - shift[:, 1]) * fine)
    for column, entry in zip(
        (place_of.Y_BY_Y, place_of.Y_BY_X, place_of.X_BY_Y, place_of.X_BY_X),
        (a, b, c, d),
        strict=True,
    ):
        table[:, column] = np.rint(entry * (fine / 2))
    if augmentation.erase:
        erased = u[:, 7] < 0.5
        for side, column, at in ((H, place_of.TOP, 8), (W, place_of.LEFT, 10)):
            length = np.ceil(u[:, at] * (augmentation.erase * side)) * erased
            begin = np.floor(u[:, at + 1] * (side - length + 1))
            table[:, column], table[:, column + 1] = begin, begin + length
    if augmentation.stroke:
        table[:, place_of.STROKE] = _strokes(augmentation, u[:, 12])
    lost = np.rint(u[:, 14] * (augmentation.contrast * PIXEL)) * (u[:, 13] < 0.5)
    table[:, place_of.GAIN] = PIXEL - lost
    table[:, place_of.LIFT] = np.rint(u[:, 15] * lost * LIGHT)


def _strokes(augmentation: Augmentation, u: Array) -> Array:
    """Return how much wider strokes become, in 256ths; narrower half as much, or they would go."""
    signed = 2 * u - 1
    return np.rint(np.where(signed > 0, signed, signed / 2) * (augmentation.stroke * PIXEL))


def _matrices(
    augmentation: Augmentation, signed: NDArray[np.float64], mirrored: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], ...]:
    """Return the entries of the matrices from places in the new images to those in the old.

    Args:
        augmentation: how much of what.
        signed: for rotation, scale, stretch and shear a number in [-1, 1), (N, 4).
        mirrored: which images are mirrored, (N,).

    Returns:
        y by y, y by x, x by y, x by x, each (N,).
    """
    angle = np.deg2rad(signed[:, 0] * augmentation.rotation)
    larger = np.exp(-signed[:, 1] * np.log1p(augmentation.scale))
    wider = np.exp(-signed[:, 2] * np.log1p(augmentation.stretch) / 2)
    slant = signed[:, 3] * augmentation.shear
    cos, sin = np.cos(angle), np.sin(angle)
    sides = np.where(mirrored & augmentation.flip, -1.0, 1.0)
    y_by_y, y_by_x = cos * larger / wider, sin * larger * wider
    x_by_y, x_by_x = -sin * larger / wider, cos * larger * wider
    return y_by_y, y_by_x, (x_by_y + slant * y_by_y) * sides, (x_by_x + slant * y_by_x) * sides


def _draw_knots(augmentation: Augmentation, u: Array, tables: Frame, table: Array) -> None:
    """Write how far the knots of some images lie off their places, in 256ths of a pixel.

    Uniform numbers of ±1 have a root mean square of 1/√3, and a pixel's weights bring it down.
    """
    N, g = len(u), tables.knots
    distance = augmentation.elastic * min(tables.size)
    across = tables.across[:, : tables.size[1]].T
    largest = distance * 3**0.5 / (spread(tables.down) * spread(across)) * PIXEL
    off = np.rint((2 * u - 1) * np.float32(min(largest, _FURTHEST * PIXEL)))
    table.reshape(N, g, tables.row)[:, :, : 2 * g] = off.reshape(N, g, 2 * g)
