from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from handgrad import Adam, Augmentation, ConfigError, Recipe
from handgrad.train.config import Settings

LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
        ({"patience": 0}, "patience must be a whole number of at least 1, not 0"),
        ({"clip_norm": 0.0}, "clip_norm must be a number above 0, not 0.0"),
        ({"class_weights": "even"}, "class_weights must be \"balanced\" or .* not 'even'"),
        ({"average": 0}, "average must be a number above 0, not 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, not 2.5"),
        ({"seed": None}, "seed must be a whole number of at least 0, not None"),
        ({"min_delta": -1.0}, "min_delta must be a number of at least 0, not -1.0"),
        ({"min_delta": float("nan")}, "min_delta must be a number of at least 0, not nan"),
        ({"optimizer": Adam}, r"optimizer must be such as Adam\(1e-3\), not <class"),
        ({"schedule": "cosine"}, r"schedule must be such as OneCycle\(\), not 'cosine'"),
        ({"loss": "hinge"}, r"loss must be such as SoftmaxCrossEntropy\(\), not 'hinge'"),
        ({"clip_norm": float("inf")}, "clip_norm must be a number above 0, not inf"),
        ({"augment": "lite"}, "augment: there is no preset 'lite'; .*; the nearest is light"),
        (
            {"augment": 0.1},
            r'augment must be such as "light" or Augmentation\(shift=0.1\), not 0.1',
        ),
        ({"lr": 0.1}, r"lr belongs to the optimizer: optimizer=Adam\(lr=0.01\)"),
        ({"verbose": 1}, "no setting 'verbose'; choose of epochs, batch_size, optimizer"),
        ({"optimiser": 1}, "no setting 'optimiser'; the nearest is 'optimizer'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Recipe.of(settings)


def test_an_augmentation_may_be_said_in_words() -> None:
    assert Recipe(augment="shift=0.1,flip=true").augment == Augmentation(shift=0.1, flip=True)
    assert Recipe(augment="none") == Recipe(augment=Augmentation()) == Recipe()


def test_balanced_weights_give_each_class_the_same_sum() -> None:
    weights = Recipe(class_weights="balanced").image_weights(LABELS, ("a", "b"))
    assert weights is not None
    assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert weights.dtype == np.float32


def test_weights_by_label_go_to_the_label() -> None:
    weights = Recipe(class_weights={"b": 3, "a": 1}).image_weights(LABELS, ("a", "b"))
    assert weights is not None
    assert weights.tolist() == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("class_weights", "sentence"),
    [
        ({"a": 1}, "must name each class once; look at 'b'"),
        ({"a": 1, "b": 1, "z": 2}, "must name each class once; look at 'z'"),
        ({"a": 1, "b": 0}, "must all be finite numbers above 0"),
        ({"a": 1, "b": float("nan")}, "must all be finite numbers above 0"),
    ],
)
def test_weights_that_make_no_sense_are_refused(class_weights: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Recipe(class_weights=class_weights).image_weights(LABELS, ("a", "b"))


def test_the_settings_that_fit_takes_are_the_fields_of_a_recipe() -> None:
    assert list(Settings.__annotations__) == [field.name for field in dataclasses.fields(Recipe)]
