"""What a test needs that an extra of handgrad brings."""

from typing import Any

import pytest

EXTRAS = {"torch": "torch", "onnx": "onnx", "onnxruntime": "onnx", "tensorboardX": "tensorboard"}
EXTRAS |= {"mlflow": "mlflow"}


def needs(module: str) -> Any:
    """Return a module, or skip the test and say which extra has it."""
    said = f"{module} is not installed: pip install 'handgrad[{EXTRAS[module]}]'"
    return pytest.importorskip(module, reason=said)
