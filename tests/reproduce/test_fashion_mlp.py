import numpy as np
import pytest

from handgrad.layers import Context
from handgrad.reproduce.experiment import RunContext
from handgrad.reproduce.fashion_mlp import (
    RAW_PIXELS,
    BatchNormLeakyReLU,
    SummedGradient,
    layers_with,
    logits_as_one_batch,
    notebook,
)
from handgrad.reproduce.notebook import NO_METRIC
from tests.reproduce.samples import wide


def slope_error(layer: BatchNormLeakyReLU) -> float:
    """Return the relative error of the layer's derivative against a central difference."""
    rng = np.random.default_rng(1)
    X, dY, step = (rng.normal(size=(30, 6)) for _ in range(3))
    X += 0.5  # so that the means are not zero, and signs change with the normalisation
    ctx = Context(training=True)
    Y = [layer.forward({}, X + sign * 1e-6 * step, ctx)[0] for sign in (1, -1)]
    slope = float(((Y[0] - Y[1]) / 2e-6 * dY).sum())
    _, cache = layer.forward({}, X, ctx)
    return abs(float((layer.backward({}, cache, dY)[0] * step).sum()) / slope - 1)


def test_the_gradient_is_correct_without_the_errors_only() -> None:
    assert slope_error(BatchNormLeakyReLU(full_gradient=True, slope_at_output=True)) < 1e-6
    assert slope_error(BatchNormLeakyReLU(full_gradient=False, slope_at_output=True)) > 0.05
    assert slope_error(BatchNormLeakyReLU(full_gradient=True, slope_at_output=False)) > 0.05
    assert slope_error(BatchNormLeakyReLU()) > 0.05


def test_an_error_without_an_effect_on_the_metrics_is_described() -> None:
    last = notebook().errata[-1]
    assert last.error == "The class stores its labels under two names."
    assert last.metric == NO_METRIC
    assert "nothing was measured" in last.why


def test_the_logits_depend_on_the_other_images_of_the_batch() -> None:
    train, test = wide()
    net = RunContext(train, test).network(layers_with(BatchNormLeakyReLU()))
    alone, among = logits_as_one_batch(net, test.images[:2]), logits_as_one_batch(net, test.images)
    assert not np.allclose(alone, among[:2], atol=0.1)


def test_predictions_must_be_shifted_back() -> None:
    variant = SummedGradient(layers_with(BatchNormLeakyReLU(True, True)), epochs=12, validation=50)
    metrics = variant.run(RunContext(*wide(), 0, "reference")).metrics
    assert metrics["training accuracy"] > 0.9
    assert metrics["test accuracy, not shifted back"] < 0.1


def test_raw_pixels_are_0_to_255() -> None:
    train, test = wide()
    net = RunContext(train, test).network(layers_with(BatchNormLeakyReLU(), RAW_PIXELS))
    X = net.as_input(train.images)
    Y, _ = RAW_PIXELS.forward(net.params["0"], X, Context())
    np.testing.assert_allclose(Y, train.images, rtol=1e-6)


@pytest.mark.parametrize("shuffled", [False, True])
def test_training_with_and_without_shuffling(shuffled: bool) -> None:
    variant = SummedGradient(
        layers_with(BatchNormLeakyReLU()), epochs=2, validation=50, shuffled=shuffled
    )
    result = variant.run(RunContext(*wide(), 0, "reference"))
    assert len(result.curves["training loss"]) == 2
    assert (
        result.metrics["training accuracy, before the updates"]
        == result.curves["training accuracy"][-1]
    )
