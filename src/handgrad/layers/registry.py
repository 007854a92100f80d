"""The registry of layers: every layer class declares itself where it is defined.

A package that treats layers one by one keeps one table keyed by these classes: PyTorch modules
(`engines/torch/modules.py`), ONNX (`export/onnx.py`), kernels (`engines/compiled/lower`) and cases
to check (`gradient_check/registry.py`). A test compares the tables with this registry.
"""

from __future__ import annotations

from typing import Any, TypeVar

LayerClass = TypeVar("LayerClass", bound=type[Any])

LAYER_CLASSES: dict[str, type[Any]] = {}


def register(cls: LayerClass) -> LayerClass:
    """Add a layer class to the registry under its name: a class decorator."""
    LAYER_CLASSES[cls.__name__] = cls
    return cls
