"""The one file: a network with its weights, its architecture and the names of its classes.

A safetensors file. Its tensors are the network's arrays; its metadata holds one entry,
"handgrad", with the rest as JSON. Loading reads values and names, and never runs code.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from handgrad import layers
from handgrad.errors import ModelError
from handgrad.files import replacing
from handgrad.layers import Layer
from handgrad.network import Network, layer_name

FORMAT = 1

# What a description that was tampered with may raise when a network is built of it.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    ModelError,
    RecursionError,
    TypeError,
    ValueError,
)

_KINDS: dict[str, Any] = {
    name: value
    for name, value in vars(layers).items()
    if isinstance(value, type) and dataclasses.is_dataclass(value)
}


def save_model(net: Network, path: str | Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a network to a file, whole or not at all.

    Args:
        net: the network.
        path: where to; the suffix must be .safetensors.
        about: what else to remember, as JSON can hold it: the data, the recipe, the scores.

    Raises:
        ModelError: if the path has another suffix, or a layer is not one of handgrad's.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: a model file must be named something.safetensors")
    description = {
        "format": FORMAT,
        "layers": [_described(net, index) for index in range(len(net.layers))],
        "shape": net.shape,
        "classes": net.classes,
        "dtype": net.dtype.name,
        "measured": net.measured,
        "about": dict(about or {}),
    }
    try:
        text = json.dumps(description)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: about holds what JSON cannot ({error}); leave it out") from None
    with replacing(path) as temporary:
        temporary.write_bytes(save(net.arrays, {"handgrad": text}))


def load_model(path: str | Path) -> Network:
    """Return the network that a file holds.

    Raises:
        ModelError: if the file is missing, damaged, not ours, or from a newer handgrad.
    """
    description, arrays = _read(Path(path))
    try:
        _check_sizes(description["layers"], max([10_000, *(a.size for a in arrays.values())]))
        net = Network(
            [_built(entry) for entry in description["layers"]],
            description["shape"],
            description["classes"],
            dtype=description["dtype"],
            arrays=arrays,
        )
        net.measured = bool(description["measured"])
        for name, array in net.arrays.items():
            if not np.isfinite(array).all():
                raise ModelError(f"array {name} holds NaN or infinity")
    except _DAMAGE as error:
        missing = isinstance(error, KeyError)
        what = f"{error} is missing" if missing else str(error) or type(error).__name__
        raise ModelError(f"{path}: its description does not hold together: {what}") from None
    return net


def about_model(path: str | Path) -> dict[str, Any]:
    """Return what a model file remembers beside the network: see `save_model`."""
    description, _ = _read(Path(path))
    about: dict[str, Any] = description["about"]
    return about


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the arrays of a model file."""
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give another path") from None
    if is_folder:
        raise ModelError(f"{path}: this is a folder; give the .safetensors file in it")
    if not is_file:
        raise ModelError(f"{path}: there is no such file; give the path of a saved model")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("handgrad")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({error}); save it again") from None
    if text is None:
        raise ModelError(f"{path}: not saved by handgrad; it has no description of the network")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        description = None
    if not isinstance(description, dict) or not isinstance(description.get("about"), dict):
        raise ModelError(f"{path}: its description of the network is damaged; save it again")
    if (written := description.get("format")) != FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        cure = "install a newer handgrad" if newer else "save it again"
        raise ModelError(f"{path}: its format is {written!r}, this handgrad reads {FORMAT}; {cure}")
    return description, arrays


def _described(net: Network, index: int) -> dict[str, Any]:
    """Return a layer of the network as JSON can hold it."""
    layer = net.layers[index]
    if _KINDS.get(type(layer).__name__) is not type(layer):
        raise ModelError(
            f"layer {layer_name(net.layers, index)} is not one of handgrad's and cannot be "
            "described in a file; keep its arrays with net.snapshot() instead"
        )
    described: dict[str, Any] = _plain(layer)
    return described


def _plain(value: Any) -> Any:
    """Return a value made of dataclasses and tuples as JSON can hold it."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _check_sizes(value: Any, most: int) -> None:
    """Raise a ModelError if a layer is larger than any array in the file: it would fill memory."""
    if isinstance(value, int | float) and value > most:
        raise ModelError(f"a size of {value:g} is larger than anything in the file")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_sizes(item, most)


def _built(value: Any) -> Any:
    """Return what `_plain` described."""
    if isinstance(value, dict):
        fields = {name: _built(item) for name, item in value.items() if name != "kind"}
        if value.get("kind") not in _KINDS:
            raise ModelError(f"there is no layer {value.get('kind')!r}")
        built: Layer = _KINDS[value["kind"]](**fields)
        return built
    if isinstance(value, list):
        return tuple(_built(item) for item in value)
    return value
