from __future__ import annotations

import pytest

import handgrad as hg
from handgrad.engines import Rules, engine_named
from handgrad.training.course import Course
from handgrad.training.recipe import Recipe


def beginning() -> Course:
    train, _ = hg.load("digits")
    recipe = Recipe.of({"epochs": 1, "engine": "reference", "on_divergence": "lower-lr"})
    net = hg.Network([hg.Normalize(), hg.Flatten(), hg.Dense()], train.shape, train.classes)
    net.measure(train.pictures)
    rules = Rules(recipe.loss, recipe.optimizer, recipe.clip_norm, recipe.seed)
    return Course(net, engine_named(recipe.engine, net, rules), recipe, train)


@pytest.mark.parametrize(
    ("good", "failed", "by_update", "hopeless"),
    [
        (1, [5, 5, 5, 5], False, [False, False, False, True]),  # as an optimizer's memory does it
        (1, [5, 6, 5, 5], False, [False] * 4),  # a lower rate goes farther
        (1, [5, 5, 5, 5], True, [False] * 4),
        (1, [1, 1, 1, 1], False, [True] * 4),  # the numbers there are too large
        (0, [1, 1, 1, 1], False, [False] * 4),  # there is no memory yet: lower is better
        (0, [0, 0, 0, 0], False, [True] * 4),
    ],
)
def test_it_knows_when_no_lower_rate_helps(
    good: int, failed: list[int], by_update: bool, hopeless: list[bool]
) -> None:
    course = beginning()
    if good:
        course.note(course.engine.run(course.ahead()))
    assert course.engine.steps == good
    course.keep(None)
    errors = [
        hg.DivergenceError("", step=step, layer="loss", by_update=by_update) for step in failed
    ]
    for error in errors[:3]:
        course.go_back(error)
    with pytest.raises(hg.DivergenceError):
        course.go_back(errors[3])
    assert [error.hopeless for error in errors] == hopeless
