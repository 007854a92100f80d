"""`handgrad models`."""

from __future__ import annotations

import inspect

from handgrad.cli.options import Json
from handgrad.cli.screen import Screen, table

SHAPE, CLASSES = (1, 28, 28), 10


def models(*, json: Json = False) -> None:
    """List the built-in networks and their numbers of parameters and multiply-adds.

    The numbers apply to 28x28 images and 10 classes.
    """
    from handgrad.models import MODELS
    from handgrad.network import Network

    found = []
    for name, architecture in MODELS.items():
        summary = Network(architecture(), SHAPE, CLASSES).summary()
        found.append(
            {
                "name": name,
                "parameters": summary.parameters,
                "multiply_adds": summary.multiply_adds,
                "description": (inspect.getdoc(architecture) or "").partition("\n")[0].rstrip("."),
            }
        )
    screen = Screen()
    if json:
        screen.json({"models": found})
        return
    rows = [
        (m["name"], f"{m['parameters']:,}", f"{m['multiply_adds']:,}", m["description"])
        for m in found
    ]
    screen.result(table(["name", ">parameters", ">multiply-adds", "description"], rows))
