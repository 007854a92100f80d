"""Runs the JavaScript runtime in V8, without a browser, to check it with golden outputs."""

from __future__ import annotations

import atexit
import json
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from handgrad.errors import MissingExtraError, ModelError
from handgrad.export.html_file import HtmlFile, pack, page_script
from handgrad.layers import Array

_TEST = """
function selfTest(model, settings) {
  try {
    const bytes = handgradApp.modelBytes(model);
    const { selfTest, check_golden } = handgradApp;
    const found = settings ? selfTest(bytes, JSON.parse(settings)) : check_golden(bytes);
    const { right, count, difference, changed, logits } = found;
    return JSON.stringify({ right, count, difference, changed, logits });
  } catch (error) {
    return JSON.stringify({ error: error.message });
  }
}
"""


class GoldenCheck(NamedTuple):
    """What JavaScript found in the golden outputs of a model.

    Attributes:
        right: the number of golden images with the stored answer.
        total: the number of golden images.
        difference: the largest difference between a logit and its stored value, divided by the
            largest stored logit if that exceeds 1.
        changed: the components that have changed since the golden outputs were stored.
        logits: the logits of the golden images, (G, K).
    """

    right: int
    total: int
    difference: float
    changed: tuple[str, ...]
    logits: Array


def run_javascript(model: bytes) -> GoldenCheck:
    """Classify the golden images of a model file with the JavaScript runtime.

    Args:
        model: the bytes of the model file.

    Raises:
        MissingExtraError: if mini-racer is not installed.
        ModelError: if JavaScript cannot read the model.
    """
    return _run(page_script(), pack(model, level=0), "")


def run_html(page: HtmlFile) -> GoldenCheck:
    """Run the self-test of an exported HTML file, with the script that it contains.

    Raises:
        MissingExtraError: if mini-racer is not installed.
        ModelError: if the script fails.
    """
    return _run(page.script, page.packed, page.settings)


def _run(script: str, model: str, settings: str) -> GoldenCheck:
    found: dict[str, Any] = json.loads(_v8(script).call("selfTest", model, settings))
    if "error" in found:
        raise ModelError(found["error"])
    logits = np.array(found["logits"]["data"], np.float64).reshape(found["logits"]["shape"])
    return GoldenCheck(
        found["right"], found["count"], found["difference"], tuple(found["changed"]), logits
    )


@cache
def _v8(script: str) -> Any:
    """Return V8 with a script."""
    if find_spec("py_mini_racer") is None:
        raise MissingExtraError(
            'V8 is not installed; install it with pip install "handgrad[javascript]"'
        )
    from py_mini_racer import JSEvalException, MiniRacer

    v8 = MiniRacer()
    atexit.register(v8.close)  # otherwise, the interpreter does not end
    try:
        v8.eval(script)
        v8.eval(_TEST)
    except JSEvalException as error:
        raise ModelError(f"the JavaScript code is damaged ({error}); export it again") from None
    return v8
