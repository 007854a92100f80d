"""What became of a case, and how a case runs through a layer."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.errors import MissingExtraError, ModelError
from handgrad.layers import Array, Context, Layer, Params


class NotOursError(Exception):
    """A case asks for what we do not have; the message is the reason."""


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Attributes:
        operator: what its authors call the operation.
        case: what they call the case.
        error: the largest relative error; None where the case was not run.
        limit: the largest error that passes.
        reason: why the case does not concern us; empty where it was run.
    """

    operator: str
    case: str
    error: float | None
    limit: float
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether our code gave what the case asks for."""
        return self.error is not None and self.error <= self.limit

    @property
    def listed(self) -> bool:
        """Whether the case was not run."""
        return self.error is None


@dataclass(frozen=True)
class Pass:
    """A layer in use on one case: its output, and the way back.

    Attributes:
        layer: the layer.
        params: its arrays.
        Y: the output.
        cache: what forward left for backward.
    """

    layer: Layer
    params: Params
    Y: Array
    cache: Any

    def back(self, dY: Array) -> tuple[Array, Params]:
        """Return dX and the gradients of the learned arrays."""
        return self.layer.backward(self.params, self.cache, dY)


def forward(
    layer: Layer, X: Array, arrays: Mapping[str, Any] | None = None, training: bool = False
) -> Pass:
    """Run a layer with the case's arrays in place of its own.

    Args:
        layer: the layer; it must accept the shape of the examples.
        X: examples, (N, ...).
        arrays: arrays for it by name, as it would have made them; those left out keep their
            starting values.
        training: as in `Context`.

    Raises:
        NotOursError: if the layer refuses the shape or its own settings.
    """
    try:
        params, _ = layer.init(X.shape[1:], np.random.default_rng(0))
    except ModelError as error:
        raise NotOursError(f"refused: {error}") from None
    params = _filled(params, arrays or {}, X.dtype)
    Y, cache = layer.forward(params, X, Context(training))
    return Pass(layer, params, Y, cache)


def as_examples(X: Array, rank: int) -> Array:
    """Return X as examples (N, ...) of `rank` axes each: all axes before them are counted as N."""
    if X.ndim < rank:
        raise NotOursError(f"a single {'number' if X.ndim == 0 else 'row'}, no array of examples")
    before = X.ndim - rank
    return X.reshape(math.prod(X.shape[:before]), *X.shape[before:])


def needed(module: str, extra: str) -> Any:
    """Return a module that an extra installs.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"these cases need {error.name}; install it with `pip install 'handgrad[{extra}]'`"
        ) from error


def _filled(params: Params, arrays: Mapping[str, Any], dtype: np.dtype[Any]) -> Params:
    """Return the layer's arrays, with those of the case in their places."""
    replace_leaves = {}
    for name, own in params.items():
        if isinstance(own, dict):
            replace_leaves[name] = _filled(own, arrays.get(name, {}), dtype)
            continue
        given = own if arrays.get(name) is None else arrays[name]
        if given.shape != own.shape:
            raise NotOursError(f"its {name} has another shape than ours")
        replace_leaves[name] = given.astype(dtype)
    return replace_leaves
