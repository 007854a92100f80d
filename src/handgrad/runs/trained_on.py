"""Find the images that a model was trained on, by their content.

The folder of a run has one 8-byte hash per training image, so that an image is recognized under
another name, in another folder or in another file format. The hashes are not in the model file,
which is often smaller than they are: 60,000 hashes take 480 kB.

A run that continues the training of a model also has the hashes of that model's training images. If
these are unknown, the metadata of the run say so under `INCOMPLETE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.files import replacing

FILE = "training-images.npy"
_PART = 1000  # images
INCOMPLETE = "training_images_incomplete"  # in the metadata: not all training images are known


def image_digests(images: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the hash of each image, (N,): the first 8 bytes of BLAKE2b.

    The hash of a floating-point image is that of the image rounded to multiples of 1/255, so that
    it equals the hash of the same image as uint8.

    Args:
        images: inputs of the network, (N, C, H, W), uint8 or floating point.
    """
    digests: list[bytes] = []
    for at in range(0, len(images), _PART):
        part: Iterable[NDArray[Any]] = images[at : at + _PART]
        if images.dtype != np.uint8:
            levels = np.rint(images[at : at + _PART].astype(np.float64) * 255)
            part = map(_as_integers, levels)
        digests += [hashlib.blake2b(x.tobytes(), digest_size=8).digest() for x in part]
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def _as_integers(levels: NDArray[Any]) -> NDArray[Any]:
    """Return the levels of an image as uint8 if all are 0..255, otherwise as int32."""
    is_in_range = levels.size and levels.min() >= 0 and levels.max() <= 255
    return levels.astype("u1" if is_in_range else "<i4")


def digest_of_all(digests: NDArray[np.uint64]) -> str:
    """Return the SHA-256 of all hashes as 64 hexadecimal digits; the model file stores it."""
    return hashlib.sha256(digests.astype("<u8").tobytes()).hexdigest()


def write_digests(digests: NDArray[np.uint64], folder: Path) -> None:
    """Write the hashes of the training images into the folder of a run."""
    with replacing(folder / FILE) as temporary:
        np.save(temporary, digests)


def read_digests(file: Path, about: Mapping[str, Any]) -> NDArray[np.uint64] | None:
    """Return the hashes of the training images of a model, or None if they are unknown.

    Validation images count as training images, because they decided which weights were kept. The
    hashes are unknown if the model file has no file `FILE` of the same run beside it.

    Args:
        file: the model file.
        about: the metadata in the model file.
    """
    try:
        digests = np.load(file.with_name(FILE), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if digests.dtype != np.uint64 or digest_of_all(digests) != about.get("training_images"):
        return None
    return np.asarray(digests)


def trained_on(
    file: Path, about: Mapping[str, Any], images: NDArray[Any]
) -> NDArray[np.bool_] | None:
    """Return which images the model was trained on, (N,), or None if this is unknown.

    Validation images count as training images, because they decided which weights were kept.

    Args:
        file: the model file.
        about: the metadata in the model file.
        images: inputs of the network, (N, C, H, W).
    """
    digests = read_digests(file, about)
    return None if digests is None else np.isin(image_digests(images), digests)
