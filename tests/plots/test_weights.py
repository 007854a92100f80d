"""The weights of the first layer that reads pixels are drawn unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from handgrad.classifier import Classifier
from handgrad.errors import ModelError
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    GlobalAvgPool2d,
    Normalize,
    ReLU,
    Residual,
)
from handgrad.network import Network
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping, titles
from tests.plots.samples import FASHION


def test_dense_weights_are_images_on_one_scale_centred_on_zero():
    net = Network([Normalize(), Flatten(), Dense()], (1, 4, 6), len(FASHION), seed=1)
    figure = plots.first_layer_weights(Classifier(net, FASHION))
    tiles, bar = figure.axes
    weight = net.parameters["2.weight"]
    assert tuple(titles(figure)[:-1]) == FASHION
    assert len(tiles.images) == len(weight)
    for unit, image in enumerate(tiles.images):
        np.testing.assert_array_equal(image.get_array(), weight[unit].reshape(4, 6))
        low, high = image.get_clim()
        assert high == -low == pytest.approx(np.abs(weight).max())
    assert bar.get_ylim() == pytest.approx((-np.abs(weight).max(), np.abs(weight).max()))
    assert figure.get_suptitle() == "layer 2 (Dense): weights of 10 units"
    assert_nothing_cut_or_overlapping(figure)


def test_channels_are_side_by_side():
    net = Network([Flatten(), Dense()], (3, 4, 6), 2)
    image = plots.first_layer_weights(net).axes[0].images[1].get_array()
    weight = net.parameters["1.weight"][1].reshape(3, 4, 6)
    assert image.shape == (4, 3 * 6 + 2)
    for channel in range(3):
        np.testing.assert_array_equal(image[:, 7 * channel : 7 * channel + 6], weight[channel])


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([Conv2d(5, 3), ReLU(), Flatten(), Dense()], "0.weight"),
        (
            [BatchNorm(), Residual((Conv2d(1, 3, padding=1),)), Flatten(), Dense()],
            "1.body.0.weight",
        ),
    ],
)
def test_kernels_are_images(layers, name):
    net = Network(layers, (1, 8, 8), 3)
    figure = plots.first_layer_weights(net)
    weight = net.parameters[name]
    assert len(figure.axes[0].images) == len(weight)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), weight[0, 0])
    assert not any(titles(figure))


def test_pooled_pixels_are_still_pixels():
    net = Network([AvgPool2d(2), Flatten(), Dense(7), Dense()], (1, 8, 8), 3)
    assert plots.first_layer_weights(net).axes[0].images[0].get_array().shape == (4, 4)


@pytest.mark.usefixtures("at_most_5")
def test_at_most_100_units_are_drawn():
    figure = plots.first_layer_weights(Network([Flatten(), Dense()], (1, 3, 3), 7))
    assert titles(figure) == ["0", "1", "2", "3", "4", ""]
    assert figure.get_suptitle().endswith("7 units, the first 5 shown")


def test_weights_that_are_all_zero_are_drawn():
    net = Network([Flatten(), Dense()], (1, 3, 3), 3)
    net.parameters["1.weight"][:] = 0
    assert plots.first_layer_weights(net).axes[0].images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("layers", "shape"), [([GlobalAvgPool2d(), Dense()], (1, 8, 8)), ([Dense()], (64,))]
)
def test_a_network_without_weights_on_pixels_is_refused(layers, shape):
    with pytest.raises(ModelError, match=r"^no weights can be drawn: no Dense or Conv2d layer has"):
        plots.first_layer_weights(Network(layers, shape, 3))


def test_weights_that_are_not_finite_are_refused():
    net = Network([Flatten(), Dense()], (1, 3, 3), 3)
    net.parameters["1.weight"][0, 0] = np.nan
    with pytest.raises(ModelError, match=r"layer 1 \(Dense\) has infinite or NaN weights; tr"):
        plots.first_layer_weights(net)
