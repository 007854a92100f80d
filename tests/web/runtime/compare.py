"""Compares layers, losses and optimizers in JavaScript with the reference in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.gradient_check.target import Point
from handgrad.layers import Array, Layer, has_buffers
from handgrad.losses import Loss
from handgrad.optim import Optimizer
from handgrad.params import flatten
from tests.web.runtime.v8 import Runtime, layer_data, settings_of

DOUBLE = 1e-10  # both compute in double precision; only the order of sums differs
FLOAT32_FORWARD, FLOAT32_GRADIENTS = 1e-5, 1e-4  # Python computes in float32

STEPS = 10


def equal(found: Any, expected: Any, tolerance: float, name: str) -> None:
    """Assert that two arrays have the same shape and are equal, relative to the largest number."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, name
    atol = tolerance * max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol, err_msg=name)


def equal_arrays(
    found: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float, name: str
) -> None:
    """Assert that two mappings have the same names and equal arrays."""
    assert found.keys() == expected.keys(), name
    for key, array in expected.items():
        equal(found[key], array, tolerance, f"{name} {key}")


def check_layer(runtime: Runtime, layer: Layer, point: Point, dtype: Any = np.float64) -> None:
    """Assert that forward, backward and new buffers are those of the layer in Python.

    Args:
        runtime: the JavaScript runtime.
        layer: the layer.
        point: the arguments of forward and backward, in float64.
        dtype: the precision of the computation in Python.
    """
    own = point.cast(dtype)
    Y, cache = layer.forward(own.params, own.X, own.ctx)
    dX, gradients = layer.backward(own.params, cache, own.dY)
    found = runtime.call("layer", **layer_data(layer, *own))

    is_double = dtype == np.float64
    equal(found["Y"], Y, DOUBLE if is_double else FLOAT32_FORWARD, "Y")
    tolerance = DOUBLE if is_double else FLOAT32_GRADIENTS
    equal(found["dX"], dX, tolerance, "dX")
    equal_arrays(flatten(found["gradients"]), flatten(gradients), tolerance, "gradient")
    if has_buffers(layer):
        buffers = flatten(layer.update_buffers(own.params, cache))
        equal_arrays(flatten(found["buffers"]), buffers, tolerance, "buffer")


def check_loss(
    runtime: Runtime, loss: Loss, Z: Array, y: Array, weights: Array | None = None
) -> None:
    """Assert that a loss and its gradient are those in Python."""
    value, dZ = loss(Z, y, weights)
    name, settings = type(loss).__name__, settings_of(loss)
    found = runtime.call("loss", kind=name, settings=settings, Z=Z, y=y.tolist(), weights=(
        None if weights is None else weights.tolist()
    ))  # fmt: skip
    equal(found["loss"], value, DOUBLE, "loss")
    equal(found["dZ"], dZ, DOUBLE, "dZ")


def check_optimizer(
    runtime: Runtime,
    optimizer: Optimizer,
    W: Array,
    gradients: Sequence[Array],
    lrs: Sequence[float],
) -> None:
    """Assert that the parameter and the state after each step are those in Python."""
    found = runtime.call(
        "optimizer",
        kind=type(optimizer).__name__,
        settings=settings_of(optimizer),
        **{"W": W, "gradients": list(gradients), "lrs": list(lrs)},
    )
    W, state = W.copy(), {name: np.zeros_like(W) for name in optimizer.state_names}
    for t, (dW, lr) in enumerate(zip(gradients, lrs, strict=True), 1):
        optimizer.update(W, dW, state, lr, t)
        equal_arrays(found[t - 1], {"W": W, **state}, DOUBLE, f"step {t}:")
