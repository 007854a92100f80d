import numpy as np
import pytest

from handgrad.layers import Context
from handgrad.reproduce.experiment import Setting
from handgrad.reproduce.fashion_mlp import (
    BYTES,
    InBatches,
    NormAndLeaky,
    layers_with,
    notebook,
    together,
)
from handgrad.reproduce.notebook import NOTHING
from tests.reproduce.samples import wide


def slope_error(layer: NormAndLeaky) -> float:
    """Return by how much the layer's derivative differs from a central difference, as a share."""
    rng = np.random.default_rng(1)
    X, dY, step = (rng.normal(size=(30, 6)) for _ in range(3))
    X += 0.5  # so that the means are not zero, and signs change with the normalisation
    ctx = Context(training=True)
    Y = [layer.forward({}, X + sign * 1e-6 * step, ctx)[0] for sign in (1, -1)]
    slope = float(((Y[0] - Y[1]) / 2e-6 * dY).sum())
    _, cache = layer.forward({}, X, ctx)
    return abs(float((layer.backward({}, cache, dY)[0] * step).sum()) / slope - 1)


def test_the_gradient_without_the_errors_is_right_and_with_each_of_them_is_not() -> None:
    assert slope_error(NormAndLeaky(through=True, slope_of_output=True)) < 1e-6
    assert slope_error(NormAndLeaky(through=False, slope_of_output=True)) > 0.05
    assert slope_error(NormAndLeaky(through=True, slope_of_output=False)) > 0.05
    assert slope_error(NormAndLeaky()) > 0.05


def test_an_error_in_names_alone_is_listed_and_says_that_nothing_was_measured() -> None:
    last = notebook().errata[-1]
    assert last.error == "The class has two names for its labels."
    assert last.figure == NOTHING
    assert "nothing was measured" in last.why


def test_the_answer_depends_on_the_company() -> None:
    train, test = wide()
    net = Setting(train, test).network(layers_with(NormAndLeaky()))
    alone, among = together(net, test.images[:2]), together(net, test.images)
    assert not np.allclose(alone, among[:2], atol=0.1)


def test_predictions_must_be_shifted_back() -> None:
    part = InBatches(layers_with(NormAndLeaky(True, True)), epochs=12, validation=50)
    figures = part.run(Setting(*wide(), 0, "reference")).figures
    assert figures["training accuracy"] > 0.9
    assert figures["test accuracy, as they come"] < 0.1


def test_raw_pixels_reach_the_first_layer_as_bytes() -> None:
    train, test = wide()
    net = Setting(train, test).network(layers_with(NormAndLeaky(), BYTES))
    X = net.as_input(train.images)
    Y, _ = BYTES.forward(net.params["0"], X, Context())
    np.testing.assert_allclose(Y, train.images, rtol=1e-6)


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_rate_is_halved_when_the_loss_rises_and_the_order_may_be_kept(shuffled: bool) -> None:
    part = InBatches(layers_with(NormAndLeaky()), epochs=2, validation=50, shuffled=shuffled)
    came = part.run(Setting(*wide(), 0, "reference"))
    assert len(came.curves["training loss"]) == 2
    assert (
        came.figures["training accuracy, before the updates"]
        == came.curves["training accuracy"][-1]
    )
