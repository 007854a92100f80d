import numpy as np
import pytest

from handgrad.engines import BatchStream, TrainConfig, engine_named
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD
from handgrad.reproduce.experiment import RunContext
from handgrad.reproduce.online_mlp import LAYERS, LR, InFileOrder, SoftmaxOverArray, UnclippedLoss
from tests.reproduce.samples import wide


def test_images_are_used_one_at_a_time_in_the_order_of_the_file() -> None:
    given = RunContext(*wide(), 0, "reference")
    result = InFileOrder(epochs=1, images=40).run(given)
    net = given.network(LAYERS)
    train = given.train.take(np.arange(40))
    engine = engine_named("reference", net, TrainConfig(SoftmaxCrossEntropy(), SGD(LR)))
    losses = engine.run(
        BatchStream(train.images, train.labels, None, np.arange(40), 1, [LR] * 40)
    ).losses
    assert result.net is not None
    np.testing.assert_array_equal(result.net.parameters["1.weight"], net.parameters["1.weight"])
    assert result.metrics["loss of the last image"] == losses[-1]
    assert result.metrics["mean loss of the last epoch"] == pytest.approx(losses.mean())


def test_a_softmax_over_64_images_gives_each_image_a_sum_of_1_64th() -> None:
    metrics = SoftmaxOverArray().run(RunContext(*wide(), 0)).metrics
    assert metrics["sum of one image's probabilities"] == pytest.approx(1 / 64, rel=1e-4)
    assert metrics["by rows"] == pytest.approx(1, rel=1e-5)


def test_the_loss_from_logits_is_always_finite() -> None:
    metrics = UnclippedLoss(InFileOrder(1, 20)).run(RunContext(*wide(), 0, "reference")).metrics
    assert 0 <= metrics["images without a finite loss"] <= 1
    assert metrics["from logits"] == 0
