"""What a suspect is told, and how it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from handgrad.gradient_check.target import Point, places
from handgrad.layers import Array, Layer

CLOSE = 1e-5  # central differences are good for 1e-9; a cause fits or is far off


class Cause(NamedTuple):
    """What is likely to be wrong.

    Attributes:
        name: the kind of error, in few words.
        sentence: what it is here.
        tensor: the array whose gradient it explains.
    """

    name: str
    sentence: str
    tensor: str = ""


class Scene(NamedTuple):
    """A wrong gradient, and all there is to know about it.

    Attributes:
        tensor: the array that it is the gradient of; the examples are "X".
        layer: the layer.
        point: where it was computed.
        Y: the output there.
        ours: all gradients that backward gave, by name.
        right: all gradients as they should be.
    """

    tensor: str
    layer: Layer
    point: Point
    Y: Array
    ours: Mapping[str, Array]
    right: Mapping[str, Array]

    @property
    def found(self) -> Array:
        """The wrong gradient."""
        return self.ours[self.tensor]

    @property
    def due(self) -> Array:
        """The right gradient."""
        return self.right[self.tensor]

    @property
    def value(self) -> Array:
        """The array itself."""
        return places(self.layer, self.point)[self.tensor]

    def fits(self, gradient: Array) -> bool:
        """Say whether a supposed gradient is the one that was found."""
        return close(gradient, self.found)

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that a mean may be taken over, by what they count; ones are left out."""
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
        return {what: count for what, count in counted.items() if count > 1}


def close(one: Array, other: Array, bound: float = CLOSE) -> bool:
    """Say whether two arrays are the same but for rounding."""
    if one.shape != other.shape or not np.isfinite(one).all():
        return False
    scale = max(float(np.linalg.norm(one)), float(np.linalg.norm(other)))
    return float(np.linalg.norm(one - other)) <= bound * scale
