"""Skips tests whose optional dependencies are not installed."""

from importlib.util import find_spec
from typing import Any

import pytest

EXTRAS = {
    "torch": "torch",
    "onnxruntime": "onnx",
    "pillow_heif": "heic",
    "tensorboardX": "tensorboard",
    "mlflow": "mlflow",
    "py_mini_racer": "javascript",
}


def needs(module: str) -> Any:
    """Import and return a module, or skip the test and name the extra that installs it."""
    return pytest.importorskip(module, reason=reason(module))


def without(module: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test if a module is missing."""
    return pytest.mark.skipif(not find_spec(module), reason=reason(module))


def reason(module: str) -> str:
    """Return the reason for skipping a test if a module is missing."""
    return f"{module} is not installed: pip install 'handgrad[{EXTRAS[module]}]'"
