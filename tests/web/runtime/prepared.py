"""Calls the preprocessing and the classifier of the JavaScript runtime in V8."""

from __future__ import annotations

import math
import shutil
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handgrad.preprocess import Preprocessing
from tests.web.runtime.v8 import FOLDER, Runtime

GLUE = (Path(__file__).parent / "prepared.js").read_text("utf-8")


class Prepared(NamedTuple):
    """What JavaScript made of an image: titles and images after each step, bytes, and problem."""

    stages: list[tuple[str, np.ndarray]]
    result: bytes
    problem: str | None


def with_glue(folder: Path = FOLDER) -> Runtime:
    """Return the runtime in a folder, with the functions of prepared.js."""
    js = Runtime(folder)
    js.eval(GLUE)
    return js


def with_fault(folder: Path, name: str, right: str, wrong: str) -> Runtime:
    """Return the runtime with an error: in the module `name`, a text is replaced.

    Args:
        folder: an empty folder for a copy of the modules.
        name: the path of the module in the runtime.
        right: the text, which must occur exactly once.
        wrong: what it is replaced by.
    """
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    module = folder / name
    text = module.read_text("utf-8")
    assert text.count(right) == 1, f"{right} occurs {text.count(right)} times in {name}"
    module.write_text(text.replace(right, wrong), "utf-8")
    return with_glue(folder)


@cache
def runtime() -> Runtime:
    """Return the runtime of the package, with the functions of prepared.js."""
    return with_glue()


def as_text(values: bytes) -> str:
    """Return bytes as a text with one letter per byte."""
    return values.decode("latin-1")


def as_image(X: np.ndarray) -> dict[str, Any]:
    """Return an image (H, W, C) or (H, W) in the form that prepared.js takes."""
    X = X if X.ndim == 3 else X[:, :, None]
    height, width, channels = X.shape
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "data": as_text(np.ascontiguousarray(X).tobytes()),
    }


def typed(X: np.ndarray) -> dict[str, Any]:
    """Return an array with its dtype in the form that prepared.js takes."""
    values = [
        x if math.isfinite(x) else str(x).replace("inf", "Infinity") for x in X.ravel().tolist()
    ]
    return {"shape": list(X.shape), "dtype": f"{X.dtype.name.title()}Array", "data": values}


def prepare(preprocessing: Preprocessing, X: np.ndarray, js: Runtime | None = None) -> Prepared:
    """Preprocess an image in JavaScript."""
    found = (js or runtime()).call("prepare", described=preprocessing.to_json(), image=as_image(X))
    stages = [
        (s["title"], np.frombuffer(s["data"].encode("latin-1"), np.uint8).reshape(s["size"]))
        for s in found["stages"]
    ]
    return Prepared(stages, found["result"].encode("latin-1"), found["problem"])


def difference(preprocessing: Preprocessing, X: np.ndarray, js: Runtime | None = None) -> str:
    """Return the first step whose result differs from Python's, or "" if there is none."""
    found, expected = prepare(preprocessing, X, js), preprocessing.stages(X)
    for (title, a), (wanted, b) in zip(found.stages, expected, strict=True):
        if title != wanted or not np.array_equal(a, b):
            return wanted
    result, problem = preprocessing.check(X)
    if found.result != result.tobytes():
        return "result"
    return "" if found.problem == problem else f"{found.problem} instead of {problem}"
