"""The input of a hypothesis (`Evidence`) and its output (`Cause`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from handgrad.gradient_check.target import Point, differentiable
from handgrad.layers import Array, Layer

CLOSE = 1e-5  # central differences are accurate to 1e-9; a wrong cause is far off


class Cause(NamedTuple):
    """The likely cause of a wrong gradient.

    Attributes:
        name: the kind of error, in a few words.
        sentence: the error message for this case.
        tensor: the name of the array whose gradient is wrong.
    """

    name: str
    sentence: str
    tensor: str = ""


class Evidence(NamedTuple):
    """A wrong gradient, and everything that is known about it.

    Attributes:
        tensor: the name of the array whose gradient is wrong; "X" for the examples.
        layer: the layer whose gradient is wrong.
        point: the point at which the gradient was computed.
        Y: the layer's output at that point.
        ours: all gradients that backward returned, by name.
        right: all right gradients, by name.
    """

    tensor: str
    layer: Layer
    point: Point
    Y: Array
    ours: Mapping[str, Array]
    right: Mapping[str, Array]

    @property
    def actual(self) -> Array:
        """The wrong gradient."""
        return self.ours[self.tensor]

    @property
    def expected(self) -> Array:
        """The right gradient."""
        return self.right[self.tensor]

    @property
    def value(self) -> Array:
        """The array whose gradient is wrong."""
        return differentiable(self.layer, self.point)[self.tensor]

    def fits(self, gradient: Array) -> bool:
        """Return whether a hypothetical gradient equals the wrong one up to rounding."""
        return close(gradient, self.actual)

    @property
    def sizes(self) -> dict[str, int]:
        """The counts by which a mean could divide, by name, such as the batch size; not 1."""
        X, Y = self.point.X, self.Y
        kernel = getattr(self.layer, "kernel", 1)
        counted = {
            "examples": len(X),
            "elements of the window": int(np.prod((kernel, kernel)))
            if isinstance(kernel, int)
            else int(np.prod(kernel)),
            "pixels": int(np.prod(X.shape[2:])),
            "pixels of the output": int(np.prod(Y.shape[2:])),
            "examples and pixels": int(np.prod(X.shape)) // X.shape[1] if X.ndim > 1 else len(X),
            "elements of an example": int(np.prod(X.shape[1:])),
            "elements of the batch": X.size,
            "outputs": int(np.prod(Y.shape[1:])),
        }
        return {name: count for name, count in counted.items() if count > 1}


def close(one: Array, other: Array, bound: float = CLOSE) -> bool:
    """Return whether two arrays are equal up to rounding."""
    if one.shape != other.shape or not np.isfinite(one).all():
        return False
    scale = max(float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    return float(np.linalg.norm(one - other)) <= bound * scale
