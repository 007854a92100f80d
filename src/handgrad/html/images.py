"""Images as data URIs, so that a page needs no other files."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def data_uri(content: bytes, media_type: str = "image/png") -> str:
    """Encode a file as a data URI.

    Args:
        content: the bytes of the file, for example from `handgrad.plots.rendered`.
        media_type: the media type of the file.
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def image_uri(pixels: NDArray[Any]) -> str:
    """Encode an image of a data set as a PNG data URI.

    Args:
        pixels: the image, (C, H, W), grayscale or RGB, uint8 or floating point from 0 to 1.
    """
    values = pixels if pixels.dtype == np.uint8 else 255 * np.clip(pixels, 0, 1)
    return png_uri(np.broadcast_to(values.transpose(1, 2, 0)[..., :3], (*values.shape[1:], 3)))


def png_uri(colours: NDArray[Any]) -> str:
    """Encode RGB values (H, W, 3), 0 to 255, as a PNG data URI."""
    file = io.BytesIO()
    Image.fromarray(np.round(colours).astype(np.uint8)).save(file, "PNG")
    return data_uri(file.getvalue())
