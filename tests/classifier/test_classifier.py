from __future__ import annotations

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import network_of


def small(classes=("a", "b", "c"), **options) -> hg.Classifier:
    """Return a classifier of three classes."""
    return hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 4, 5), 3), classes, **options)


def images(count: int = 20) -> np.ndarray:
    """Return random images."""
    return np.random.default_rng(0).integers(0, 256, (count, 1, 4, 5), np.uint8)


def test_predictions_are_class_names() -> None:
    model, X = small(), images()
    names = model.predict(X)
    assert set(names) <= {"a", "b", "c"}
    p = model.predict_proba(X)
    np.testing.assert_array_equal(names, np.array(["a", "b", "c"])[p.argmax(1)])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert set(small([3, 8, 9]).predict(X)) <= {3, 8, 9}
    np.testing.assert_allclose(model.predict_proba(X[:1]), p[:1], rtol=0, atol=1e-6)


def test_without_names_classes_are_numbers() -> None:
    assert small(None).classes == (0, 1, 2)
    assert small(np.unique([7, 8, 9])).classes == (7, 8, 9)


def test_no_images_give_no_predictions() -> None:
    assert small().predict(images(0)).shape == (0,)
    assert small().predict_proba(images(0)).shape == (0, 3)


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ([], "there are no classes; name at least one"),
        (["a", "b", "a"], "two classes have the name 'a'; give them different names"),
        ([1, "1", 2], "must be all strings or all integers"),
        ([1.5, 2, 3], "must be all strings or all integers"),
        (["a", "b"], "the network has 3 classes, but there are 2 class names"),
        (3, "classes must be a list of names, not 3"),
    ],
)
def test_wrong_class_names_are_refused(classes, sentence: str) -> None:
    with pytest.raises(hg.ModelError, match=sentence):
        small(classes)


def test_for_data_takes_shape_classes_and_preprocessing_from_the_data() -> None:
    train, _ = hg.load_data("digits")
    model = hg.Classifier.for_data(hg.models.two_layer(), train, seed=3)
    network = hg.Network(hg.models.two_layer(), train.shape, 10, seed=3)
    assert (model.shape, model.classes) == (train.shape, train.classes)
    assert model.preprocessing == train.preprocessing
    np.testing.assert_array_equal(model.network.arrays["2.weight"], network.arrays["2.weight"])


def test_training_and_evaluation_take_a_network_or_a_classifier() -> None:
    train, test = hg.load_data("digits")
    model = hg.Classifier.for_data(hg.models.softmax_regression(), train)
    network = model.network.copy()
    settings = {"epochs": 1, "engine": "reference"}
    hg.fit(model, train, **settings)
    hg.fit(network, train, **settings)
    np.testing.assert_array_equal(model.network.arrays["1.weight"], network.arrays["1.weight"])
    assert hg.evaluate(model, test).accuracy == hg.evaluate(network, test).accuracy


def test_training_on_other_classes_is_refused() -> None:
    data = hg.Dataset.from_arrays(images(9), np.arange(9) % 3, classes=["a", "b", "d"])
    with pytest.raises(hg.DataError, match="but the model has only the classes 'a', 'b', 'c'"):
        hg.evaluate(small(), data)
    two = hg.Dataset.from_arrays(images(9), np.arange(9) % 2, classes=["a", "b"])
    with pytest.raises(hg.DataError, match="has 2 classes, but the network has 3"):
        hg.evaluate(small().network, two)


def test_layers_are_neither_network_nor_classifier() -> None:
    for build in (network_of, hg.Classifier):
        with pytest.raises(hg.ModelError, match=r"not a list; write hg.Classifier.for_data\("):
            build([hg.Flatten(), hg.Dense()])


def test_the_displays_escape_class_names() -> None:
    model = small(["<a>", "b", "c"])
    assert repr(model) == (
        "Classifier(Network(1x4x5 -> 3 classes, 2 layers, 63 parameters), classes <a>, b, c)"
    )
    assert "&lt;a&gt;" in model._repr_html_()
    assert "<a>" not in model._repr_html_()
