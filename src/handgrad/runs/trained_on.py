"""Find the images that a model was trained on, by their content.

The folder of a run has one 8-byte hash per training image, so that an image is recognized under
another name, in another folder or in another file format. The hashes are not in the model file,
which is often smaller than they are: 60,000 hashes take 480 kB.

A run that continues the training of a model also has the hashes of that model's training images. If
these are unknown, the metadata of the run say so under `INCOMPLETE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.files import replacing

FILE = "training-images.npy"
INCOMPLETE = "training_images_incomplete"  # in the metadata: not all training images are known


def image_digests(images: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the hash of each image, (N,): the first 8 bytes of BLAKE2b.

    The hash of a floating-point image is that of the image rounded to multiples of 1/255, so that
    it equals the hash of the same image as uint8.

    Args:
        images: inputs of the network, (N, C, H, W), uint8 or floating point.
    """
    digests = np.zeros(len(images), np.uint64)
    for n, x in enumerate(images):
        levels = x if x.dtype == np.uint8 else np.rint(x.astype(np.float64) * 255)
        content = levels.astype("<i4").tobytes()
        digests[n] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
    return digests


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
