"""Convert raw images to the input of a network, as its training images were converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handgrad.data import Dataset
from handgrad.data.images import as_array, check_images, pixels_of
from handgrad.errors import DataError
from handgrad.network import Network
from handgrad.pixel_range import (
    AS_THEY_ARE,
    BYTES,
    PixelRange,
    RangeLike,
    as_bytes,
    given_range,
)

if TYPE_CHECKING:
    from handgrad.preprocess import Preprocessing


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


def preprocessed(
    preprocessing: Preprocessing,
    trained: PixelRange | None,
    images: ArrayLike | Dataset,
    pixel_range: RangeLike = None,
) -> NDArray[Any]:
    """Preprocess images for a model whose training arrays were preprocessed.

    The images of a data set are used as they are if they are the results of these steps already.

    Args:
        preprocessing: the steps.
        trained: the range of the training images, or None if it was not recorded.
        images: the images, of any size: a data set, or an array as in `raw_bytes`.
        pixel_range: the values of black and white in an array; or "raw" for an input of the
            network; or None to recognize the range.

    Raises:
        DataError: if the images cannot be preprocessed.
    """
    if isinstance(images, Dataset):
        if images.pixel_range.is_known:
            return images.preprocessed(preprocessing).images
        try:
            return preprocessed(preprocessing, trained, images.images)
        except DataError as error:
            raise DataError(f"{images.name}: {error}") from None
    if isinstance(pixel_range, str) and pixel_range == AS_THEY_ARE:
        return as_array(images)
    return preprocessing.apply_to_arrays(raw_bytes(trained, images, pixel_range))


def raw_bytes(
    trained: PixelRange | None, images: ArrayLike, pixel_range: RangeLike = None
) -> NDArray[np.uint8]:
    """Return images as (N, C, H, W) uint8 0..255, as image files would contain them.

    Args:
        trained: the range of the training images, or None if it was not recorded.
        images: the images, (N, H, W), (N, C, H, W) or (N, H, W, C) with 1, 3 or 4 channels.
        pixel_range: the values of black and white, or None to recognize the range.

    Raises:
        DataError: if the range is in doubt, or the array does not contain images.
    """
    X = as_array(images)
    if X.ndim == 3 and X.shape[2] in (3, 4):
        raise DataError(
            f"the array {X.shape} may be one image in colour or many narrow ones; give one image "
            "as images[None], and narrow images as (N, 1, H, W)"
        )
    given = given_range(pixel_range, X)
    if given is None and X.dtype.kind in "buif":
        given = (trained or BYTES).of_new_images(X)
    pixels, known = pixels_of(X, given)
    check_images(pixels)
    if not known.is_known:
        raise DataError(
            f"the images have values {known} of no known range, so they cannot be preprocessed; "
            "give the values of black and white, such as pixel_range=(0, 255)"
        )
    return as_bytes(pixels)


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
