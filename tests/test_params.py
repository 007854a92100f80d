from __future__ import annotations

import pickle

import numpy as np
import pytest

import handgrad as hg
from handgrad.params import Arrays, as_dtype


def net() -> hg.Network:
    return hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2)


def test_setting_a_parameter_changes_the_network() -> None:
    one = net()
    X = np.ones((1, 1, 2, 2))
    one.parameters["1.weight"] = np.zeros((2, 4))
    one.parameters["1.bias"] = one.parameters["1.bias"] + 3
    assert one.logits(X).tolist() == [[3, 3]]
    one.parameters["1.bias"] -= 1
    assert one.logits(X).tolist() == [[2, 2]]


def test_unknown_names_and_other_shapes_are_refused() -> None:
    one = net()
    with pytest.raises(hg.ModelError, match=r"no array '1.wait'; choose one of 1.weight, 1.bias"):
        one.parameters["1.wait"] = np.zeros(2)
    with pytest.raises(
        hg.ModelError, match=r"1.bias has shape \(2,\), so it cannot be set to an array of \(3,\)"
    ):
        one.parameters["1.bias"] = np.zeros(3)


def test_they_survive_pickling() -> None:
    back = pickle.loads(pickle.dumps(Arrays(a=np.ones(2))))
    assert isinstance(back, Arrays)
    assert back["a"].tolist() == [1, 1]


def test_a_network_can_be_pickled() -> None:
    back = pickle.loads(pickle.dumps(net()))
    back.parameters["1.bias"] = np.array([5.0, 6.0])
    assert back.logits(np.zeros((1, 1, 2, 2))).tolist() == [[5, 6]]


def test_arrays_in_another_order_are_copied_into_cs() -> None:
    tree = {"0": {"weight": np.arange(6.0).reshape(2, 3).T}}
    weight = as_dtype(tree, np.dtype(np.float32))["0"]["weight"]
    assert weight.flags.c_contiguous
    np.testing.assert_array_equal(weight, tree["0"]["weight"])
