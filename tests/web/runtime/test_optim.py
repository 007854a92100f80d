"""Every optimizer in JavaScript makes the steps that it makes in Python."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad import optim
from handgrad.optim import Optimizer, clip_by_norm
from tests.gradient_checks import flat, images, seeds
from tests.web.runtime.compare import DOUBLE, STEPS, check_optimizer, equal, equal_arrays
from tests.web.runtime.v8 import JavaScriptError, runtime

OPTIMIZERS = {
    name: cls
    for name, cls in inspect.getmembers(optim, inspect.isclass)
    if cls.__module__ == optim.__name__ and cls is not Optimizer
}
VALUES = {
    "lr": st.floats(0, 1),
    "weight_decay": st.sampled_from([0.0, 0.01, 0.5]),
    "momentum": st.floats(0, 0.99),
    "nesterov": st.booleans(),
    "beta1": st.floats(0, 0.99),
    "beta2": st.floats(0, 0.9999),
    "eps": st.floats(1e-9, 1e-2),
}


def test_javascript_has_every_optimizer_with_the_same_defaults() -> None:
    found = "Object.keys(handgrad.OPTIMIZERS).sort().join()"
    assert runtime().eval(found) == ",".join(sorted(OPTIMIZERS))
    for name, cls in OPTIMIZERS.items():
        for setting in inspect.signature(cls).parameters.values():
            value = runtime().eval(f"new handgrad.OPTIMIZERS.{name}().{setting.name}")
            assert value == setting.default, (name, setting)


@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), shape=flat | images, seed=seeds)
def test_ten_steps_are_the_same(
    name: str, data: st.DataObject, shape: tuple[int, ...], seed: int
) -> None:
    cls = OPTIMIZERS[name]
    chosen = {setting: data.draw(VALUES[setting]) for setting in inspect.signature(cls).parameters}
    rng = np.random.default_rng(seed)
    gradients = [rng.normal(0, 1, shape) for _ in range(STEPS)]
    lrs = rng.uniform(0, 0.5, STEPS).tolist()
    check_optimizer(runtime(), cls(**chosen), rng.normal(0, 1, shape), gradients, lrs)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100), seeds)
def test_gradients_are_clipped_alike(limit: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gradients = {"0.weight": rng.normal(0, 5, (3, 4)), "0.bias": rng.normal(0, 5, 3)}
    found = runtime().call("clip", gradients=gradients, limit=limit)
    equal(found["norm"], clip_by_norm(gradients, limit), DOUBLE, "norm")
    equal_arrays(found["gradients"], gradients, DOUBLE, "clipped")


@pytest.mark.parametrize(
    ("name", "chosen", "sentence"),
    [
        ("SGD", {"lr": -1}, "lr must be a number of at least 0, not -1"),
        ("Momentum", {"momentum": 1}, "momentum must be at least 0 and below 1, not 1"),
        ("Adam", {"eps": 0}, "eps must be a number above 0, not 0"),
        ("Adam", {"beta2": 1.5}, "beta2 must be at least 0 and below 1, not 1.5"),
        ("AdamW", {"weight_decay": "x"}, 'weight_decay must be a number of at least 0, not "x"'),
    ],
)
def test_settings_out_of_range_are_refused(
    name: str, chosen: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(JavaScriptError) as caught:
        runtime().call("optimizer", kind=name, settings=chosen, W=np.ones(1), gradients=[], lrs=[])
    assert sentence in str(caught.value)
