"""`handgrad models`."""

from __future__ import annotations

import inspect

from handgrad.cli.options import Json
from handgrad.cli.screen import Screen, table

SHAPE, CLASSES = (1, 28, 28), 10


def models(*, json: Json = False) -> None:
    """List the named networks, with their size for 28x28 images of 10 classes."""
    from handgrad.models import MODELS
    from handgrad.network import Network

    found = []
    for name, architecture in MODELS.items():
        summary = Network(architecture(), SHAPE, CLASSES).summary()
        words = (inspect.getdoc(architecture) or "").partition("\n")[0].removesuffix(".")
        rows.append((name, f"{summary.parameters:,}", f"{summary.multiply_adds:,}", words))
    Screen().result(table(["name", ">parameters", ">multiply-adds", "description"], rows))
