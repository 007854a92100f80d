"""Arrays by name: a tree, as layers made of layers have it, and the same arrays side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers import Array, Params


class Arrays(dict[str, Array]):
    """Arrays by name. Setting one copies the values into the array that is there.

    >>> arrays = Arrays(weight=np.zeros(2))
    >>> kept = arrays["weight"]
    >>> arrays["weight"] = np.ones(2)
    >>> kept
    array([1., 1.])

    Raises:
        ModelError: if there is no array of that name, or its shape is another.
    """

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            raise ModelError(f"there is no array {name!r}; choose one of {', '.join(self)}")
        own, shape = self[name], np.shape(value)
        if shape not in (own.shape, ()):
            raise ModelError(f"array {name} is {own.shape}, and cannot be set to {shape}")
        own[...] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def flatten(tree: Params, prefix: str = "") -> Arrays:
    """Return the arrays of a tree under their full names, such as "3.body.0.weight"."""
    flat: dict[str, Array] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return Arrays(flat)


def as_dtype(tree: Params, dtype: np.dtype[Any]) -> Params:
    """Return a tree of copies in `dtype`, each in C's order: one that is read in line."""
    return {
        name: as_dtype(value, dtype) if isinstance(value, dict) else value.astype(dtype, order="C")
        for name, value in tree.items()
    }


def replace_leaves(tree: Params, arrays: Mapping[str, Array], prefix: str = "") -> Params:
    """Return a tree of the same names with these arrays in it."""
    return {
        name: replace_leaves(value, arrays, f"{prefix}{name}.")
        if isinstance(value, dict)
        else arrays[prefix + name]
        for name, value in tree.items()
    }


def check_same_structure(own: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    """Raise a ModelError unless two sets of arrays have the same names and shapes."""
    if set(arrays) != set(own):
        name = min(set(arrays) ^ set(own))
        trouble = "missing" if name in own else "not one of this network's"
        raise ModelError(f"array {name} is {trouble}; is it another architecture's?")
    for name, array in arrays.items():
        if np.shape(array) != own[name].shape:
            raise ModelError(f"array {name} is {np.shape(array)}, must be {own[name].shape}")


class ZeroGenerator(np.random.Generator):
    """Draws nothing: for a network whose arrays are known, and whose shapes may be a lie."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Return zeros of `size` that take no memory."""
        return np.broadcast_to(np.float64(0), size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Return zeros of `size` that take no memory."""
        return np.broadcast_to(np.float64(0), size)
