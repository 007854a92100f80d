"""The file that a run goes on from.

A safetensors file. Its tensors are a state's arrays; its metadata holds the rest as JSON, and a
SHA-256 of both. It is written beside its place and then moved there, so that it is there whole or
not at all; what the disk does to it later, the digest finds.
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
from handgrad.train.checkpoint.state import State, numbers, state_of, tensors

FORMAT = 1


class FormatError(StorageError):
    """A checkpoint is whole, and another version of handgrad wrote it."""


def write_checkpoint(path: Path, state: State, about: Mapping[str, Any]) -> None:
    """Write a state to a file, whole or not at all.

    Args:
        path: where to.
        state: where the run stands.
        about: what else to remember, as JSON can hold it.

    Raises:
        StorageError: if the file cannot be written.
    """
    named = tensors(state)
    text = json.dumps({"format": FORMAT, "state": numbers(state), "about": dict(about)})
    with replacing(path) as temporary:
        temporary.write_bytes(save(named, {"handgrad": text, "sha256": _digest(named, text)}))


def read_checkpoint(path: Path) -> tuple[State, dict[str, Any]]:
    """Return the state that a file holds, and what it remembers beside it.

    Raises:
        StorageError: if the file cannot be read, is not whole, or not a checkpoint.
    """
    try:
        check_is_file(path)
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            named = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError, LookupError, AttributeError) as error:
        what = getattr(error, "strerror", None) or error
        raise StorageError(f"{path}: not a whole file ({what})") from None
    text = metadata.get("handgrad", "")
    if metadata.get("sha256") != _digest(named, text):
        raise StorageError(f"{path}: its content is not what was written, by its SHA-256")
    try:
        content = json.loads(text)
        if (written := content["format"]) != FORMAT:
            raise FormatError(
                f"{path}: its format is {written}, this handgrad reads {FORMAT}; go on with the "
                "version of handgrad that wrote it"
            )
        if not isinstance(about := content["about"], dict):
            raise ValueError(f"about is {about!r:.40}")
        return state_of(named, content["state"]), about
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise StorageError(f"{path}: its description does not hold together ({what})") from None


def _digest(named: Mapping[str, NDArray[Any]], text: str) -> str:
    """Return the SHA-256 of arrays with their names, and of a text, as hexadecimal digits."""
    sha = hashlib.sha256(text.encode())
    for name, array in sorted(named.items()):
        sha.update(f"\0{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
