import numpy as np
import pytest

from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD
from handgrad.reproduce.experiment import Setting
from handgrad.reproduce.online_mlp import LAYERS, LR, InFileOrder, OverTheWholeArray, Unclipped
from tests.reproduce.samples import wide


def test_images_come_one_at_a_time_in_the_order_of_the_file() -> None:
    given = Setting(*wide(), 0, "reference")
    came = InFileOrder(epochs=1, images=40).run(given)
    net = given.network(LAYERS)
    train = given.train.take(np.arange(40))
    engine = engine_named("reference", net, TrainConfig(SoftmaxCrossEntropy(), SGD(LR)))
    losses = engine.run(
        BatchStream(train.images, train.labels, None, np.arange(40), 1, [LR] * 40)
    ).losses
    assert came.net is not None
    np.testing.assert_array_equal(came.net.parameters["1.weight"], net.parameters["1.weight"])
    assert came.figures["loss of the last image"] == losses[-1]
    assert came.figures["mean loss of the last epoch"] == pytest.approx(losses.mean())


def test_a_softmax_over_the_whole_array_gives_each_of_64_images_a_64th() -> None:
    figures = OverTheWholeArray().run(Setting(*wide(), 0)).figures
    assert figures["sum of one image's probabilities"] == pytest.approx(1 / 64, rel=1e-4)
    assert figures["by rows"] == pytest.approx(1, rel=1e-5)


def test_the_loss_from_logits_is_always_finite() -> None:
    figures = Unclipped(InFileOrder(1, 20)).run(Setting(*wide(), 0, "reference")).figures
    assert 0 <= figures["images without a finite loss"] <= 1
    assert figures["from logits"] == 0
