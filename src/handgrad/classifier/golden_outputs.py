"""Golden images: a few examples that travel with a model, and what it answered to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.errors import ModelError
from handgrad.layers import Array, Shape
from handgrad.network import Network
from handgrad.random import generator

GIVEN, DRAWN = 4, 2
LARGE = 64  # pixels on a side that are not enlarged any more


@dataclass(frozen=True, eq=False)
class Golden:
    """Images, and what a network answered to them when it was saved.

    Attributes:
        images: as the network takes them, (G, C, H, W) uint8 or float32.
        logits: the answers, (G, K).
        seals: the SHA-256 of what gave them: weights, labels, preprocessing, calibration.
        raw: the first images before the preprocessing, (R, height, width, 4) uint8; None: there
            is no preprocessing.
    """

    images: NDArray[Any]
    logits: Array
    seals: Mapping[str, str]
    raw: NDArray[np.uint8] | None = None

    def recalibrated(self, net: Network) -> Golden:
        """Return the same for a network with another calibration: its logits stay as they are."""
        return replace(self, seals={**self.seals, "calibration": seals(net)["calibration"]})


def make_golden(net: Network, images: ArrayLike | None = None) -> Golden:
    """Return golden images for a network as it is now.

    Four are taken of the images given. Where there is a preprocessing, they are what it makes of
    them, enlarged and laid off centre on a canvas, light or dark, seen through or not. Two more are
    noise, in which each pixel matters.

    Args:
        net: the network.
        images: some that it takes, (N, C, H, W); None: all are noise.

    Raises:
        DataError: if the network does not take the images.
        ModelError: if it answers something that is no number.
    """
    some = np.zeros((0, *net.shape), np.uint8)
    if images is not None and len(given := net.as_images(images)):
        some = given[:GIVEN]
        some = some if some.dtype == np.uint8 else some.astype(np.float32)
    raw = None
    if net.preprocessing is not None:
        seen = some if len(some) and some.dtype == np.uint8 else _noise(GIVEN, net.shape)
        raw = np.stack([_on_canvas(x, n) for n, x in enumerate(seen)])
        some = np.stack([net.preprocessing.apply(x) for x in raw])
    examples = _with_noise(some)
    with np.errstate(over="ignore", invalid="ignore"):  # found and said below
        logits = net.logits(examples)
    if not np.isfinite(logits).all():
        raise ModelError("the network answers NaN or infinity; train it again at a lower rate")
    return Golden(examples, logits, seals(net), raw)


def seals(net: Network) -> dict[str, str]:
    """Return the SHA-256 of a network's weights, labels, preprocessing and calibration."""
    weights = hashlib.sha256()
    for name, array in sorted(net.arrays.items()):
        weights.update(f"{name} {array.dtype} {array.shape}\n".encode())
        weights.update(np.ascontiguousarray(array).tobytes())
    return {
        "weights": weights.hexdigest(),
        "labels": json_hash(net.classes),
        "preprocessing": json_hash(net.preprocessing and net.preprocessing.to_json()),
        "calibration": json_hash(net.calibration and net.calibration.to_json()),
    }


def json_hash(described: Any) -> str:
    """Return the SHA-256 of what JSON can hold, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()


def _with_noise(some: NDArray[Any]) -> NDArray[Any]:
    """Return images with more of noise, of floats between the lowest and the highest."""
    noise = _noise(DRAWN if len(some) else GIVEN + DRAWN, some.shape[1:])
    if some.dtype == np.uint8:
        return np.concatenate([some, noise])
    low, high = some.min(), some.max()
    return np.concatenate([some, low + noise.astype(np.float32) / np.float32(255) * (high - low)])


def _noise(count: int, shape: Shape) -> NDArray[np.uint8]:
    """Return images in which nothing is like anything else, always the same."""
    return generator(0, "augment").integers(0, 256, (count, *shape), np.uint8)


def _on_canvas(x: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Return an image (C, H, W) as one may find it: (height, width, 4), off centre."""
    C, H, W = x.shape
    times = 2 if max(H, W) <= LARGE else 1
    canvas = np.zeros((times * H + H // 2 + 2, times * W + W // 4 + 1, 4), np.uint8)
    ink = x.transpose(1, 2, 0)
    if number == 3:  # few pixels in large blocks
        ink, times = ink[: H // 2 * 2 : 3, : W // 2 * 2 : 3], 2 * times
    ink = ink.repeat(times, axis=0).repeat(times, axis=1)
    here = canvas[H // 4 + 1 :, W // 4 :][: ink.shape[0], : ink.shape[1]]
    here[:, :, :3] = ink if C == 3 else ink[:, :, :1]
    match number % 3:
        case 0:  # light on opaque black
            canvas[:, :, 3] = 255
        case 1:  # dark on paper, with its shadow and its grain
            shadow = np.linspace(0, 60, canvas.shape[1], dtype=np.float32)[:, None]
            grain = _noise(1, canvas.shape[:2])[0][:, :, None] / 16
            canvas[:, :, :3] = (255 - canvas[:, :, :3]) * np.float32(0.7) + shadow + grain
            canvas[:, :, 3] = 255
        case _:  # dark ink that stands on nothing
            here[:, :, 3] = ink.max(axis=2)
            canvas[:, :, :3] = (40, 0, 20)
    return canvas
