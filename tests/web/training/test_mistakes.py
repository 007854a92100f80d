"""The published mistakes: the gradient check names each, and both curves begin alike."""

import numpy as np
import pytest

import handgrad as hg
from handgrad.train.evaluate import accuracy_interval
from handgrad.web.training.comparison import STEPS, checked, train_one, verdict
from handgrad.web.training.mistakes import MISTAKES


class Kept:
    """Keeps events in place of sending them."""

    def __init__(self) -> None:
        self.points: list[dict] = []

    def send(self, kind: str, **data: object) -> None:
        assert kind == "point"
        self.points.append(data)


@pytest.mark.parametrize("name", MISTAKES)
def test_the_gradient_check_names_the_mistake(name):
    found = checked(MISTAKES[name])
    (cause,) = found["causes"]
    assert cause["name"] == MISTAKES[name].cause
    wrong = {row["tensor"] for row in found["rows"] if row["verdict"] == "wrong"}
    assert wrong == {cause["tensor"]}


@pytest.mark.parametrize("name", MISTAKES)
def test_only_the_gradient_is_wrong(name):
    mistake = MISTAKES[name]
    found = []
    for is_wrong in (False, True):
        layers, loss = mistake.network(is_wrong=is_wrong)
        net = hg.Network(layers, (1, 8, 8), 10, dtype=np.float64)
        X = np.random.default_rng(0).random((6, 1, 8, 8))
        found.append(net.loss_and_grads(X, np.arange(6), loss=loss))
    assert found[0][0] == found[1][0]
    assert any(not np.allclose(found[0][1][k], found[1][1][k]) for k in found[0][1])
    assert mistake.formula("right") != mistake.formula("wrong")


def test_the_curves_are_measured_and_some_mistakes_go_unnoticed():
    train, test = hg.load_data("digits")
    train = train.take(np.arange(500))
    outcomes = {}
    for name, optimizer in [("missing-n", hg.SGD(0.1)), ("missing-n", hg.Adam(0.01))]:
        events = Kept()
        right, wrong = (
            train_one(MISTAKES[name], bad, optimizer, train, test, events) for bad in (False, True)
        )
        steps = [point["step"] for point in events.points if not point["wrong"]]
        assert steps == list(range(5, STEPS + 1, 5))
        outcomes[name, type(optimizer).__name__] = verdict(right, wrong)
        for found in (right, wrong):
            correct = round(found["test_accuracy"] * len(test))
            assert tuple(found["interval"]) == accuracy_interval(correct, len(test))
    assert outcomes == {("missing-n", "SGD"): "fails", ("missing-n", "Adam"): "unnoticed"}


@pytest.mark.parametrize(
    ("accuracy", "diverged_at", "word"),
    [(0.9, None, "unnoticed"), (0.7, None, "worse"), (0.2, None, "fails"), (0.9, 3, "diverged")],
)
def test_the_verdict(accuracy, diverged_at, word):
    right = {"test_accuracy": 0.92, "diverged_at": None}
    assert verdict(right, {"test_accuracy": accuracy, "diverged_at": diverged_at}) == word
