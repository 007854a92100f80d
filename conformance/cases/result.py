"""The result of a case, and how a case runs through a layer."""

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
    """A case does not apply to our code; the message is the reason."""


@dataclass(frozen=True)
class Result:
    """The result of one case.

    Attributes:
        operator: the published name of the operation.
        case: the published name of the case.
        error: the largest relative error; None if the case was not run.
        limit: the largest error that passes.
        reason: why the case does not apply; empty if it was run.
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
        """Whether the case was not run."""
        return self.error is None


@dataclass(frozen=True)
class LayerRun:
    """A layer that ran on one case: its output, and its backward.

    Attributes:
        layer: the layer.
        params: its arrays.
        Y: the output.
        cache: forward's cache for backward.
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
    """Run a layer with the arrays of a case in place of its own.

    Args:
        layer: the layer; it must accept the shape of the examples.
        X: examples, (N, ...).
        arrays: arrays by name, with the layer's shapes; missing ones keep their initial values.
        training: as in `Context`.

    Raises:
        NotApplicableError: if the layer refuses the shape or its settings.
    """
    try:
        params, _ = layer.init(X.shape[1:], np.random.default_rng(0))
    except ModelError as error:
        raise NotApplicableError(f"refused: {error}") from None
    params = _replaced(params, arrays or {}, X.dtype)
    Y, cache = layer.forward(params, X, Context(training))
    return LayerRun(layer, params, Y, cache)


def as_examples(X: Array, rank: int) -> Array:
    """Return X as examples (N, ...) with `rank` axes each; all axes before them become N."""
    if X.ndim < rank:
        raise NotApplicableError(
            f"a single {'number' if X.ndim == 0 else 'row'} without a batch axis"
        )
    before = X.ndim - rank
    return X.reshape(math.prod(X.shape[:before]), *X.shape[before:])


def require(module: str, extra: str) -> Any:
    """Import and return a module of an extra.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"these cases need {error.name}; install it with `pip install 'handgrad[{extra}]'`"
        ) from error


def _replaced(params: Params, arrays: Mapping[str, Any], dtype: np.dtype[Any]) -> Params:
    """Return the layer's arrays, replaced by those of the case."""
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
