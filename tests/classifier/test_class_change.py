"""Other classes for a trained classifier: which rows of the last layer are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.calibration import Calibration
from handgrad.classifier import ClassChange

LAYERS = (hg.Normalize(), hg.Conv2d(3, 3), hg.BatchNorm(), hg.ReLU(), hg.Flatten(), hg.Dense())
OLD = ("ant", "bee", "cat", "dog")
CHANGES = {
    "same": ("ant", "bee", "cat", "dog"),
    "reordered": ("dog", "ant", "cat", "bee"),
    "fewer": ("bee", "dog"),
    "more": ("ant", "bee", "cat", "cow", "dog", "eel"),
    "some": ("bee", "cow", "dog", "eel", "fox"),
    "other": ("cow", "eel", "fox"),
}


def classifier(classes: Any = OLD, layers: Any = LAYERS) -> hg.Classifier:
    net = hg.Network(layers, (1, 6, 6), len(classes), seed=1)
    rng = np.random.default_rng(0)
    for array in net.arrays.values():
        array += rng.uniform(0, 1, array.shape).astype(np.float32)
    net.is_fitted = True
    return hg.Classifier(net, classes, calibration=Calibration(2.0))


def data(classes: Any, count: int = 8, shape: Any = (1, 6, 6)) -> hg.Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count * len(classes), *shape)).astype(np.uint8)
    return hg.Dataset.from_arrays(images, list(classes) * count, classes, name="new")


@pytest.mark.parametrize("new", CHANGES.values(), ids=CHANGES)
def test_a_class_keeps_its_logit_and_all_other_arrays_stay(new: tuple[str, ...]) -> None:
    old = classifier()
    before = old.network.snapshot()
    changed = old.for_classes(new, seed=5)
    assert changed.classes == new
    assert changed.network.classes == len(new)
    assert changed.calibration is None
    assert changed.network.is_fitted
    X = data(OLD).images
    Z, before_Z = changed.logits(X), old.logits(X)
    for k, name in enumerate(new):
        if name in OLD:
            np.testing.assert_allclose(Z[:, k], before_Z[:, OLD.index(name)], rtol=1e-5, atol=1e-4)
    for name, array in changed.network.arrays.items():
        if not name.startswith("5."):
            np.testing.assert_array_equal(array, before[name])
    for name, array in old.network.arrays.items():  # the old classifier is not changed
        np.testing.assert_array_equal(array, before[name])
    assert old.classes == OLD
    assert old.calibration is not None


def test_new_rows_are_drawn_from_the_seed_and_their_biases_are_zero() -> None:
    first, again, other = (classifier().for_classes(("ant", "fox"), seed=s) for s in (1, 1, 2))
    W, same, different = (c.network.arrays["5.weight"] for c in (first, again, other))
    np.testing.assert_array_equal(W, same)
    np.testing.assert_array_equal(W[0], different[0])
    assert (W[1] != different[1]).all()
    assert first.network.arrays["5.bias"][1] == 0
    assert 0.5 < W[1].std() / np.sqrt(2 / W.shape[1]) < 2  # He's initialization


def test_numbers_and_their_text_are_the_same_class() -> None:
    old = classifier(range(4))
    changed = old.for_classes(("3", "0"))
    assert changed.classes == ("3", "0")
    np.testing.assert_array_equal(
        changed.network.arrays["5.weight"], old.network.arrays["5.weight"][[3, 0]]
    )


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (OLD, "keeps the rows of the classes ant, bee, cat, dog"),
        (("bee", "dog"), "keeps the rows of the classes bee, dog; drops the classes ant, cat"),
        (
            ("bee", "cow", "cat"),
            "keeps the rows of the classes bee, cat; adds new rows for the class cow; "
            "drops the classes ant, dog",
        ),
        (("x", "y"), "adds new rows for the classes x, y; drops the classes ant, bee, cat, dog"),
        (tuple("abcdefghijkl"), "a, b, c, d, e, f, g, h, i, j, ... (12)"),
    ],
)
def test_a_change_of_classes_in_words(new: tuple[str, ...], sentence: str) -> None:
    assert sentence in str(ClassChange.between(OLD, new))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("ant",), "at least 2 classes, not 1"),
        (("ant", "ant"), "two classes have the name 'ant'"),
        (("ant", 3), "all strings or all integers"),
    ],
)
def test_classes_that_no_classifier_can_have(classes: Any, message: str) -> None:
    with pytest.raises(hg.ModelError, match=message):
        classifier().for_classes(classes)


def test_a_network_that_does_not_end_in_dense_keeps_its_classes() -> None:
    layers = (hg.Conv2d(4, 3), hg.GlobalAvgPool2d())
    old = classifier(layers=layers)
    assert old.for_classes(OLD).classes == OLD
    for new in (OLD[::-1], OLD[:2]):
        with pytest.raises(hg.ModelError, match=r"last layer 1 \(GlobalAvgPool2d\) is not a Dense"):
            old.for_classes(new)


@pytest.mark.parametrize("new", CHANGES.values(), ids=CHANGES)
def test_fit_names_the_remedy_for_other_classes_and_the_remedy_trains(
    new: tuple[str, ...],
) -> None:
    model, train = classifier(), data(new)
    if new != OLD:
        with pytest.raises(hg.DataError, match=r"model = model\.for_classes\(train\.classes\)"):
            hg.fit(model, train, epochs=1)
        model = model.for_classes(train.classes)
    mean = model.network.arrays["0.mean"].copy()
    history = hg.fit(model, train, epochs=2, batch_size=8, engine="reference")
    assert len(history) == 2
    np.testing.assert_array_equal(model.network.arrays["0.mean"], mean)  # not fitted again
    assert set(model.predict(train.images)) <= set(new)


def test_training_starts_from_the_kept_weights(tmp_path: Any) -> None:
    train, test = hg.load_data("digits")
    model = hg.Classifier.for_data(hg.models.two_layer(), train)
    hg.fit(model, train, epochs=6, optimizer=hg.AdamW(0.01))
    model.save(tmp_path / "model.safetensors")
    few = train.take(np.flatnonzero(train.labels >= 5))
    few = hg.Dataset.from_arrays(few.images, few.labels)
    held_out = test.take(np.flatnonzero(test.labels >= 5))
    held_out = hg.Dataset.from_arrays(held_out.images, held_out.labels)
    loaded = hg.load_model(tmp_path / "model.safetensors").for_classes(few.classes)
    start = hg.evaluate(loaded, held_out).accuracy
    assert start > 0.9  # five of the ten classes, without any further training
    hg.fit(loaded, few, epochs=1, freeze="features")
    assert hg.evaluate(loaded, held_out).accuracy >= start - 0.02
