"""Images with random augmentation."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from handgrad.data.augment import Augmentation
from handgrad.data.images import as_images
from handgrad.errors import DataError
from handgrad.plots.arguments import as_displayable
from handgrad.plots.labels import SMALL, text_style
from handgrad.plots.layout import HEADING_HEIGHT, axes_at, headed_figure

MAX_IMAGES = 20  # images in one figure
EPOCHS = 9

_SIDE, _GAP, _LINE = 0.8, 0.1, 0.25  # inches


def augmented(images: ArrayLike, augmentation: Augmentation, *, seed: int = 0) -> Figure:
    """Draw each image next to its augmented versions from nine epochs.

    If there are more than 20 images, only the first 20 are drawn.

    Args:
        images: images of shape (N, C, H, W), where C is 1 or 3.
        augmentation: the augmentation to apply.
        seed: the seed for the random augmentation, as in a training run.

    Raises:
        DataError: if `images` does not contain images, or is empty.
    """
    X = as_images(images)[:MAX_IMAGES]
    if not len(X):
        raise DataError("there are no images; pass at least one")
    seen = [X, *(augmentation.apply(X, seed=seed, epoch=e + 1) for e in range(EPOCHS))]
    columns = np.stack([as_displayable(each) for each in seen], axis=1)
    across, down = _SIDE + _GAP, _SIDE * X.shape[2] / X.shape[3] + _GAP
    figure = headed_figure(
        "augmentation: the original image, and its versions in nine epochs",
        (1 + EPOCHS) * across + 2 * _GAP,
        len(X) * down + HEADING_HEIGHT + _LINE,
    )
    axes = axes_at(figure, _GAP, _GAP / 2, (1 + EPOCHS) * across, len(X) * down)
    axes.set(xlim=(0, (1 + EPOCHS) * across), ylim=(0, len(X) * down), autoscale_on=False)
    axes.set_axis_off()
    high = 255 if X.dtype == np.uint8 else 1
    for row, versions in enumerate(columns):
        for column, image in enumerate(versions):
            left, below = column * across, (len(X) - 1 - row) * down
            place = (left, left + across - _GAP, below, below + down - _GAP)
            axes.imshow(_shown(image, high), extent=place, aspect="auto", interpolation="none")
    words = {"ha": "left", "va": "bottom"} | text_style(SMALL - 1)
    axes.text(0, len(X) * down + _GAP / 2, str(augmentation).replace(",", "  "), **words)
    return figure


def _shown(image: NDArray[Any], high: int) -> NDArray[Any]:
    """Return an image as RGB values from 0 to 1."""
    image = image / high
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
