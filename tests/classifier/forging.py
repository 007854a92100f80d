"""Helpers that edit model files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.numpy import save_file

from handgrad.classifier.model_file import digest
from handgrad.layers import Array


def forged(
    path: Path,
    *,
    description: Mapping[str, Any] = {},
    arrays: Mapping[str, Array] = {},
    drop: str | None = None,
    sealed: bool = True,
) -> Path:
    """Change entries of a model file, and either update or keep its digest."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    held = {name: value for name, value in {**held, **arrays}.items() if name != drop}
    text = json.dumps(json.loads(metadata["handgrad"]) | dict(description))
    old = metadata["digest"]
    save_file(held, path, {"handgrad": text, "digest": digest(text, held) if sealed else old})
    return path
