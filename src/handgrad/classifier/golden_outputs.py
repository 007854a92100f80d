"""Golden outputs: example images stored in a model file with the model's logits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.errors import ModelError
from handgrad.layers import Array, Shape
from handgrad.network import Network
from handgrad.pixel_range import PixelRange, as_bytes
from handgrad.random import generator

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing

GIVEN, RANDOM = 4, 2
MAX_ENLARGED = 64  # pixels; larger images are not enlarged


@dataclass(frozen=True, eq=False)
class Golden:
    """Stored reference outputs: a few images, and the network's logits for them when it was saved.

    Attributes:
        images: the golden images, which are inputs of the network, (G, C, H, W) uint8 or float32.
        logits: the network's outputs for the golden images, (G, K).
        component_hashes: the SHA-256 of everything that the logits depend on, by name: weights,
            labels, preprocessing, calibration, and the out-of-distribution score if there is one.
        raw: the first R images as they were before preprocessing, (R, height, width, 4) uint8,
            or None if there is no preprocessing.
    """

    images: NDArray[Any]
    logits: Array
    component_hashes: Mapping[str, str]
    raw: NDArray[np.uint8] | None = None

    def recalibrated(self, component_hashes: Mapping[str, str]) -> Golden:
        """Return the same images and logits with other hashes of the calibration and the score."""
        changed = {k: v for k, v in component_hashes.items() if k in {"calibration", "ood"}}
        return replace(self, component_hashes={**self.component_hashes, **changed})


def run_golden(
    network: Network,
    preprocessing: Preprocessing | None,
    images: ArrayLike | None,
    component_hashes: Mapping[str, str],
    pixel_range: PixelRange | None = None,
) -> Golden:
    """Choose golden images, and return them with the network's logits.

    Args:
        network: the network.
        preprocessing: the preprocessing of the images, or None if it is unknown.
        images: inputs of the network to choose from, (N, C, H, W), or None to use only random
            images.
        component_hashes: the hashes of everything that the outputs depend on.
        pixel_range: the range of the training images. If it is known, the golden images are uint8.
            If it is not known, random images have floating-point values in this range.

    Raises:
        DataError: if the images do not match the network.
        ModelError: if a logit is NaN or infinite.
    """
    some = np.zeros((0, *network.shape), np.uint8)
    if images is not None and len(given := network.as_images(images)):
        some = given[:GIVEN]
        if pixel_range is not None and pixel_range.is_known:
            some = as_bytes(some)
        some = some if some.dtype == np.uint8 else some.astype(np.float32)
    raw = None
    if preprocessing is not None:
        seen = some if len(some) and some.dtype == np.uint8 else _noise(GIVEN, network.shape)
        raw = np.stack([_on_canvas(x, n) for n, x in enumerate(seen)])
        some = np.stack([preprocessing.apply(x) for x in raw])
    if pixel_range is not None and not pixel_range.is_known and not len(some):
        examples = _noise(GIVEN + RANDOM, network.shape).astype(np.float32) / np.float32(255)
        examples = pixel_range.low + examples * np.float32(pixel_range.high - pixel_range.low)
        examples = examples.astype(np.float32)
    else:
        examples = _with_noise(some)
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        logits = network.logits(examples)
    if not np.isfinite(logits).all():
        raise ModelError(
            "the network's logits contain NaN or infinity; train it with a lower learning rate"
        )
    return Golden(examples, logits, component_hashes, raw)


def hash_arrays(arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of named arrays, including their names, dtypes and shapes."""
    sha = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        sha.update(f"{name} {array.dtype} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def hash_json(value: Any) -> str:
    """Return the SHA-256 of JSON data, as 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _with_noise(some: NDArray[Any]) -> NDArray[Any]:
    """Return the images, followed by random images with values in the same range."""
    noise = _noise(RANDOM if len(some) else GIVEN + RANDOM, some.shape[1:])
    if some.dtype == np.uint8:
        return np.concatenate([some, noise])
    low, high = some.min(), some.max()
    return np.concatenate([some, low + noise.astype(np.float32) / np.float32(255) * (high - low)])


def _noise(count: int, shape: Shape) -> NDArray[np.uint8]:
    """Return random images, which are the same in every call."""
    return generator(0, "augment").integers(0, 256, (count, *shape), np.uint8)


def _on_canvas(x: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Return an image (C, H, W) placed off centre on a larger canvas, (height, width, 4)."""
    C, H, W = x.shape
    times = 2 if max(H, W) <= MAX_ENLARGED else 1
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
        case 1:  # dark on paper with shadow and grain, and with a dark edge
            shadow = np.linspace(0, 60, canvas.shape[1], dtype=np.float32)[:, None]
            grain = _noise(1, canvas.shape[:2])[0][:, :, None] / 16
            canvas[:, :, :3] = (255 - canvas[:, :, :3]) * np.float32(0.7) + shadow + grain
            canvas[:, : 1 + canvas.shape[1] // 20, :3] = 20
            canvas[:, :, 3] = 255
        case _:  # dark ink on a transparent canvas
            here[:, :, 3] = ink.max(axis=2)
            canvas[:, :, :3] = (40, 0, 20)
    return canvas
