"""Every loss in JavaScript computes what it computes in Python."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad import losses
from handgrad.losses import Loss, SoftmaxCrossEntropy
from tests.gradient_checks import batches, seeds
from tests.web.runtime.compare import check_loss
from tests.web.runtime.v8 import JavaScriptError, runtime

LOSSES = {
    name: cls
    for name, cls in inspect.getmembers(losses, inspect.isclass)
    if cls.__module__ == losses.__name__ and cls is not Loss
}


def loss_settings(classes: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw the settings of the loss for a number of classes."""
    weights = st.tuples(*(st.floats(0, 5),) * classes)
    return st.tuples(st.floats(0, 0.99), st.none() | weights)


def test_javascript_has_every_loss() -> None:
    assert runtime().eval("Object.keys(handgrad.LOSSES).sort().join()") == ",".join(sorted(LOSSES))


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(), N=batches, K=st.integers(2, 8), scale=st.sampled_from([1, 30, 1e3]), seed=seeds
)
def test_losses_of_any_size_are_the_same(
    data: st.DataObject, N: int, K: int, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    Z, y = rng.normal(0, scale, (N, K)), rng.integers(0, K, N)
    weights = rng.uniform(0, 3, N) if data.draw(st.booleans()) else None
    check_loss(runtime(), SoftmaxCrossEntropy(*data.draw(loss_settings(K))), Z, y, weights)


def test_weights_of_zero_give_no_loss() -> None:
    check_loss(runtime(), SoftmaxCrossEntropy(), np.ones((2, 3)), np.array([0, 1]), np.zeros(2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"y": [0, 3]}, "labels must be 0 to 2 for 3 logits, found 3"),
        ({"y": [0, -1]}, "found -1"),
        ({"y": [0, 1.5]}, "found 1.5"),
        ({"y": [0]}, "there must be 2 labels, one per image, not 1"),
        ({"weights": [1]}, "weights must be 2 numbers, one per image, not 1"),
        ({"weights": [1, -1]}, "weights must be numbers of at least 0, not -1"),
        ({"settings": {"class_weights": [1]}}, "there must be 3 class_weights, one per class"),
        ({"settings": {"class_weights": [1, 1, None]}}, "at least 0, not null"),
        ({"settings": {"label_smoothing": 1}}, "label_smoothing must be at least 0 and below 1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    usual = {"kind": "SoftmaxCrossEntropy", "settings": {}, "Z": np.zeros((2, 3)), "y": [0, 1]}
    with pytest.raises(JavaScriptError) as caught:
        runtime().call("loss", **usual | {"weights": None} | arguments)
    assert sentence in str(caught.value)
