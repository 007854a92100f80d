from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import handgrad as hg
from handgrad.losses import softmax
from handgrad.train.evaluate import accuracy_interval
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


def test_an_unknown_class_is_refused() -> None:
    data = blobs()
    model = hg.Classifier(small_net(data), data.classes)
    other = hg.Dataset(data.images, data.labels, (1, 2, 3), "other")
    sentence = "other has the class 3, but the model has only the classes 0, 1, 2 (3); leave out"
    with pytest.raises(hg.DataError, match=re.escape(sentence)):
        hg.evaluate(model, other)
    with pytest.raises(hg.DataError, match="other has other classes than the classifier"):
        hg.fit(model, other)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        ((0, 1, 2), ("0", "1", "2")),
        (("0", "1", "2"), (0, 1, 2)),
        (("a", "b", "c"), ("a", "b", "c")),
        (("a", "b", "c"), (0, 1, 2)),
    ],
)
def test_the_classes_are_matched_by_name_and_may_be_missing(
    model: tuple[Any, ...], data: tuple[Any, ...]
) -> None:
    shown = blobs()
    classifier = hg.Classifier(small_net(shown), model)
    expected = hg.evaluate(classifier.network, shown)
    found = hg.evaluate(classifier, hg.Dataset(shown.images, shown.labels, data))
    assert np.array_equal(found.confusion, expected.confusion)
    few = shown.take(shown.labels > 0)
    other = hg.Dataset(few.images, few.labels - 1, data[1:] if data != (0, 1, 2) else (1, 2))
    found = hg.evaluate(classifier, other)
    assert np.array_equal(found.confusion[1:], expected.confusion[1:])
    assert found.confusion[0].sum() == 0


def _evaluation(confusion: object, loss: float) -> hg.Evaluation:
    return hg.Evaluation(loss, np.array(confusion))


@pytest.mark.parametrize(
    ("confusion", "loss", "words"),
    [
        ([[45, 5], [5, 45]], 0.3, ""),
        ([[45, 5], [5, 45]], float("nan"), "the loss is not finite"),
        ([[45, 5], [5, 45]], 9.0, "the loss of 9 is far above that of guessing, 0.693"),
        ([[50, 0], [50, 0]], 0.6931, "all 100 images get the same class, 0"),
        ([[95, 0], [5, 0]], 0.15, ""),  # it knows more than the frequencies of the classes
        ([[95, 0], [5, 0]], 0.1985, "all 100 images get the same class, 0"),
        ([[25, 25], [25, 25]], 2.0, "an accuracy of 50.00% is no better than guessing, and the"),
        ([[25, 25], [25, 25]], 0.69, ""),  # it has learned nothing, and does not say otherwise
        ([[3, 0], [3, 0]], 9.0, ""),  # too few images to say
    ],
)
def test_a_failed_training_is_recognised(confusion: object, loss: float, words: str) -> None:
    failure = _evaluation(confusion, loss).failure
    assert failure.startswith(words)
    assert bool(failure) == bool(words)


def test_a_training_that_fails_without_nan_is_reported_and_drops_the_calibration(
    caplog: pytest.LogCaptureFixture,
) -> None:
    data = blobs(600)
    model = hg.Classifier(small_net(data), data.classes)
    hg.fit(model, data, epochs=3)
    assert caplog.messages == []
    model.calibration = hg.Calibration(temperature=2.0, threshold=0.9)
    hg.fit(model, data, epochs=2, optimizer=hg.SGD(1000.0))
    assert model.calibration is None
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("handgrad: training may have failed: ")


@pytest.mark.parametrize(
    ("correct", "count"), [(0, 1), (1, 1), (18, 20), (0, 20), (20, 20), (353, 359), (9_912, 10_000)]
)
def test_the_interval_of_an_accuracy_is_wilsons(correct: int, count: int) -> None:
    expected = binomtest(correct, count).proportion_ci(0.95, method="wilson")
    assert accuracy_interval(correct, count) == pytest.approx((expected.low, expected.high))
    found = hg.Evaluation(0.1, np.array([[correct, count - correct], [0, 0]]))
    assert found.interval == accuracy_interval(correct, count)


def test_without_images_the_interval_of_an_accuracy_is_everything() -> None:
    assert accuracy_interval(0, 0) == (0.0, 1.0)
