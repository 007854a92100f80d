from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from handgrad import ConfigError, Recipe

LABELS = np.array([0, 0, 0, 1])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, not -1"),
        ({"patience": 0}, "patience must be at least 1 epoch, not 0"),
        ({"clip_norm": 0.0}, "clip_norm must be above 0, not 0.0"),
        ({"class_weights": "even"}, "class_weights must be \"balanced\" or .* not 'even'"),
        ({"optimiser": 1}, "no setting 'optimiser'; the nearest is 'optimizer'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Recipe.of(settings)


def test_balanced_weights_give_each_class_the_same_sum() -> None:
    weights = Recipe(class_weights="balanced").picture_weights(LABELS, ("a", "b"))
    assert weights is not None
    assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert weights.dtype == np.float32


def test_weights_by_label_go_to_the_label() -> None:
    weights = Recipe(class_weights={"b": 3, "a": 1}).picture_weights(LABELS, ("a", "b"))
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
        Recipe(class_weights=class_weights).picture_weights(LABELS, ("a", "b"))
