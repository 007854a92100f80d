"""Scale raw images to the input of a network, by the pixel range of its training images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data import Dataset
from handgrad.data.images import as_array
from handgrad.errors import DataError
from handgrad.network import Network
from handgrad.pixel_range import BYTES, PixelRange, RangeLike, given_range


def scaled_array(
    network: Network, trained: PixelRange | None, images: ArrayLike, pixel_range: RangeLike
) -> NDArray[Any]:
    """Convert an array of images to an input of a network.

    Args:
        network: the network.
        trained: the range of the training images, or None if it was not recorded. In this case,
            floating-point images are used as they are.
        images: the images, (N, C, H, W), (N, H, W, C), or (N, H, W) if C is 1.
        pixel_range: the values of black and white; or "raw" for an input of the network; or None to
            recognize the range.

    Raises:
        DataError: if the images have another shape than the network's input, or if their range is
            in doubt.
    """
    X = _channels_first(as_array(images), network)
    if X.dtype.kind not in "buif" or (trained is None and X.dtype.kind == "f" and not pixel_range):
        return network.as_images(X)
    given = given_range(pixel_range, X)
    if given is None:
        given = (trained or BYTES).of_new_images(X)
    check_can_scale(trained, given)
    is_input = given.is_known is False and X.dtype.kind == "f"
    return network.as_images(X if is_input else given.pixels(X))


def scaled_data(network: Network, trained: PixelRange | None, data: Dataset) -> NDArray[Any]:
    """Convert the images of a data set to an input of a network.

    Raises:
        DataError: if the images have another shape, or cannot be scaled like the training images.
    """
    try:
        if trained not in (None, data.pixel_range) and not data.pixel_range.is_known:
            return scaled_array(network, trained, data.images, None)
        check_can_scale(trained, data.pixel_range)
        return network.as_images(data.images)
    except DataError as error:
        raise DataError(f"{data.name}: {error}") from None


def check_can_scale(trained: PixelRange | None, given: PixelRange) -> None:
    """Raise a DataError if the range of the images is known, but not the range in training."""
    if trained is not None and given.is_known and not trained.is_known:
        raise DataError(
            f"the values {trained} of the training images were used as they are, so images of the "
            f"range {given} cannot be scaled to them; train on images with a known range, such as "
            "0..255 or 0..1"
        )


def _channels_first(X: NDArray[Any], network: Network) -> NDArray[Any]:
    """Return images (N, H, W, C) of the network's size as (N, C, H, W), and others unchanged."""
    shape = network.shape
    if X.ndim != 4 or X.shape[1:] == shape or X.shape[1:] != (*shape[1:], *shape[:1]):
        return X
    return np.ascontiguousarray(X.transpose(0, 3, 1, 2))
