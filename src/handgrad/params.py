"""Named arrays, either as a tree for nested layers or as a flat mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.errors import ModelError
from handgrad.layers import Array, Params


class Arrays(dict[str, Array]):
    """A mapping from names to arrays. Assignment copies the values into the existing array.

    >>> arrays = Arrays(weight=np.zeros(2))
    >>> weight = arrays["weight"]
    >>> arrays["weight"] = np.ones(2)
    >>> weight
    array([1., 1.])

    Raises:
        ModelError: if there is no array with the assigned name, or the shapes differ.
    """

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self:
            raise ModelError(f"there is no array {name!r}; choose one of {', '.join(self)}")
        own, shape = self[name], np.shape(value)
        if shape not in (own.shape, ()):
            raise ModelError(
                f"array {name} has shape {own.shape}, so it cannot be set to an array of {shape}"
            )
        own[...] = value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def flatten(params: Params, prefix: str = "") -> Arrays:
    """Return the arrays of a tree by their full names, such as "3.body.0.weight"."""
    flat: dict[str, Array] = {}
    for name, value in params.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return Arrays(flat)


def as_dtype(params: Params, dtype: np.dtype[Any]) -> Params:
    """Return a tree with C-contiguous copies of all arrays in `dtype`."""
    return {
        name: as_dtype(value, dtype) if isinstance(value, dict) else value.astype(dtype, order="C")
        for name, value in params.items()
    }


def replace_leaves(params: Params, arrays: Mapping[str, Array], prefix: str = "") -> Params:
    """Return a tree with the same structure in which the arrays are replaced by the given ones."""
    return {
        name: replace_leaves(value, arrays, f"{prefix}{name}.")
        if isinstance(value, dict)
        else arrays[prefix + name]
        for name, value in params.items()
    }


def check_same_structure(own: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    """Raise a ModelError unless two sets of arrays have the same names and shapes."""
    if set(arrays) != set(own):
        name = min(set(arrays) ^ set(own))
        problem = "missing" if name in own else "not in this network"
        raise ModelError(f"array {name} is {problem}; are the arrays from another architecture?")
    for name, array in arrays.items():
        if np.shape(array) != own[name].shape:
            shape = own[name].shape
            raise ModelError(f"array {name} has shape {np.shape(array)}, but must be {shape}")


class ZeroGenerator(np.random.Generator):
    """A random generator that returns zeros without allocating memory; the zeros are replaced.

    The shapes stored in a corrupted file may be huge, so no array of such a shape is allocated.
    """

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Return an array of zeros with the shape `size`."""
        return np.broadcast_to(np.float64(0), size)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Return an array of zeros with the shape `size`."""
        return np.broadcast_to(np.float64(0), size)
