"""Whether a layer keeps the form: three pure functions that take and return what they should.

A wrong number, a gradient of a wrong shape and a forgotten one are not looked for here: the
witnesses reject those, and the cause is named.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from handgrad.errors import ModelError
from handgrad.gradient_check.diagnosis.inputs import arrays_in
from handgrad.gradient_check.target import SPREAD, Subject
from handgrad.layers import Array, Layer, Shape, has_buffers
from handgrad.params import flatten

TAKES = {
    "init": ("shape", "rng"),
    "forward": ("params", "X", "ctx"),
    "backward": ("params", "cache", "dY"),
}
RETURNS = {
    "init": "a dict of arrays by name, and the shape of the output",
    "forward": "Y, and a cache for backward",
    "backward": "dX, and a dict of gradients by name",
}


def check_form(subject: Subject) -> None:
    """Run a layer's functions, twice while training and twice at inference.

    Raises:
        ModelError: if a function takes or returns another thing than it should, writes into what
            it is given, or gives other numbers when it is called again.
    """
    layer, name = subject.layer, subject.name
    for part in TAKES:
        _check_taken(name, layer, part)
    made = layer.init(subject.shape, np.random.default_rng(0))
    output = _checked_init(name, layer, *_pair(name, "init", made))
    for training in (True, False):
        once, again = _run(subject, output, training), _run(subject, output, training)
        for tensor, array in once.items():
            if not np.array_equal(array, again[tensor], equal_nan=True):
                what = "forward" if tensor == "Y" else f"backward, for {tensor},"
                raise ModelError(
                    f"{name}: {what} gives other numbers when it is called again; keep nothing "
                    "in self, and draw noise from ctx (seed, step, layer)"
                )
        _check_cache(subject, training)


def _check_cache(subject: Subject, training: bool) -> None:
    """Refuse a backward that gives something else once forward has seen other examples."""
    layer, rng = subject.layer, np.random.default_rng(1)
    params, X, ctx = subject.given(rng, 0, training)
    Y, cache = layer.forward(params, X, ctx)
    dY = rng.uniform(-SPREAD, SPREAD, Y.shape)
    before = copy.deepcopy(layer.backward(params, cache, dY))
    layer.forward(params, rng.uniform(-SPREAD, SPREAD, X.shape), ctx)
    after = layer.backward(params, cache, dY)
    once, again = ({"X": dX, **flatten(found)} for dX, found in (before, after))
    for tensor, array in once.items():
        if not np.array_equal(array, again[tensor], equal_nan=True):
            raise ModelError(
                f"{subject.name}: backward, for {tensor}, gives other numbers once forward has "
                "seen other examples; keep what it needs in the cache, not in self"
            )


def _run(subject: Subject, output: Shape, training: bool) -> dict[str, Array]:
    """Return the output and all gradients, if forward and backward keep the form."""
    layer, name, rng = subject.layer, subject.name, np.random.default_rng(0)
    params, X, ctx = subject.given(rng, 0, training)
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


def _check_taken(name: str, layer: Layer, part: str) -> None:
    """Refuse a function that cannot be called with what the form gives it."""
    try:
        signature = inspect.signature(getattr(layer, part))
    except ValueError:  # a function that says nothing of itself is tried
        return
    try:
        signature.bind(*TAKES[part])
    except TypeError:
        takes = ", ".join(TAKES[part])
        raise ModelError(f"{name}: {part} must take ({takes}), not {signature}") from None


def _pair(name: str, part: str, returned: Any) -> tuple[Any, Any]:
    """Return the two things that a function returned."""
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        raise ModelError(
            f"{name}: {part} must return two things, {RETURNS[part]}, not {_kind(returned)}"
        )
    first, second = returned
    return first, second


def _checked_init(name: str, layer: Layer, params: Any, output: Any) -> Shape:
    """Return the shape of the output, if it is one and the arrays are arrays."""
    if not isinstance(params, dict):
        raise ModelError(f"{name}: init must return a dict of arrays by name, not {_kind(params)}")
    for key in params:
        if not isinstance(key, str):
            raise ModelError(f"{name}: init calls an array {key!r}; give it a name, as a str")
    arrays = flatten(params)
    for tensor, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or not array.size:
            raise ModelError(
                f"{name}: init gives {tensor} as {_kind(array)}; make it an array of float64 "
                "with at least one element"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"{name}: init gives numbers in {tensor} that are not finite")
    sizes = output if isinstance(output, tuple) else (None,)
    if not all(isinstance(size, (int, np.integer)) for size in sizes):
        raise ModelError(
            f"{name}: init must return the shape of one example's output as a tuple of whole "
            f"numbers, such as (5,), not {output!r}"
        )
    buffers = layer.buffers if has_buffers(layer) else ()
    if not isinstance(buffers, tuple) or not {*buffers} <= {*arrays}:
        raise ModelError(
            f"{name}: carried must be a tuple of names that init gives, which are "
            f"{', '.join(arrays) or 'none'}"
        )
    return sizes


def _check_output(name: str, Y: Any, output: Shape) -> None:
    """Refuse an output that no cotangent could be drawn for."""
    if not isinstance(Y, np.ndarray) or Y.dtype != np.float64:
        raise ModelError(
            f"{name}: forward gives Y as {_kind(Y)} where X is an array of float64; give an "
            "array of X's dtype"
        )
    if Y.ndim == 0 or Y.shape[1:] != output:
        raise ModelError(
            f"{name}: forward gives Y as {Y.shape}, but init says that one example's output is "
            f"{output}; let them agree, with an axis of examples before it"
        )
    if not np.isfinite(Y).all():
        raise ModelError(
            f"{name}: forward gives numbers that are not finite for an X between -1.7 and 1.7; "
            "let it be defined there"
        )


def _check_gradients(name: str, dX: Any, found: Any, learned: set[str]) -> None:
    """Refuse gradients that are no arrays, or of what is not learned."""
    if not isinstance(found, dict):
        raise ModelError(
            f"{name}: backward must return a dict of gradients by name, {{}} where nothing is "
            f"learned, not {_kind(found)}"
        )
    arrays = flatten({str(key): value for key, value in found.items()})
    for tensor, array in {"dX": dX, **arrays}.items():
        if tensor not in {"dX", *learned}:
            raise ModelError(
                f"{name}: backward gives a gradient of {tensor!r}, which is not among the arrays "
                "that init returned to be learned"
            )
        if not isinstance(array, (np.ndarray, np.float64)) or array.dtype != np.float64:
            what = tensor if tensor == "dX" else f"the gradient of {tensor}"
            raise ModelError(
                f"{name}: backward gives {what} as {_kind(array)} where dY is an array of "
                "float64; give an array of dY's dtype"
            )


def _check_unwritten(
    name: str, part: str, given: Mapping[str, Array], before: Mapping[str, Array]
) -> None:
    """Refuse a function that changed what it was given."""
    if given.keys() != before.keys():
        raise ModelError(
            f"{name}: {part} changes which arrays are in params; leave params as they are"
        )
    for tensor, array in given.items():
        if not np.array_equal(array, before[tensor], equal_nan=array.dtype.kind == "f"):
            raise ModelError(f"{name}: {part} writes into {tensor}; write into a copy instead")


def _kind(thing: Any) -> str:
    """Return in words what a thing is."""
    if isinstance(thing, np.ndarray):
        return f"an array of {thing.dtype} {thing.shape}"
    if isinstance(thing, (tuple, list)):
        return f"a {type(thing).__name__} of {len(thing)}"
    if isinstance(thing, np.generic):
        return f"a single {thing.dtype}"
    return "None" if thing is None else type(thing).__name__
