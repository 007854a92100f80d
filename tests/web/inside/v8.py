"""Runs the computing modules of the view Inside in V8, without a browser."""

from __future__ import annotations

import atexit
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.classifier.architecture import describe
from handgrad.javascript import bundle
from handgrad.network import Network
from tests.extras import needs

ENTRY = Path(str(resources.files("handgrad"))) / "web" / "page" / "inside" / "analysis.js"
GLUE = (Path(__file__).parent / "glue.js").read_text("utf-8")


@cache
def _v8() -> Any:
    v8 = needs("py_mini_racer").MiniRacer()
    atexit.register(v8.close)  # otherwise, the interpreter does not end
    v8.eval(bundle(ENTRY, "inside"))
    v8.eval(GLUE)
    return v8


def call(name: str, **arguments: Any) -> Any:
    """Call a function of `tests` in glue.js with an object of these arguments."""
    answer = json.loads(_v8().call("call_json", name, json.dumps(arguments)))
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["result"]


def plain(array: Any) -> dict[str, Any]:
    """Return an array as data for JSON."""
    array = np.asarray(array)
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def load(net: Network) -> None:
    """Build a network in JavaScript with the same arrays."""
    description = describe(net) | {"classes": list(range(net.classes))}
    call(
        "network",
        description=description,
        arrays={name: plain(array) for name, array in net.arrays.items()},
    )
