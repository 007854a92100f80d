import numpy as np
import pytest

import handgrad as hg
from handgrad.data.corruptions import CORRUPTIONS
from handgrad.errors import DataError
from handgrad.train import robustness


@pytest.fixture(scope="module")
def trained():
    train, test = hg.load_data("digits")
    net = hg.Network([hg.Flatten(), hg.Dense()], train.shape, len(train.classes))
    hg.fit(net, train, validation=None, epochs=4, engine="reference", optimizer=hg.Adam(0.01))
    return net, test


def test_robustness_evaluates_clean_and_corrupted_images(trained):
    net, test = trained
    found = robustness(net, test)
    assert found.clean.accuracy == hg.evaluate(net, test).accuracy > 0.85
    assert list(found.corrupted) == list(CORRUPTIONS)
    accuracies = [one.accuracy for one in found.corrupted.values()]
    assert found.accuracy == pytest.approx(np.mean(accuracies))
    assert 0.2 < found.accuracy < found.clean.accuracy
    assert found.corrupted["inverted"].accuracy < 0.4
    again = robustness(net, test)
    assert [one.accuracy for one in again.corrupted.values()] == accuracies


def test_robustness_rejects_images_that_are_not_uint8(trained):
    net, test = trained
    floats = hg.Dataset.from_arrays(test.images / 255, test.labels, test.classes, "floats")
    with pytest.raises(DataError, match="floats: images of dtype float32 cannot be corrupted"):
        robustness(net, floats)
