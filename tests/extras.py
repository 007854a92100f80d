"""What a test needs that an extra of handgrad brings."""

from importlib.util import find_spec
from typing import Any

import pytest

EXTRAS = {
    "torch": "torch",
    "onnxruntime": "onnx",
    "tensorboardX": "tensorboard",
    "mlflow": "mlflow",
}


def needs(module: str) -> Any:
    """Return a module, or skip the test and say which extra has it."""
    return pytest.importorskip(module, reason=reason(module))


def without(module: str) -> pytest.MarkDecorator:
    """Return the mark of a test that is skipped without a module."""
    return pytest.mark.skipif(not find_spec(module), reason=reason(module))


def reason(module: str) -> str:
    """Return why a test is skipped without a module."""
    return f"{module} is not installed: pip install 'handgrad[{EXTRAS[module]}]'"
