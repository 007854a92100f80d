from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from handgrad import Adam, Augmentation, ConfigError, TrainConfig

LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
        ({"patience": 0}, "patience must be a whole number of at least 1, not 0"),
        ({"clip_norm": 0.0}, "clip_norm must be a number above 0, not 0.0"),
        ({"class_weights": "even"}, "class_weights must be \"balanced\" or .* not 'even'"),
        ({"average_weights": 0}, "average_weights must be a number above 0, not 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, not 2.5"),
        ({"seed": None}, "seed must be a whole number of at least 0, not None"),
        ({"min_delta": -1.0}, "min_delta must be a number of at least 0, not -1.0"),
        ({"min_delta": float("nan")}, "min_delta must be a number of at least 0, not nan"),
        ({"optimizer": Adam}, r"optimizer must be a value such as Adam\(1e-3\), not <class"),
        ({"schedule": "cosine"}, r"schedule must be a value such as OneCycle\(\), not 'cosine'"),
        ({"loss": "hinge"}, r"loss must be a value such as SoftmaxCrossEntropy\(\), not 'hinge'"),
        ({"clip_norm": float("inf")}, "clip_norm must be a number above 0, not inf"),
        ({"augment": "lite"}, "augment: there is no preset 'lite'; .*; did you mean light"),
        (
            {"augment": 0.1},
            r'augment must be a string such as "light", or Augmentation\(shift=0.1\), not 0.1',
        ),
        ({"lr": 0.1}, r"lr is an argument of the optimizer: optimizer=Adam\(lr=0.01\)"),
        ({"verbosity": 1}, "unknown setting 'verbosity'; use loss, optimizer, clip_norm"),
        ({"optimiser": 1}, "unknown setting 'optimiser'; did you mean 'optimizer'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig().replace(**settings)


def test_an_augmentation_may_be_given_as_text() -> None:
    assert TrainConfig(augment="shift=0.1,flip=true").augment == Augmentation(shift=0.1, flip=True)
    assert TrainConfig(augment="none") == TrainConfig(augment=Augmentation()) == TrainConfig()


def test_balanced_weights_give_each_class_the_same_sum() -> None:
    weights = TrainConfig(class_weights="balanced").image_weights(LABELS, ("a", "b"))
    assert weights is not None
    assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert weights.dtype == np.float32


def test_weights_given_by_label_apply_to_that_label() -> None:
    weights = TrainConfig(class_weights={"b": 3, "a": 1}).image_weights(LABELS, ("a", "b"))
    assert weights is not None
    assert weights.tolist() == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("class_weights", "sentence"),
    [
        ({"a": 1}, "must name each class once; check 'b'"),
        ({"a": 1, "b": 1, "z": 2}, "must name each class once; check 'z'"),
        ({"a": 1, "b": 0}, "must all be finite numbers above 0"),
        ({"a": 1, "b": float("nan")}, "must all be finite numbers above 0"),
    ],
)
def test_invalid_weights_of_classes_are_refused(class_weights: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig(class_weights=class_weights).image_weights(LABELS, ("a", "b"))


def test_the_docstring_describes_every_field() -> None:
    doc = TrainConfig.__doc__ or ""
    for field in dataclasses.fields(TrainConfig):
        assert f"    {field.name}: {field.metadata['description'][:20]}" in doc
        assert f"{field.default!r}." in " ".join(doc.split())
