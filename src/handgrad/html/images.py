"""Images as addresses that hold them, so that a page needs no other file."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def address(content: bytes, kind: str = "image/png") -> str:
    """Return the data address of a file's content.

    Args:
        content: the file, such as `handgrad.plots.rendered` returns.
        kind: its media type.
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def image(pixels: NDArray[Any]) -> str:
    """Return an image (C, H, W) of a data set as a data address, gray or in colour."""
    values = pixels if pixels.dtype == np.uint8 else 255 * np.clip(pixels, 0, 1)
    return png(np.broadcast_to(values.transpose(1, 2, 0)[..., :3], (*values.shape[1:], 3)))


def png(colours: NDArray[Any]) -> str:
    """Return colours (H, W, 3), 0..255, as the data address of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(np.round(colours).astype(np.uint8)).save(file, "PNG")
    return address(file.getvalue())
