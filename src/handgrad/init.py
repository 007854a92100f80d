"""Common distributions of initial weights, under their usual names.

Each class draws an array of shape (out, in) or (out, in, kh, kw). fan-in is the number of inputs
that an output depends on; fan-out is the number of outputs that an input affects.

He: K. He et al. 2015, "Delving deep into rectifiers", section 2.2.
Glorot: X. Glorot, Y. Bengio 2010, "Understanding the difficulty of training deep feedforward
neural networks", section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


@runtime_checkable
class Initializer(Protocol):
    """A distribution of initial weights."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        ...


def fans(shape: Shape) -> tuple[int, int]:
    """Return the fan-in and fan-out of weights of shape (out, in) or (out, in, kh, kw)."""
    positions = math.prod(shape[2:])
    return shape[1] * positions, shape[0] * positions


@dataclass(frozen=True)
class HeNormal:
    """N(0, 2 / fan-in), for layers followed by ReLU or one of its variants."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        fan_in, _ = fans(shape)
        return rng.normal(0.0, math.sqrt(2.0 / fan_in), shape)


@dataclass(frozen=True)
class HeUniform:
    """U(-a, a) with a = sqrt(6 / fan-in), which has the same variance as `HeNormal`."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        fan_in, _ = fans(shape)
        limit = math.sqrt(6.0 / fan_in)
        return rng.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class GlorotNormal:
    """N(0, 2 / (fan-in + fan-out)), for the last layer and layers followed by tanh or sigmoid."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        return rng.normal(0.0, math.sqrt(2.0 / sum(fans(shape))), shape)


@dataclass(frozen=True)
class GlorotUniform:
    """U(-a, a) with a = sqrt(6 / (fan-in + fan-out)), with the same variance as `GlorotNormal`."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        limit = math.sqrt(6.0 / sum(fans(shape)))
        return rng.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class Normal:
    """N(0, std²), independent of the size of the layer.

    Attributes:
        std: the standard deviation.
    """

    std: float = 1.0

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        return rng.normal(0.0, self.std, shape)


@dataclass(frozen=True)
class Uniform:
    """U(-limit, limit), independent of the size of the layer.

    Attributes:
        limit: the largest absolute value of a weight.
    """

    limit: float = 0.5

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return new weights of the given shape, in float64."""
        return rng.uniform(-self.limit, self.limit, shape)


@dataclass(frozen=True)
class Zeros:
    """Zeros, suitable only for the last layer: the units of a hidden layer would stay identical."""

    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return zeros of the given shape, in float64."""
        return np.zeros(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (HeNormal, HeUniform, GlorotNormal, GlorotUniform, Normal, Uniform, Zeros)
}
