"""One picture from a PNG or JPEG file, in the form that a network takes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from handgrad.errors import DataError
from handgrad.layers import Shape


def read_picture(path: Path, shape: Shape, *, invert: bool = False) -> NDArray[np.uint8]:
    """Return the picture (C, H, W) in a file, resized to what a network takes.

    It is turned as its EXIF entry says; what is transparent becomes white.

    Args:
        path: a PNG or JPEG file.
        shape: what the network takes, (C, H, W): grey where C is 1, red, green and blue where 3.
        invert: make light what is dark. The MNIST family has light ink on dark ground.

    Raises:
        DataError: if the file cannot be read as a picture, or the network takes none.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise DataError(f"{path}: a picture has 1 or 3 channels, but the network takes {shape}")
    C, H, W = shape
    try:
        with _no_bombs(), Image.open(path, formats=("PNG", "JPEG")) as image:
            opaque = _on_white(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file; give a picture, or the number of a test picture"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(f"{path}: is too large to be read safely; make it smaller") from None
    except (OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or "not a whole PNG or JPEG picture"
        raise DataError(f"{path}: cannot be read ({reason}); give a PNG or JPEG file") from None
    small = opaque.convert("L" if C == 1 else "RGB").resize((W, H), Image.Resampling.BOX)
    pixels: NDArray[Any] = np.asarray(small, np.uint8).reshape(H, W, C).transpose(2, 0, 1)
    return 255 - pixels if invert else pixels.copy()


@contextmanager
def _no_bombs() -> Iterator[None]:
    """Refuse a picture of more pixels than Pillow finds safe, where it would only warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _on_white(image: Image.Image) -> Image.Image:
    """Return a picture as 8-bit colours without transparency."""
    if image.mode.startswith("I"):  # 16 bits, which `convert` would clip
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    colours = image.convert("RGBA")
    ground = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(ground, colours).convert("RGB")
