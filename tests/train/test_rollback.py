from __future__ import annotations

import pytest

import handgrad as hg
from handgrad.engines import Rules, engine_named
from handgrad.train.config import Recipe
from handgrad.train.run import Course


def beginning() -> Course:
    train, _ = hg.load_data("digits")
    recipe = Recipe.of({"epochs": 1, "engine": "reference", "on_divergence": "lower-lr"})
    net = hg.Network([hg.Normalize(), hg.Flatten(), hg.Dense()], train.shape, len(train.classes))
    net.fit_statistics(train.images)
    rules = Rules(recipe.loss, recipe.optimizer, recipe.clip_norm, recipe.seed)
    return Course(net, engine_named(recipe.engine, net, rules), recipe, train)


@pytest.mark.parametrize("good", [0, 1])
@pytest.mark.parametrize(
    ("further", "by_update", "tries"), [(0, False, 1), (0, True, 4), (1, False, 4)]
)
def test_it_gives_up_at_once_where_no_learning_rate_helps(
    good: int, further: int, by_update: bool, tries: int
) -> None:
    course = beginning()
    if good:
        course.note(course.engine.run(course.ahead()))
    assert course.engine.steps == good
    course.keep(None)
    step, layer = good + further, "loss"
    for _ in range(tries - 1):
        error = hg.DivergenceError("", step=step, layer=layer, by_update=by_update)
        course.go_back(error)
        assert not error.hopeless
    error = hg.DivergenceError("", step=step, layer=layer, by_update=by_update)
    with pytest.raises(hg.DivergenceError):
        course.go_back(error)
    assert error.hopeless == (tries == 1)
