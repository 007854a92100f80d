"""Reads and writes checkpoint files.

A checkpoint is a safetensors file. Its tensors are the arrays of a `RunState`; its metadata is
the rest of the state as JSON, and a SHA-256 hash of the tensors and the JSON. The file is written
under a temporary name and then renamed, so that it is never incomplete; the hash detects later
damage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from handgrad.errors import StorageError
from handgrad.files import check_is_file, replacing
from handgrad.train.checkpoint.state import RunState, numbers, state_of, tensors

FORMAT = 2


class FormatError(StorageError):
    """Raised if a checkpoint is intact, but was written by another version of handgrad."""


def write_checkpoint(path: Path, state: RunState, about: Mapping[str, Any]) -> None:
    """Write the state of a run to a checkpoint file, either completely or not at all.

    Args:
        path: the path of the checkpoint file.
        state: the state of the run.
        about: additional information to store in the file, as JSON values.

    Raises:
        StorageError: if the file cannot be written.
    """
    named = tensors(state)
    text = json.dumps({"format": FORMAT, "state": numbers(state), "about": dict(about)})
    with replacing(path) as temporary:
        temporary.write_bytes(save(named, {"handgrad": text, "sha256": _digest(named, text)}))


def read_checkpoint(path: Path) -> tuple[RunState, dict[str, Any]]:
    """Return the state and the additional information in a checkpoint file.

    Raises:
        StorageError: if the file cannot be read, is corrupted, or is not a checkpoint.
    """
    try:
        check_is_file(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, LookupError, AttributeError) as error:
        what = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: damaged ({what})") from None
    text = metadata.get("handgrad", "")
    if metadata.get("sha256") != _digest(named, text):
        raise StorageError(f"{path}: damaged, its SHA-256 does not match")
    try:
        content = json.loads(text)
        if (written := content["format"]) != FORMAT:
            raise FormatError(
                f"{path}: has format {written}, but this version of handgrad reads {FORMAT}; "
                "resume with the version that wrote it, or start the run again"
            )
        if not isinstance(about := content["about"], dict):
            raise ValueError(f"about must be a table, not {about!r:.40}")
        return state_of(named, content["state"]), about
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise StorageError(f"{path}: its metadata is invalid ({what})") from None


def _digest(named: Mapping[str, NDArray[Any]], text: str) -> str:
    """Return the SHA-256 hash of named arrays and a string, in hexadecimal."""
    sha = hashlib.sha256(text.encode())
    for name, array in sorted(named.items()):
        sha.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
