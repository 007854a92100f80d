import numpy as np
import pytest

from handgrad.layers import BatchNorm, Conv2d, Dense, Flatten, MaxPool2d, ReLU, Residual, Sequential
from handgrad.models import MODELS, named
from handgrad.network import Network
from tests.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_summary_counts_the_parameters_of_the_network(case: Case) -> None:
    net = case.network()
    summary = net.summary()
    assert summary.parameters == sum(array.size for array in net.parameters.values())
    assert [row.output for row in summary.rows][-1] == (net.classes,)
    assert len(summary.rows) == len(net.layers)


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [("softmax-regression", 7850, 784 * 10), ("two-layer", 23860, 784 * 30 + 30 * 10)],
)
def test_parameters_and_arithmetic_of_the_first_two(
    name: str, parameters: int, multiply_adds: int
) -> None:
    summary = Network(named(name), (1, 28, 28), 10).summary()
    assert summary.parameters == parameters
    assert summary.multiply_adds == multiply_adds


def test_arithmetic_of_a_convolution_and_of_nested_layers() -> None:
    """Each output number needs one multiply-add per weight on which it depends."""
    inner = Sequential((Conv2d(2, 3, padding=1), BatchNorm(), ReLU()))
    layers = [Conv2d(2, 3), Residual((inner,), (Conv2d(2, 1),)), MaxPool2d(2), Flatten(), Dense()]
    rows = Network(layers, (1, 8, 6), 3).summary().rows
    assert [row.name for row in rows] == [
        *("0 Conv2d", "1 Residual", "2 MaxPool2d", "3 Flatten", "4 Dense")
    ]
    assert [row.output for row in rows] == [(2, 6, 4), (2, 6, 4), (2, 3, 2), (12,), (3,)]
    assert [row.parameters for row in rows] == [20, 38 + 4 + 6, 0, 0, 39]
    conv, body, shortcut = 2 * 24 * 9, 2 * 24 * 2 * 9, 2 * 24 * 2
    scaled = 2 * 24  # batch norm's scale
    assert [row.multiply_adds for row in rows] == [conv, body + scaled + shortcut, 0, 0, 36]


def test_it_reads_as_a_table() -> None:
    net = Network([Flatten(), Dense(30), ReLU(), Dense()], (1, 28, 28), 10)
    assert str(net.summary()).splitlines() == [
        "layer      output  parameters  multiply-adds",
        "0 Flatten  784              0              0",
        "1 Dense    30          23,550         23,520",
        "2 ReLU     30               0              0",
        "3 Dense    10             310            300",
        "total                  23,860         23,820",
    ]


def test_the_network_is_not_changed() -> None:
    for name in MODELS:
        net = Network(named(name), (1, 28, 28), 10)
        before = net.snapshot()
        net.summary()
        for key, array in before.items():
            np.testing.assert_array_equal(net.arrays[key], array)
