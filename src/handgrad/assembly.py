"""What a network is given, checked and completed before anything is built of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad.class_names import Label, class_names
from handgrad.errors import DataError, ModelError
from handgrad.init import Initializer
from handgrad.layers import Dense, Layer, Normalize, Shape, inner_layers

MOST_CLASSES = 100_000


def as_shape(shape: Sequence[int]) -> Shape:
    """Return the shape of one image as whole numbers of at least 1."""
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ModelError(f"shape must be sizes of at least 1, such as (1, 28, 28), not {shape}")
    return sizes


def as_classes(classes: Sequence[Label] | int) -> tuple[Label, ...]:
    """Return what the classes are called: 0..K-1 where only their number is given."""
    if isinstance(classes, Integral) and int(classes) > MOST_CLASSES:
        raise ModelError(f"classes must be at most {MOST_CLASSES:,}, not {int(classes):,}")
    try:
        names = range(int(classes)) if isinstance(classes, Integral) else classes
        labels = class_names(names)  # type: ignore[arg-type]
    except DataError as error:
        raise ModelError(str(error)) from None
    except TypeError:
        raise ModelError(f"classes must be their names or their number, not {classes!r}") from None
    if len(labels) < 2:
        raise ModelError(f"a classifier needs at least 2 classes, not {len(labels)}")
    return labels


def as_dtype_of_network(dtype: DTypeLike) -> np.dtype[Any]:
    """Return float32 or float64."""
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = None
    if known not in (np.float32, np.float64):
        raise ModelError(f"dtype must be float32 or float64, not {dtype!r}")
    return known


def complete(layers: Sequence[Layer], classes: int) -> tuple[Layer, ...]:
    """Return the layers, checked; a last Dense that left its units open gets one for each class."""
    layers = tuple(layers)
    if not layers:
        raise ModelError("a network needs at least one layer; give it Flatten() and Dense()")
    for layer in layers:
        _check(layer)
    *before, last = layers
    if isinstance(last, Dense) and last.units is None:
        last = dataclasses.replace(last, units=classes)
    return *before, last


def _check(layer: Layer) -> None:
    """Raise a ModelError unless this is a layer, and what is inside it are layers."""
    if isinstance(layer, type):
        raise ModelError(f"{layer.__name__} is a class, not a layer; write {layer.__name__}()")
    if not isinstance(layer, Layer):
        raise ModelError(f"{layer!r} is not a layer: it lacks init, forward or backward")
    name = type(layer).__name__
    initializer = getattr(layer, "initializer", None)
    if isinstance(initializer, type) or not isinstance(initializer, Initializer | None):
        raise ModelError(f"initial of {name} must be such as HeNormal(), not {initializer!r}")
    for inner in inner_layers(layer):
        _check(inner)
        if isinstance(inner, Normalize) and None in (inner.mean, inner.std):
            raise ModelError(
                f"a Normalize inside {name} is not measured; "
                "give it mean and std, or make it a layer of the network itself"
            )
