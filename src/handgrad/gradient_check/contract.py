"""The layer contract: three pure functions with the right arguments and return values.

Wrong values, wrong shapes and missing gradients are not checked here: the oracles reject them, and
the diagnosis names the cause.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.errors import ModelError
from handgrad.gradient_check.diagnosis.inputs import arrays_in
from handgrad.gradient_check.target import SPREAD, Target
from handgrad.layers import Array, Layer, Shape, has_buffers
from handgrad.params import flatten

PARAMETERS = {
    "init": ("shape", "rng"),
    "forward": ("params", "X", "ctx"),
    "backward": ("params", "cache", "dY"),
}
RETURNS = {
    "init": "a dict of arrays by name, and the shape of the output",
    "forward": "Y, and a cache for backward",
    "backward": "dX, and a dict of gradients by name",
}


def check_contract(target: Target) -> None:
    """Check that a layer fulfils the contract, by running its functions twice in each mode.

    Raises:
        ModelError: if a function has the wrong arguments or return values, modifies its
            arguments, or returns different numbers when it is called again.
    """
    layer, name = target.layer, target.name
    for part in PARAMETERS:
        _check_arguments(name, layer, part)
    made = layer.init(target.shape, np.random.default_rng(0))
    output = _checked_init(name, layer, *_pair(name, "init", made))
    for training in (True, False):
        once, again = _run(target, output, training), _run(target, output, training)
        for tensor, array in once.items():
            if not np.array_equal(array, again[tensor], equal_nan=True):
                what = "forward" if tensor == "Y" else f"backward, for {tensor},"
                raise ModelError(
                    f"{name}: {what} returns different numbers when it is called again; keep "
                    "nothing in self, and derive random numbers from ctx (seed, step, layer)"
                )
        _check_cache(target, training)


def _check_cache(target: Target, training: bool) -> None:
    """Raise a ModelError if another call of forward changes what backward returns for the first."""
    layer, rng = target.layer, np.random.default_rng(1)
    params, X, ctx = target.sample_inputs(rng, 0, training)
    Y, cache = layer.forward(params, X, ctx)
    dY = rng.uniform(-SPREAD, SPREAD, Y.shape)
    before = copy.deepcopy(layer.backward(params, cache, dY))
    layer.forward(params, rng.uniform(-SPREAD, SPREAD, X.shape), ctx)
    after = layer.backward(params, cache, dY)
    once, again = ({"X": dX, **flatten(found)} for dX, found in (before, after))
    for tensor, array in once.items():
        if not np.array_equal(array, again[tensor], equal_nan=True):
            raise ModelError(
                f"{target.name}: backward, for {tensor}, returns different numbers after "
                "forward was called with other examples; keep its inputs in the cache, not in self"
            )


def _run(target: Target, output: Shape, training: bool) -> dict[str, Array]:
    """Run forward and backward, check their return values, and return Y and all gradients."""
    layer, name, rng = target.layer, target.name, np.random.default_rng(0)
    params, X, ctx = target.sample_inputs(rng, 0, training)
    buffers = layer.buffers if has_buffers(layer) else ()

    before = copy.deepcopy({"X": X, **flatten(params)})
    Y, cache = _pair(name, "forward", layer.forward(params, X, ctx))
    _check_unwritten(name, "forward", {"X": X, **flatten(params)}, before)
    _check_output(name, Y, output)

    dY, result = rng.uniform(-SPREAD, SPREAD, Y.shape), Y.copy()
    kept = {f"array {at} of its cache": array for at, (array, _) in enumerate(arrays_in(cache))}
    before |= copy.deepcopy({"dY": dY, **kept})
    dX, found = _pair(name, "backward", layer.backward(params, cache, dY))
    _check_unwritten(name, "backward", {"X": X, **flatten(params), "dY": dY, **kept}, before)
    _check_gradients(name, dX, found, {k for k in flatten(params) if k not in buffers})
    return {"Y": result, "X": dX, **flatten(found)}


def _check_arguments(name: str, layer: Layer, part: str) -> None:
    """Raise a ModelError unless a function accepts the arguments that the contract specifies."""
    try:
        signature = inspect.signature(getattr(layer, part))
    except ValueError:  # no signature is known: try it
        return
    try:
        signature.bind(*PARAMETERS[part])
    except TypeError:
        takes = ", ".join(PARAMETERS[part])
        raise ModelError(f"{name}: {part} must take ({takes}), not {signature}") from None


def _pair(name: str, part: str, returned: Any) -> tuple[Any, Any]:
    """Check that a function returned two values, and return them."""
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        raise ModelError(
            f"{name}: {part} must return two values, {RETURNS[part]}, not {_kind(returned)}"
        )
    first, second = returned
    return first, second


def _checked_init(name: str, layer: Layer, params: Any, output: Any) -> Shape:
    """Check the arrays and the output shape that init returned, and return the shape."""
    if not isinstance(params, dict):
        raise ModelError(f"{name}: init must return a dict of arrays by name, not {_kind(params)}")
    for key in params:
        if not isinstance(key, str):
            raise ModelError(f"{name}: init names an array {key!r}; use a string as its name")
    arrays = flatten(params)
    for tensor, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or not array.size:
            raise ModelError(
                f"{name}: init returns {tensor} as {_kind(array)}; make it a float64 array "
                "with at least one element"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"{name}: init returns NaN or infinity in {tensor}")
    sizes = output if isinstance(output, tuple) else (None,)
    if not all(isinstance(size, (int, np.integer)) for size in sizes):
        raise ModelError(
            f"{name}: init must return the shape of one example's output as a tuple of whole "
            f"numbers, such as (5,), not {output!r}"
        )
    buffers = layer.buffers if has_buffers(layer) else ()
    if not isinstance(buffers, tuple) or not {*buffers} <= {*arrays}:
        raise ModelError(
            f"{name}: buffers must be a tuple of names that init returns, which are "
            f"{', '.join(arrays) or 'none'}"
        )
    return sizes


def _check_output(name: str, Y: Any, output: Shape) -> None:
    """Raise a ModelError unless the output is a float64 array with the shape that init returned."""
    if not isinstance(Y, np.ndarray) or Y.dtype != np.float64:
        raise ModelError(
            f"{name}: forward returns Y as {_kind(Y)}, but X is an array of float64; return "
            "an array of X's dtype"
        )
    if Y.ndim == 0 or Y.shape[1:] != output:
        raise ModelError(
            f"{name}: forward returns Y as {Y.shape}, but init says that the output of one "
            f"example is {output}; return the same shape from both, with the batch axis first"
        )
    if not np.isfinite(Y).all():
        raise ModelError(
            f"{name}: forward returns NaN or infinity for an X between -1.7 and 1.7; "
            "make sure that it returns finite numbers there"
        )


def _check_gradients(name: str, dX: Any, found: Any, parameters: set[str]) -> None:
    """Raise a ModelError unless all gradients are float64 arrays and belong to parameters."""
    if not isinstance(found, dict):
        raise ModelError(
            f"{name}: backward must return a dict of gradients by name, {{}} if it has no "
            f"parameters, not {_kind(found)}"
        )
    arrays = flatten({str(key): value for key, value in found.items()})
    for tensor, array in {"dX": dX, **arrays}.items():
        if tensor not in {"dX", *parameters}:
            raise ModelError(
                f"{name}: backward returns a gradient of {tensor!r}, which is not a parameter that "
                "init returned"
            )
        if not isinstance(array, (np.ndarray, np.float64)) or array.dtype != np.float64:
            what = tensor if tensor == "dX" else f"the gradient of {tensor}"
            raise ModelError(
                f"{name}: backward returns {what} as {_kind(array)}, but dY is an array of "
                "float64; return an array of dY's dtype"
            )


def _check_unwritten(
    name: str, part: str, given: Mapping[str, Array], before: Mapping[str, Array]
) -> None:
    """Raise a ModelError if a function modified its arguments."""
    if given.keys() != before.keys():
        raise ModelError(f"{name}: {part} adds or removes arrays in params; do not modify params")
    for tensor, array in given.items():
        if not np.array_equal(array, before[tensor], equal_nan=array.dtype.kind == "f"):
            raise ModelError(f"{name}: {part} modifies {tensor}; modify a copy instead")


def _kind(thing: Any) -> str:
    """Describe the type of a value in words."""
    if isinstance(thing, np.ndarray):
        return f"an array of {thing.dtype} {thing.shape}"
    if isinstance(thing, (tuple, list)):
        return f"a {type(thing).__name__} of {len(thing)}"
    if isinstance(thing, np.generic):
        return f"a single {thing.dtype}"
    return "None" if thing is None else type(thing).__name__
