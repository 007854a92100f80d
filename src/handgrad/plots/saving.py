"""Saves figures as files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from handgrad.errors import ConfigError
from handgrad.files import replacing

SUFFIXES = (".png", ".svg")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG or SVG, depending on the suffix of `path`, completely or not at all.

    Missing folders are created. The same figure always results in the same bytes.

    Raises:
        ConfigError: if the suffix is not one of `SUFFIXES`.
        StorageError: if the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(f"{path}: the name of a figure must end in {' or '.join(SUFFIXES)}")
    with replacing(path) as part:
        part.write_bytes(rendered(figure, suffix))


def rendered(figure: Figure, suffix: str = ".png") -> bytes:
    """Render a figure to the bytes of a file; the same figure always results in the same bytes.

    Args:
        figure: the figure.
        suffix: the suffix of the file format, one of `SUFFIXES`.
    """
    metadata = {"Software": None} if suffix == ".png" else {"Creator": None, "Date": None}
    settings: dict[Any, Any] = {"svg.hashsalt": "handgrad", "image.composite_image": False}
    with matplotlib.rc_context(settings), io.BytesIO() as file:
        figure.savefig(file, format=suffix[1:], dpi=150, metadata=metadata)
        return file.getvalue()
