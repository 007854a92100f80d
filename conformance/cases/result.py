"""The result of a test case, and functions to run a layer on a case."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError, ModelError
from handgrad.layers import Array, Context, Layer, Params


class NotApplicableError(Exception):
    """Raised if a case does not apply to our code; the message is the reason."""


@dataclass(frozen=True)
class Result:
    """The result of one test case.

    Attributes:
        operator: the published name of the operation.
        case: the published name of the case.
        error: the largest relative error, or None if the case was not run.
        limit: the largest error that is accepted.
        reason: the reason why the case does not apply; empty if it was run.
    """

    operator: str
    case: str
    error: float | None
    limit: float
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether our code returned the expected output."""
        return self.error is not None and self.error <= self.limit

    @property
    def listed(self) -> bool:
        """Whether the case was not run and is listed with a reason."""
        return self.error is None


@dataclass(frozen=True)
class LayerRun:
    """A forward pass of a layer on one case; `back` runs the backward pass that belongs to it.

    Attributes:
        layer: the layer.
        params: the layer's arrays.
        Y: the layer's output.
        cache: the cache that forward returned for backward.
    """

    layer: Layer
    params: Params
    Y: Array
    cache: Any

    def back(self, dY: Array) -> tuple[Array, Params]:
        """Return dX and the gradients of the parameters."""
        return self.layer.backward(self.params, self.cache, dY)


def forward(
    layer: Layer, X: Array, arrays: Mapping[str, Any] | None = None, training: bool = False
) -> LayerRun:
    """Run the forward of a layer with the arrays of a case.

    Args:
        layer: the layer.
        X: the examples, (N, ...).
        arrays: the arrays by name, with the layer's shapes; arrays of the layer that are not given
            keep their initial values.
        training: whether to run in training mode.

    Raises:
        NotApplicableError: if the layer does not accept the shape or the settings.
    """
    try:
        params, _ = layer.init(X.shape[1:], np.random.default_rng(0))
    except ModelError as error:
        raise NotApplicableError(f"refused: {error}") from None
    params = _replaced(params, arrays or {}, X.dtype)
    Y, cache = layer.forward(params, X, Context(training))
    return LayerRun(layer, params, Y, cache)


def as_examples(X: Array, rank: int) -> Array:
    """Reshape X to examples (N, ...) of `rank` axes each; all leading axes are merged into N."""
    if X.ndim < rank:
        raise NotApplicableError(
            f"a single {'number' if X.ndim == 0 else 'row'} without a batch axis"
        )
    before = X.ndim - rank
    return X.reshape(math.prod(X.shape[:before]), *X.shape[before:])


def require(module: str, extra: str) -> Any:
    """Import and return a module that one of handgrad's extras installs.

    Raises:
        MissingExtraError: if the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"these cases need {error.name}; install it with `pip install 'handgrad[{extra}]'`"
        ) from error


def _replaced(params: Params, arrays: Mapping[str, Any], dtype: np.dtype[Any]) -> Params:
    """Return the layer's initial arrays, replaced by the arrays of the case where there are any."""
    replaced: Params = {}
    for name, own in params.items():
        if isinstance(own, dict):
            replaced[name] = _replaced(own, arrays.get(name, {}), dtype)
            continue
        given = own if arrays.get(name) is None else arrays[name]
        if given.shape != own.shape:
            raise NotApplicableError(f"its {name} has a different shape")
        replaced[name] = given.astype(dtype)
    return replaced
