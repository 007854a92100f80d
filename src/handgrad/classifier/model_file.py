"""Reading and writing the model file, which is a single safetensors file.

Its tensors are the golden images and the network's arrays. The arrays have the names that PyTorch
expects in a ``state_dict``. The metadata has two entries: "handgrad", a description as JSON, and
"digest", the SHA-256 of the description and all tensors. Loading only reads values and names, and
never runs code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from handgrad.classifier.format_upgrades import FORMAT, upgrade
from handgrad.errors import ModelError
from handgrad.files import replacing
from handgrad.layers import Array

MODEL = "model.safetensors"  # the model file in the folder of a run
GOLDEN = "golden."


def check_suffix(path: Path) -> None:
    """Raise a ModelError unless a path ends in .safetensors."""
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: a model file must be named something.safetensors")


def write(path: Path, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a model file. If there is an error, an existing file is left unchanged.

    Raises:
        ModelError: if the description contains values that JSON cannot represent.
    """
    try:
        text = json.dumps({"format": FORMAT, **description})
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: about contains a value that JSON cannot represent ({error}); remove it"
        ) from None
    content = save(dict(arrays), {"handgrad": text, "digest": digest(text, arrays)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read(path: Path) -> tuple[Path, dict[str, Any], dict[str, Array], str]:
    """Return the path, the description, the arrays and the digest of a model file.

    Args:
        path: the file, or a folder that contains one named `MODEL`.

    Raises:
        ModelError: if the file is missing or corrupted, was not written by handgrad, or was written
            by a newer version.
    """
    path = _located(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path}: not a complete safetensors file ({error}); save it again"
        ) from None
    if (text := metadata.get("handgrad")) is None:
        raise ModelError(f"{path}: not saved by handgrad: it has no description of the network")
    description = _parsed(path, text)
    if (stored := metadata.get("digest")) != (found := digest(text, arrays)):
        raise ModelError(
            f"{path}: its digest is {stored!s:.12}, but that of its contents is {found:.12}: the "
            "file was changed or corrupted after it was saved; get it again"
        )
    upgrade(description, arrays)
    return path, description, arrays, found


def _located(path: Path) -> Path:
    """Return the path of the model file, given its path or the folder that contains it."""
    try:
        is_folder = path.is_dir()
        file = path / MODEL if is_folder else path
        is_file = file.is_file()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give another path") from None
    if is_file:
        return file
    if is_folder:
        raise ModelError(
            f"{path}: this folder has no {MODEL}; give a model file or the folder of a finished run"
        )
    raise ModelError(f"{path}: there is no such file; give the path of a saved model")


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """Parse a description from its JSON text, and check that its format is supported."""
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or not isinstance(description.get("about"), dict):
        raise ModelError(f"{path}: its description of the network is corrupted; save it again")
    written = description.get("format")
    if not isinstance(written, int) or isinstance(written, bool) or not 1 <= written <= FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        cure = "install a newer handgrad" if newer else "save it again"
        raise ModelError(
            f"{path}: its format is {written!r}, but this version of handgrad reads 1 to {FORMAT}; "
            f"{cure}"
        )
    return description


def digest(text: str, arrays: Mapping[str, Array]) -> str:
    """Return the SHA-256 of a description and its arrays, as 64 hexadecimal digits."""
    sha = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        sha.update(f"\n{name} {array.dtype.name} {list(array.shape)}\n".encode())
        sha.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return sha.hexdigest()
