"""The checks of the arguments of `Network`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handgrad.errors import ModelError
from handgrad.init import Initializer
from handgrad.layers import Dense, Layer, Normalize, Shape, inner_layers

MAX_CLASSES = 100_000


def as_shape(shape: Sequence[int]) -> Shape:
    """Check the shape of one image, and return it as a tuple of integers of at least 1."""
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise ModelError(
            f"the shape must contain integers of at least 1, such as (1, 28, 28), not {shape}"
        )
    return sizes


def as_class_count(classes: object) -> int:
    """Check the number of classes, and return it as an int."""
    if isinstance(classes, str | Sequence | np.ndarray):
        raise ModelError(
            "the classes argument of Network is a number, such as classes=10; "
            "a Classifier has class names: hg.Classifier(network, names)"
        )
    if classes is True or classes is False or not isinstance(classes, Integral):
        raise ModelError(f"classes must be an integer of at least 2, not {classes!r}")
    if int(classes) < 2:
        raise ModelError(f"a classifier needs at least 2 classes, not {int(classes)}")
    if int(classes) > MAX_CLASSES:
        raise ModelError(f"classes must be at most {MAX_CLASSES:,}, not {int(classes):,}")
    return int(classes)


def as_network_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Check that a dtype is float32 or float64, and return it."""
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = None
    if known not in (np.float32, np.float64):
        raise ModelError(f"dtype must be float32 or float64, not {dtype!r}")
    return known


def complete_layers(layers: Sequence[Layer], classes: int) -> tuple[Layer, ...]:
    """Check and return the layers; if the last is Dense() without units, set one unit per class."""
    layers = tuple(layers)
    if not layers:
        raise ModelError("a network needs at least one layer; give it Flatten() and Dense()")
    for layer in layers:
        _check_layer(layer)
    *before, last = layers
    if isinstance(last, Dense) and last.units is None:
        last = dataclasses.replace(last, units=classes)
    return *before, last


def _check_layer(layer: Layer) -> None:
    """Raise a ModelError unless an object and everything nested inside it are layers."""
    if isinstance(layer, type):
        raise ModelError(f"{layer.__name__} is a class, not a layer; write {layer.__name__}()")
    if not isinstance(layer, Layer):
        raise ModelError(f"{layer!r} is not a layer: it has no init, forward or backward method")
    name = type(layer).__name__
    initializer = getattr(layer, "initializer", None)
    if isinstance(initializer, type) or not isinstance(initializer, Initializer | None):
        raise ModelError(
            f"initializer of {name} must be an initializer, such as HeNormal(), not {initializer!r}"
        )
    for inner in inner_layers(layer):
        _check_layer(inner)
        if isinstance(inner, Normalize) and None in (inner.mean, inner.std):
            raise ModelError(
                f"the Normalize inside {name} has no mean and std; "
                "set both, or make it a top-level layer of the network"
            )
