"""The registry of layers: every layer class is registered by a decorator at its definition.

Packages that need code for each layer class keep it in a table keyed by these classes: PyTorch
modules (`engines/torch/modules.py`), ONNX (`export/onnx.py`), kernels (`engines/compiled/lower`)
and test cases (`gradient_check/registry.py`). A test compares the tables with this registry.
"""

from __future__ import annotations

from typing import Any, TypeVar

LayerClass = TypeVar("LayerClass", bound=type[Any])

LAYER_CLASSES: dict[str, type[Any]] = {}


def register(cls: LayerClass) -> LayerClass:
    """Class decorator that adds a layer class to the registry under its name."""
    LAYER_CLASSES[cls.__name__] = cls
    return cls
