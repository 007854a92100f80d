import numpy as np
import pytest

from handgrad.engines import BatchStream, ReferenceEngine, TrainConfig
from handgrad.layers import BatchNorm, Dense, Flatten, Layer, LeakyReLU, Normalize, ReLU
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.reproduce.numpy_baseline import NumpyBaseline
from tests.reproduce.samples import digits

NETWORKS: list[list[Layer]] = [
    [Flatten(), Dense()],
    [Flatten(), Dense(9), ReLU(), Dense()],
    [Normalize(), Flatten(), Dense(9), BatchNorm(), LeakyReLU(0.01), Dense()],
]


@pytest.mark.parametrize("layers", NETWORKS, ids=len)
def test_the_steps_are_those_of_the_reference_engine(
    layers: list[Layer],
) -> None:
    train, _ = digits()
    net = Network(layers, train.shape, len(train.classes), dtype=np.float64)
    net.fit_statistics(train.images)
    X = net.as_input(train.images)
    if isinstance(layers[0], Normalize):
        X = (X - net.buffers["0.mean"]) / net.buffers["0.std"]
    baseline = NumpyBaseline(net, X, train.labels, 0.3)
    order = np.arange(100)

    loss = baseline.epoch(order[at : at + 32] for at in range(0, 100, 32))

    engine = ReferenceEngine(net, TrainConfig(SoftmaxCrossEntropy(), SGD(0.3)))
    steps = engine.run(BatchStream(train.images, train.labels, None, order, 32, [0.3] * 4))
    assert loss == pytest.approx(np.average(steps.losses, weights=[32, 32, 32, 4]), rel=1e-12)
    last = baseline.layers[-1][1]
    name = f"{len(layers) - 1}.weight"
    np.testing.assert_allclose(last["weight"], net.parameters[name], rtol=1e-10)


def test_its_logits_are_those_of_the_network() -> None:
    train, _ = digits()
    net = Network([Flatten(), Dense(9), ReLU(), Dense()], train.shape, len(train.classes))
    baseline = NumpyBaseline(net, net.as_input(train.images), train.labels, 0.1)
    X = net.as_input(train.images[:5])
    np.testing.assert_allclose(baseline.logits(X), net.logits(X), rtol=1e-4, atol=1e-5)
