"""Conversion of a network's architecture to and from JSON, without running code from a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handgrad import init
from handgrad import layers as layers_module
from handgrad.errors import ModelError
from handgrad.layers import Array, Layer
from handgrad.network import Network, layer_name

KINDS: dict[str, Any] = {
    name: value
    for name, value in {**vars(layers_module), **vars(init)}.items()
    if isinstance(value, type) and dataclasses.is_dataclass(value)
}


def describe(net: Network) -> dict[str, Any]:
    """Return a network's architecture as JSON data.

    Raises:
        ModelError: if a layer is not one of handgrad's own.
    """
    return {
        "layers": [_described(net.layers, index) for index in range(len(net.layers))],
        "shape": list(net.shape),
        "dtype": net.dtype.name,
        "is_fitted": net.is_fitted,
    }


def build(description: Mapping[str, Any], arrays: Mapping[str, Array]) -> Network:
    """Build the network that a description defines, using the given arrays.

    A manipulated description may also raise errors of other types than those listed below.

    Args:
        description: the result of `describe`, with the class names added under "classes".
        arrays: the network's arrays by name.

    Raises:
        ModelError: if a layer is unknown or too large for the arrays, or an array is not finite.
    """
    _check_sizes(description["layers"], max([10_000, *(array.size for array in arrays.values())]))
    net = Network(
        [_built(entry) for entry in description["layers"]],
        description["shape"],
        len(description["classes"]),
        dtype=description["dtype"],
        arrays=arrays,
        is_fitted=bool(description["is_fitted"]),
    )
    check_finite(net)
    return net


def check_finite(net: Network) -> None:
    """Raise a ModelError if an array of a network contains NaN or infinity."""
    for name, array in net.arrays.items():
        if not np.isfinite(array).all():
            raise ModelError(f"array {name} contains NaN or infinity")


def _described(layers: Sequence[Layer], index: int) -> dict[str, Any]:
    """Return the layer at an index as JSON data."""
    layer = layers[index]
    if KINDS.get(type(layer).__name__) is not type(layer):
        raise ModelError(
            f"layer {layer_name(layers, index)} is not one of handgrad's and cannot be "
            "described in a file; save its arrays with net.snapshot() instead"
        )
    described: dict[str, Any] = _plain(layer)
    return described


def _plain(value: Any) -> Any:
    """Convert nested dataclasses and tuples to JSON data."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _check_sizes(value: Any, most: int) -> None:
    """To limit memory use, raise a ModelError if a layer is larger than every array in the file."""
    if isinstance(value, int | float) and value > most:
        raise ModelError(f"a size of {value:g} is larger than every array in the file")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_sizes(item, most)


def _built(value: Any) -> Any:
    """Convert the JSON data that `_plain` returned back to the original value."""
    if isinstance(value, dict):
        fields = {name: _built(item) for name, item in value.items() if name != "kind"}
        if value.get("kind") not in KINDS:
            raise ModelError(f"there is no layer {value.get('kind')!r}")
        built: Layer = KINDS[value["kind"]](**fields)
        return built
    if isinstance(value, list):
        return tuple(_built(item) for item in value)
    return value
