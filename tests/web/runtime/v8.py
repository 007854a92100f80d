"""Runs the JavaScript runtime in V8, without a browser.

Data are passed as JSON, in which Python and JavaScript write every double so that the other reads
the same number.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.classifier.architecture import _plain as plain_layer
from handgrad.javascript import bundle
from handgrad.layers import Array, Context, Layer, Params
from tests.extras import needs

FOLDER = Path(str(resources.files("handgrad"))) / "web" / "runtime"
GLUE = (Path(__file__).parent / "glue.js").read_text("utf-8")


class JavaScriptError(Exception):
    """An error that the runtime threw; `kind` is the name of its class."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Runtime:
    """The runtime, joined from the modules in a folder, in its own V8 context."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._v8 = needs("py_mini_racer").MiniRacer()
        atexit.register(self._v8.close)  # otherwise, the interpreter does not end
        self._v8.eval(bundle(folder / "index.js", "handgrad"))
        self._v8.eval(GLUE)

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Call a function of `tests` in glue.js with an object of these arguments."""
        text = self._v8.call("call_json", name, json.dumps(_plain(arguments)))
        answer = json.loads(text)
        if "error" in answer:
            raise JavaScriptError(answer["error"], answer["kind"])
        return _arrays(answer["result"])

    def eval(self, code: str) -> Any:
        """Evaluate JavaScript code."""
        return self._v8.eval(code)

    def close(self) -> None:
        """Free the memory."""
        atexit.unregister(self._v8.close)
        self._v8.close()


@cache
def runtime() -> Runtime:
    """Return the runtime of the package."""
    return Runtime()


def layer_data(layer: Layer, params: Params, X: Array, ctx: Context, dY: Array) -> dict[str, Any]:
    """Return the arguments of `tests.layer` in glue.js."""
    return {
        "layer": plain_layer(layer), "params": params, "X": X, "dY": dY, "ctx": ctx._asdict(),
    }  # fmt: skip


def settings_of(rule: Any) -> dict[str, Any]:
    """Return the settings of a loss or an optimizer by name."""
    return {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)}


def _plain(value: Any) -> Any:
    """Convert arrays and nested objects to data that JSON can represent."""
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "data": value.ravel().tolist()}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _arrays(value: Any) -> Any:
    """Convert {shape, data} back to arrays in the data that glue.js returned."""
    if isinstance(value, dict) and value.keys() == {"shape", "data"}:
        return np.array(value["data"], np.float64).reshape(value["shape"])
    if isinstance(value, dict):
        return {name: _arrays(item) for name, item in value.items()}
    return [_arrays(item) for item in value] if isinstance(value, list) else value
