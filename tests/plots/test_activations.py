import numpy as np

from handgrad.layers import ReLU, Tanh
from handgrad.plots import activations


def test_activation_and_derivative_are_those_of_the_layer() -> None:
    figure = activations([ReLU(), Tanh()])
    relu, tanh = figure.axes[:2]
    x, y = (np.asarray(v) for v in relu.lines[0].get_data())
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    np.testing.assert_array_equal(relu.lines[1].get_ydata(), x > 0)
    x, slope = (np.asarray(v) for v in tanh.lines[1].get_data())
    np.testing.assert_allclose(slope, 1 - np.tanh(x) ** 2)
    assert [axes.get_title() for axes in (relu, tanh)] == ["ReLU", "Tanh"]


def test_an_odd_number_leaves_one_panel_empty() -> None:
    assert [axes.axison for axes in activations([ReLU()]).axes] == [True, False]
