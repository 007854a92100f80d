from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.losses import softmax
from tests.train.blobs import blobs, small_net


def test_rows_of_the_confusion_are_the_true_classes() -> None:
    data = blobs()
    net = small_net(data)
    found = hg.evaluate(net, data)
    predicted = net.logits(data.images).argmax(axis=1)
    for i in range(3):
        for j in range(3):
            cell = np.sum((data.labels == i) & (predicted == j))
            assert found.confusion[i, j] == cell
    assert found.count == 90
    assert found.accuracy == np.mean(predicted == data.labels)


def test_the_loss_is_the_mean_over_all_images() -> None:
    data = blobs()
    net = small_net(data)
    p = softmax(net.logits(data.images))
    expected = -np.log(p[np.arange(90), data.labels]).mean()
    assert hg.evaluate(net, data).loss == pytest.approx(expected, rel=1e-5)


def test_evaluation_prints_as_a_sentence() -> None:
    confusion = np.array([[900, 100], [0, 1000]])
    found = hg.Evaluation(0.25, confusion)
    assert str(found) == "accuracy 95.00% (1,900 of 2,000 correct), loss 0.2500"


@pytest.mark.parametrize("classes", [(1, 2, 3), ("0", "1", "2")])
def test_other_classes_are_refused(classes: tuple[Any, ...]) -> None:
    data = blobs()
    model = hg.Classifier(small_net(data), data.classes)
    other = hg.Dataset(data.images, data.labels, classes, "other")
    few = ", ".join(map(repr, classes))
    sentence = (
        f"other has the classes {few} (3), but the classifier has 0, 1, 2 (3); use data with the "
        "same classes, or build the classifier with hg.Classifier.for_data(layers, train)"
    )
    with pytest.raises(hg.DataError, match=re.escape(sentence)):
        hg.evaluate(model, other)
