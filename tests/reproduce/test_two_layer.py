import numpy as np
import pytest

from handgrad.losses import softmax
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.reproduce.experiment import RunContext, Training
from handgrad.reproduce.two_layer import (
    ONE_LAYER,
    TWO_LAYERS,
    EpochChoice,
    ManualSGD,
    ManualTraining,
    PixelStatistics,
    SoftmaxTwice,
    SummedLoss,
    examples,
    naive_softmax,
)
from handgrad.train import TrainConfig
from tests.reproduce.samples import context, wide


def test_the_examples() -> None:
    first, *losses = examples()
    assert first == "softmax (2, 1, 0.1) = (0.6590, 0.2424, 0.0986)"
    assert "0.2231" in losses[0]
    assert "1.6094" in losses[1]


@pytest.mark.parametrize(("layers", "count"), [(ONE_LAYER, 7850), (TWO_LAYERS, 23860)])
def test_the_number_of_parameters_is_that_of_the_notebook(layers: tuple, count: int) -> None:  # type: ignore[type-arg]
    assert Network([*layers], (1, 28, 28), 10).summary().parameters == count


def test_manual_sgd_with_zero_grad_is_gradient_descent() -> None:
    train, _ = wide()
    nets = [Network([*ONE_LAYER], train.shape, len(train.classes)) for _ in range(2)]
    optimizer, rule = ManualSGD(nets[0], 0.1), SGD(0.1)
    for at in (0, 50):
        batch = train[at : at + 50]
        optimizer.add(nets[0].loss_and_grads(*batch)[1])
        optimizer.step()
        optimizer.zero_grad()
        for name, gradient in nets[1].loss_and_grads(*batch)[1].items():
            rule.update(nets[1].parameters[name], gradient, {}, 0.1, 1)
    np.testing.assert_array_equal(nets[0].parameters["2.weight"], nets[1].parameters["2.weight"])


def test_without_zero_grad_gradients_are_accumulated() -> None:
    train, _ = wide()
    net = Network([*ONE_LAYER], train.shape, len(train.classes))
    before, optimizer = net.parameters["2.bias"].copy(), ManualSGD(net, 0.1)
    gradient = net.loss_and_grads(*train[:50])[1]
    for _ in range(2):
        optimizer.add(gradient)
        optimizer.step()
    moved = before - net.parameters["2.bias"]
    np.testing.assert_allclose(moved, 0.1 * 3 * gradient["2.bias"], rtol=1e-4, atol=1e-7)


def test_the_errors_of_the_autograd_version_reduce_the_accuracy() -> None:
    given = RunContext(*wide(), 0)
    wrong = ManualTraining(zero_grad=False, clamped=True, lr=64.0).run(given).metrics
    right = ManualTraining().run(given).metrics
    epoch = "test accuracy after one epoch"
    assert wrong[epoch] < right[epoch]


def test_a_naive_softmax_is_nan_if_exp_overflows() -> None:
    Z = np.array([[1.0, 2.0], [0.0, 100.0]], np.float32)
    assert np.isnan(naive_softmax(Z)).any(axis=1).tolist() == [False, True]
    np.testing.assert_allclose(naive_softmax(Z[:1]), softmax(Z[:1]), rtol=1e-6)


def test_the_gradient_of_softmax_twice() -> None:
    rng = np.random.default_rng(0)
    Z, y, loss = rng.normal(size=(4, 5)), np.array([0, 2, 4, 1]), SoftmaxTwice()
    step = rng.normal(size=Z.shape)
    slope = (loss(Z + 1e-5 * step, y)[0] - loss(Z - 1e-5 * step, y)[0]) / 2e-5
    assert float((loss(Z, y)[1] * step).sum()) == pytest.approx(slope, rel=1e-7)
    assert loss(100 * np.eye(10), np.arange(10))[0] == pytest.approx(1.4612, abs=1e-4)


def test_a_summed_loss_gives_a_smaller_last_batch_a_smaller_step() -> None:
    given = RunContext(*wide(), 0, "reference")  # 250 images: three batches of 64 and one of 58
    result = SummedLoss(epochs=1).run(given)
    net = given.network(TWO_LAYERS)
    net.fit_statistics(given.train.images)
    from handgrad.random import generator

    order = generator(0, "shuffle", 1).permutation(250)
    for at in range(0, 250, 64):
        batch = order[at : at + 64]
        for name, gradient in net.loss_and_grads(*given.train[batch])[1].items():
            net.parameters[name] -= np.float32(1e-3 * len(batch)) * gradient
    assert result.net is not None
    np.testing.assert_allclose(
        result.net.parameters["4.weight"], net.parameters["4.weight"], rtol=1e-4, atol=1e-6
    )
    assert result.metrics["summed loss of a batch, first epoch"] == pytest.approx(
        result.curves["training loss"][0] * 250 / 4, rel=1e-6
    )


def test_an_epoch_chosen_by_test_accuracy_has_the_higher_test_accuracy() -> None:
    config = TrainConfig(epochs=3, batch_size=32, optimizer=SGD(0.05), patience=None)
    result = EpochChoice(Training(TWO_LAYERS, config, validation=50, track_test=True)).run(
        context()
    )
    by_test, by_validation = result.metrics.values()
    assert by_test >= by_validation


def test_pixel_statistics() -> None:
    metrics = PixelStatistics().run(RunContext(*wide(), 0)).metrics
    X = wide()[0].images / 255
    assert metrics["median"] == pytest.approx(np.median(X), rel=1e-6)
    assert metrics["mean"] == pytest.approx(X.mean(), rel=1e-5)
