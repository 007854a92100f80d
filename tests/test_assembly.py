from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad as hg


def network(**changes: Any) -> hg.Network:
    """A network of one layer, with something else about it."""
    settings: dict[str, Any] = {"layers": [hg.Flatten(), hg.Dense()], "shape": (1, 2, 2)}
    return hg.Network(**(settings | {"classes": 2} | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"layers": [hg.Flatten, hg.Dense()]},
            r"Flatten is a class, not a layer; write Flatten\(\)",
        ),
        ({"layers": [hg.Residual((hg.ReLU,))]}, r"ReLU is a class, not a layer; write ReLU\(\)"),
        ({"layers": [5]}, "5 is not a layer: it lacks init, forward or backward"),
        ({"layers": [hg.init.HeNormal()]}, "is not a layer: it lacks init, forward or backward"),
        ({"layers": []}, "a network needs at least one layer"),
        ({"shape": (1, 0, 2)}, r"shape must be sizes of at least 1, such as .*, not \(1, 0, 2\)"),
        ({"shape": 4}, "shape must be sizes of at least 1"),
        ({"shape": "abc"}, "shape must be sizes of at least 1"),
        ({"dtype": int}, "dtype must be float32 or float64"),
        ({"dtype": "float13"}, "dtype must be float32 or float64, not 'float13'"),
        ({"classes": 1}, "a classifier needs at least 2 classes, not 1"),
        ({"classes": 10**18}, "classes must be at most 100,000, not 1,000,000,000,000,000,000"),
        ({"classes": None}, "classes must be their names or their number, not None"),
        ({"classes": [1.5, 2]}, "classes must be all strings or all whole numbers"),
    ],
)
def test_what_no_network_can_be_built_of(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(hg.ModelError, match=sentence):
        network(**changes)


def test_an_initialisation_that_is_none() -> None:
    layer = hg.Dense(3)
    object.__setattr__(layer, "initial", "he")
    with pytest.raises(hg.ModelError, match=r"initial of Dense must be such as HeNormal\(\)"):
        network(layers=[hg.Flatten(), layer, hg.Dense()])


def test_numbers_of_numpy_are_numbers() -> None:
    net = network(shape=np.array([1, 4, 4]), classes=np.unique([7, 9, 9]), dtype=np.float64)
    assert net.shape == (1, 4, 4)
    assert net.classes == (7, 9)
    assert [type(label) for label in net.classes] == [int, int]
    assert network(classes=np.int64(3)).classes == (0, 1, 2)


def test_a_list_of_layers_inside_a_layer_is_as_good() -> None:
    net = network(layers=[hg.Residual([hg.ReLU()]), hg.Sequential([hg.Flatten()]), hg.Dense()])
    assert net.layers[0] == hg.Residual((hg.ReLU(),))
