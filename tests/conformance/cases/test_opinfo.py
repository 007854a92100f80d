from collections import Counter

import numpy as np
import pytest

from conformance.cases.opinfo import LIMIT, error, run, samples
from handgrad.layers import BatchNorm, Dense, Tanh
from tests.extras import needs

PASSED = {
    **{"conv2d": 8, "linear": 18, "max_pool2d": 180, "avg_pool2d": 1, "batch_norm": 10},
    **{"flatten": 2, "relu": 4, "leaky_relu": 9, "sigmoid": 2, "tanh": 1, "silu": 2},
    **{"dropout": 9, "dropout2d": 6, "softmax": 5, "log_softmax": 5, "cross_entropy": 8},
}
LISTED = {
    **{"conv2d": 22, "max_pool2d": 1260, "avg_pool2d": 6, "adaptive_avg_pool2d": 10},
    **{"batch_norm": 2, "flatten": 4, "sigmoid": 1, "silu": 1, "dropout": 10, "dropout2d": 7},
    **{"softmax": 2, "log_softmax": 2, "cross_entropy": 13},
}

needs("torch")


def short(operator: str) -> str:
    return operator.removeprefix("nn.functional.")


def test_each_sample_passes_or_is_listed(opinfo):
    assert Counter(short(r.operator) for r in opinfo if r.passed) == PASSED
    assert Counter(short(r.operator) for r in opinfo if r.listed) == LISTED
    assert len(opinfo) == sum(PASSED.values()) + sum(LISTED.values()) == 1610


def test_each_listed_sample_has_a_reason(opinfo):
    assert all(bool(r.reason) == r.listed for r in opinfo)


def scaled_weight(dX, gradients):
    return dX, gradients | {"weight": gradients["weight"] * (1 + 1e-9)}


def forgotten_bias(dX, gradients):
    return dX, gradients | {"bias": 0 * gradients["bias"]}


def turned_round(dX, gradients):
    return np.flip(dX), gradients


@pytest.mark.parametrize(
    ("operation", "layer", "spoil"),
    [
        ("nn.functional.linear", Dense, scaled_weight),
        ("nn.functional.batch_norm", BatchNorm, forgotten_bias),
        ("tanh", Tanh, turned_round),
    ],
)
def test_a_wrong_backward_fails(monkeypatch, operation, layer, spoil):
    sample = next(samples(operation))
    assert run(operation, *sample).passed
    right = layer.backward
    monkeypatch.setattr(layer, "backward", lambda *words: spoil(*right(*words)))
    sample = next(samples(operation))
    found = run(operation, *sample)
    assert not found.passed
    assert not found.listed


def test_the_error_of_an_array_of_rounding_errors_is_relative_to_all_arrays():
    theirs = {"dX": np.array([3.0, 4.0]), "dbias": np.array([1e-16])}
    ours = {"dX": np.array([3.0, 4.0]), "dbias": np.array([-1e-16])}
    assert error(ours, theirs) <= LIMIT
    assert error(ours | {"dbias": np.array([1e-8])}, theirs) > LIMIT
    assert error(ours | {"dX": np.zeros((2, 1))}, theirs) == np.inf
